from dataclasses import replace

import pytest

from photo.application.linking import LINK_LIFETIME, ListFiles
from photo.domain.errors import (
    JobFailed,
    JobNotFinished,
    NotFound,
    PhotoError,
)
from photo.domain.files import ORIGINAL
from photo.domain.job import Failure
from tests.makers import ACME, OTHER, an_upload, photo_bytes
from tests.unit.world import World

BROKEN = Failure("corrupt_image", "This is no photo.", retryable=False)


async def test_every_file_of_a_succeeded_job_is_linked(world: World) -> None:
    job_id = await world.accept()
    job = await world.process(job_id)
    linked = await list_files(world)(ACME, job_id)
    assert [item.file.name for item in linked] == [
        "original",
        "normalized.jpg",
        "thumbnail.webp",
        "text.json",
        "text.txt",
        "manifest.json",
    ]
    assert {item.expires_at for item in linked} == {world.clock() + LINK_LIFETIME}
    original, *artifacts = linked
    assert original.url.startswith(f"memory://processed/{job.artifact_key(ORIGINAL)}?")
    assert "filename=photo.jpg" in original.url
    for item in artifacts:
        key = job.artifact_key(item.file.name)
        assert item.url.startswith(f"memory://processed/{key}?")
    assert artifacts[-1].file.sha256 == job.manifest_sha256


@pytest.mark.parametrize(
    ("filename", "downloaded"),
    [
        ("../Beleg №1.png", "Beleg №1.jpg"),
        ("x\r\nSet-Cookie: y", "xSet-Cookie: y.jpg"),
        (None, "{}-original.jpg"),
    ],
)
async def test_the_original_is_downloaded_by_the_name_that_it_came_with(
    world: World, filename: str | None, downloaded: str
) -> None:
    job_id = await world.accept(replace(an_upload(), filename=filename))
    await world.process(job_id)
    original, *_ = await list_files(world)(ACME, job_id)
    assert f"filename={downloaded.format(job_id)}&" in original.url


async def test_an_original_from_the_web_keeps_its_name() -> None:
    url = "https://example.com/a/caf%C3%A9.jpeg?token=c4n4ry"
    world = World(internet={url: photo_bytes()})
    job_id = await world.accept_url(url)
    await world.process(job_id)
    original, *_ = await list_files(world)(ACME, job_id)
    assert "filename=café.jpeg&" in original.url


@pytest.mark.parametrize(
    ("failure", "refusal"), [(None, JobNotFinished), (BROKEN, JobFailed)]
)
async def test_only_a_succeeded_job_has_files(
    world: World, failure: Failure | None, refusal: type[PhotoError]
) -> None:
    job_id = await world.accept()
    if failure:
        await world.end.fail(job_id, failure)
    with pytest.raises(refusal):
        await list_files(world)(ACME, job_id)


async def test_another_tenants_files_are_not_there(world: World) -> None:
    job_id = await world.accept()
    await world.process(job_id)
    with pytest.raises(NotFound):
        await list_files(world)(OTHER, job_id)


def list_files(world: World) -> ListFiles:
    return ListFiles(
        world.uploads,
        world.jobs,
        world.buckets,
        world.links,
        world.documents,
        world.clock,
    )
