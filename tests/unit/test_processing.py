import asyncio
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from photo.adapters.memory import MemoryNormalizer, MemoryRecognizer
from photo.application.ports import PageImage
from photo.domain.errors import (
    ChecksumMismatch,
    ContentMismatch,
    FileTooLarge,
    PhotoError,
    UnsupportedMediaType,
    UploadMissing,
)
from photo.domain.job import JobId, Photo, Status, Step
from photo.domain.media import ByteLimits, MediaType
from photo.domain.text import Page
from photo.domain.upload import Upload
from tests.makers import ENGINE, NOW, an_upload, photo_bytes
from tests.unit.world import A_SECOND, World

JPEG = photo_bytes(MediaType.JPEG)
JPEG_SHA256 = sha256(JPEG).hexdigest()


async def test_a_photo_becomes_text_in_four_steps(world: World) -> None:
    job = await world.process(await world.accept(data=JPEG))
    assert (job.status, job.error, job.text_preview) == (
        Status.SUCCEEDED,
        None,
        "Hello photo",
    )
    assert job.photo == Photo(
        content_type=MediaType.JPEG,
        size_bytes=len(JPEG),
        sha256=JPEG_SHA256,
        width=100,
        height=100,
    )
    assert job.durations() == {
        Step.VERIFY: 1.0,
        Step.NORMALIZE: 1.0,
        Step.RECOGNIZE: 1.0,
        Step.PUBLISH: 0.0,
    }
    assert (job.started_at, job.finished_at) == (NOW, NOW + 3 * A_SECOND)


async def test_the_manifest_vouches_for_every_file(world: World) -> None:
    job = await world.process(await world.accept(data=JPEG))
    stored = world.processed.contents()
    manifest_json, _ = stored.pop(job.artifact_key("manifest.json"))
    assert sha256(manifest_json).hexdigest() == job.manifest_sha256

    manifest = world.documents.read_manifest(manifest_json)
    assert (manifest.job_id, manifest.engine) == (job.id, ENGINE)
    original, *_ = manifest.files
    assert original.sha256 == JPEG_SHA256
    assert {
        job.artifact_key(file.name): (file.sha256, file.size_bytes, file.content_type)
        for file in manifest.files
    } == {
        key: (sha256(data).hexdigest(), len(data), content_type)
        for key, (data, content_type) in stored.items()
    }
    assert [file.name for file in manifest.files] == [
        "original",
        "normalized.jpg",
        "thumbnail.webp",
        "text.json",
        "text.txt",
    ]


async def test_the_text_is_measured_in_pixels_of_the_original(world: World) -> None:
    class Half(MemoryRecognizer):
        """Saw a copy half as large as the photo."""

        async def recognize(self, page: Path) -> Page:
            return (await super().recognize(page)).scaled_to(50, 50)

    world = World(recognizer=Half())
    job = await world.process(await world.accept())
    result, _ = world.processed.contents()[job.artifact_key("text.json")]
    (page,) = msgspec.json.decode(result)["pages"]
    assert (page["width"], page["height"]) == (100, 100)
    assert page["lines"][0]["polygon"][2] == [90.0, 30.0]


@pytest.mark.parametrize(
    ("upload", "data", "error"),
    [
        (an_upload(), b"A text called photo.jpg", UnsupportedMediaType),
        (an_upload(), b"", UnsupportedMediaType),
        (an_upload(), photo_bytes(MediaType.PNG), ContentMismatch),
        (an_upload(size_bytes=len(JPEG) + 1), JPEG, ContentMismatch),
        (an_upload(sha256="0" * 64), JPEG, ChecksumMismatch),
        (an_upload(size_bytes=len(JPEG) - 1), JPEG, FileTooLarge),
        (an_upload(), JPEG + bytes(ByteLimits().of(MediaType.JPEG)), FileTooLarge),
    ],
)
async def test_a_broken_promise_is_found(
    world: World, upload: Upload, data: bytes, error: type[PhotoError]
) -> None:
    job_id = await world.accept(upload, data)
    with pytest.raises(error):
        await world.verify(job_id)
    assert (await world.jobs.get(job_id)).photo is None


async def test_a_kept_promise_is_verified(world: World) -> None:
    upload = an_upload(size_bytes=len(JPEG), sha256=JPEG_SHA256)
    job = await world.process(await world.accept(upload, JPEG))
    assert job.status is Status.SUCCEEDED


@pytest.mark.parametrize("media_type", MediaType)
async def test_a_photo_that_is_read_in_crumbs_is_known(
    world: World, media_type: MediaType
) -> None:
    job_id = await world.accept(an_upload(media_type))
    world.raw.chunk_bytes = 5
    await world.verify(job_id)
    photo = (await world.jobs.get(job_id)).verified_photo
    assert photo.content_type is media_type
    assert photo.sha256 == sha256(photo_bytes(media_type)).hexdigest()


async def test_a_photo_changed_after_it_was_verified_goes_no_further(
    world: World,
) -> None:
    upload = an_upload()
    job_id = await world.accept(upload)
    await world.verify(job_id)
    await world.send(upload, photo_bytes() + b"another")
    with pytest.raises(ChecksumMismatch, match="changed after"):
        await world.normalize(job_id)
    assert world.processed.contents() == {}


async def test_verifying_again_does_not_launder_a_changed_photo(world: World) -> None:
    upload = an_upload()
    job_id = await world.accept(upload)
    await world.verify(job_id)
    await world.send(upload, photo_bytes() + b"another")
    for step in (world.verify, world.normalize):
        with pytest.raises(ChecksumMismatch):
            await step(job_id)


async def test_an_original_that_its_decoder_rewrote_is_not_published() -> None:
    class TakenOver(MemoryNormalizer):
        async def normalize(
            self, photo: Path, content_type: MediaType, *, into: Path
        ) -> Sequence[PageImage]:
            pages = await super().normalize(photo, content_type, into=into)
            await asyncio.to_thread(photo.write_bytes, JPEG + b"a virus")
            return pages

    world = World(normalizer=TakenOver())
    job_id = await world.accept()
    await world.verify(job_id)
    with pytest.raises(ChecksumMismatch):
        await world.normalize(job_id)
    assert world.processed.contents() == {}


async def test_another_file_in_the_place_of_the_original_is_not_published(
    world: World,
) -> None:
    job_id = await world.accept()
    await world.verify(job_id)
    key = (await world.jobs.get(job_id)).artifact_key("original")
    await world.processed.receive(key, JPEG + b"a virus", content_type="image/jpeg")
    with pytest.raises(ChecksumMismatch):
        await world.normalize(job_id)


@pytest.mark.parametrize("steps_done", [0, 1])
async def test_a_photo_that_vanished_is_to_be_sent_again(
    world: World, steps_done: int
) -> None:
    upload = an_upload()
    job_id = await world.accept(upload)
    steps: list[Callable[[JobId], Awaitable[object]]] = [world.verify, world.normalize]
    for step in steps[:steps_done]:
        await step(job_id)
    await world.raw.delete(upload.key)
    with pytest.raises(UploadMissing) as refused:
        await steps[steps_done](job_id)
    assert upload.key not in refused.value.detail


async def test_an_unverified_photo_is_not_opened(world: World) -> None:
    with pytest.raises(ValueError, match="has not been verified"):
        await world.normalize(await world.accept())
