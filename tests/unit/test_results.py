"""`OpenResult`: what was read, as it was stored or as it is asked for."""

import json

import pytest

from photo.adapters.formats import FormatRenderer
from photo.adapters.memory import MemoryRecognizer
from photo.application.results import OpenResult
from photo.domain.errors import (
    JobFailed,
    JobNotFinished,
    NotFound,
    ObjectNotFound,
    PhotoError,
)
from photo.domain.files import NORMALIZED, TEXT_JSON
from photo.domain.formats import Format
from photo.domain.job import Failure, JobId
from tests.makers import ACME, OTHER
from tests.unit.world import World

BROKEN = Failure("corrupt_image", "This is no photo.", retryable=False)
STORED = {Format.JSON, Format.TEXT}


async def result(world: World, job_id: JobId, format: Format) -> bytes:
    open_result = OpenResult(
        world.jobs, world.buckets, world.documents, FormatRenderer()
    )
    chunks = await open_result(ACME, job_id, format)
    return b"".join([chunk async for chunk in chunks])


@pytest.fixture
async def job_id(world: World) -> JobId:
    job_id = await world.accept()
    await world.process(job_id)
    return job_id


@pytest.mark.parametrize(
    ("format", "begins", "holds"),
    [
        (Format.TEXT, b"Hello photo", b""),
        (Format.JSON, b'{"job_id":', b'"text":"Hello photo"'),
        (Format.HOCR, b"<!DOCTYPE html>", b">Hello</span> "),
        (Format.ALTO, b"<?xml ", b'CONTENT="Hello"'),
        (Format.PDF, b"%PDF-", b"/DCTDecode"),
        (Format.TEXTRACT, b'{"DocumentMetadata":{"Pages":1}', b'"Text":"Hello photo"'),
    ],
)
async def test_every_format_is_to_be_had(
    world: World, job_id: JobId, format: Format, begins: bytes, holds: bytes
) -> None:
    document = await result(world, job_id, format)
    assert document.startswith(begins)
    assert holds in document


@pytest.mark.parametrize("format", {*Format} - {Format.PDF})
async def test_only_a_pdf_needs_the_images(
    world: World, job_id: JobId, format: Format
) -> None:
    job = await world.jobs.get(job_id)
    await world.processed.delete(job.artifact_key(NORMALIZED))
    assert await result(world, job_id, format)
    with pytest.raises(ObjectNotFound):
        await result(world, job_id, Format.PDF)


@pytest.mark.parametrize("format", {*Format} - STORED)
async def test_a_result_that_is_rendered_is_not_stored(
    world: World, job_id: JobId, format: Format
) -> None:
    before = await world.processed.list(after="", limit=100)
    assert await result(world, job_id, format) == await result(world, job_id, format)
    assert await world.processed.list(after="", limit=100) == before


@pytest.mark.parametrize("format", {*Format} - {Format.TEXT})
async def test_a_photo_without_text_has_a_result_all_the_same(format: Format) -> None:
    world = World(recognizer=MemoryRecognizer(""))
    job_id = await world.accept()
    await world.process(job_id)
    assert await result(world, job_id, format)


async def test_what_is_read_is_what_was_stored(world: World, job_id: JobId) -> None:
    job = await world.jobs.get(job_id)
    stored = [
        chunk async for chunk in world.processed.read(job.artifact_key(TEXT_JSON))
    ]
    read = world.documents.read_result(b"".join(stored))
    [page] = read.pages
    assert (read.job_id, read.page_count, page.text) == (job_id, 1, "Hello photo")
    written = json.loads(b"".join(stored))
    assert written["engine"]["name"] == read.engine.name
    polygon = written["pages"][0]["lines"][0]["polygon"]
    assert [list(corner) for corner in page.lines[0].polygon] == polygon


@pytest.mark.parametrize("format", Format)
@pytest.mark.parametrize(
    ("failure", "refusal"), [(None, JobNotFinished), (BROKEN, JobFailed)]
)
async def test_only_a_succeeded_job_has_a_result(
    world: World, format: Format, failure: Failure | None, refusal: type[PhotoError]
) -> None:
    job_id = await world.accept()
    if failure:
        await world.end.fail(job_id, failure)
    with pytest.raises(refusal):
        await result(world, job_id, format)


@pytest.mark.parametrize("format", Format)
async def test_another_tenants_result_is_not_there(
    world: World, job_id: JobId, format: Format
) -> None:
    open_result = OpenResult(
        world.jobs, world.buckets, world.documents, FormatRenderer()
    )
    with pytest.raises(NotFound):
        await open_result(OTHER, job_id, format)
