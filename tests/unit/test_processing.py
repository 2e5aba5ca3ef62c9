import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec
import pytest

from photo.adapters.memory import MemoryRecognizer
from photo.domain.errors import (
    ChecksumMismatch,
    ContentMismatch,
    FileTooLarge,
    JobFinished,
    NotFound,
    PhotoError,
    UnsupportedMediaType,
    UploadMissing,
)
from photo.domain.job import Failure, Job, JobId, Photo, Status, Step
from photo.domain.media import MediaType
from photo.domain.text import Page
from photo.domain.upload import Upload
from tests.makers import ENGINE, NOW, a_job, an_upload, photo_bytes
from tests.unit.world import A_SECOND, Crash, Way, World, once

T = TypeVar("T")

JPEG = photo_bytes(MediaType.JPEG)
JPEG_SHA256 = sha256(JPEG).hexdigest()

#: How often a port is called until the photo has arrived and its job is accepted,
#: and then by the four steps together.
ARRIVAL_CALLS = 3
CALLS = 17


async def twice(step: Callable[[], Awaitable[T]], /) -> T:
    first = await step()
    assert await step() == first
    return first


async def twice_at_once(step: Callable[[], Awaitable[T]], /) -> T:
    first, second = await asyncio.gather(step(), step())
    assert first == second
    return first


async def again_after_a_crash(step: Callable[[], Awaitable[T]], /) -> T:
    try:
        return await step()
    except Crash:
        return await step()


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
    original, *files = manifest.files
    assert (original.name, original.sha256) == ("original", JPEG_SHA256)
    assert {
        job.artifact_key(file.name): (file.sha256, file.size_bytes, file.content_type)
        for file in files
    } == {
        key: (sha256(data).hexdigest(), len(data), content_type)
        for key, (data, content_type) in stored.items()
    }
    assert [file.name for file in files] == [
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
        (an_upload(), JPEG + bytes(MediaType.JPEG.max_bytes), FileTooLarge),
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
    await world.verify(job_id)
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


UPLOAD = an_upload()
JOB = a_job(UPLOAD)


class Outcome(NamedTuple):
    job: Job
    files: dict[str, tuple[bytes, str]]


async def outcome(world: World, way: Way = once) -> Outcome:
    """What is left of one and the same job when it has been taken this way."""
    await world.arrive(UPLOAD)
    await world.jobs.add(JOB)
    job = await world.process(JOB.id, way)
    return Outcome(job, world.processed.contents())


@pytest.mark.parametrize("way", [twice, twice_at_once])
async def test_steps_run_twice_leave_what_steps_run_once_leave(way: Way) -> None:
    assert await outcome(World(), way) == await outcome(World())


@pytest.mark.parametrize("call", range(1, CALLS + 1))
async def test_a_crash_at_any_call_is_made_good_by_repeating_the_step(
    world: World, call: int
) -> None:
    world.fuse.blow_at(call + ARRIVAL_CALLS)
    assert await outcome(world, again_after_a_crash) == await outcome(World())
    assert world.fuse.blown


@pytest.mark.parametrize("call", range(CALLS - 3, CALLS + 1))
async def test_a_manifest_written_again_later_is_the_same(
    world: World, call: int
) -> None:
    async def again_later(step: Callable[[], Awaitable[T]], /) -> T:
        try:
            return await step()
        except Crash:
            world.clock.step(60 * A_SECOND)
            return await step()

    world.fuse.blow_at(call + ARRIVAL_CALLS)
    assert (await outcome(world, again_later)).files == (await outcome(World())).files
    assert world.fuse.blown


async def test_the_crashes_cover_every_call(world: World) -> None:
    await outcome(world)
    assert world.fuse.calls == ARRIVAL_CALLS + CALLS


async def test_a_straggling_verification_does_not_undo_later_steps(
    world: World,
) -> None:
    job_id = await world.accept()
    await world.verify(job_id)
    await world.normalize(job_id)
    before = await world.jobs.get(job_id)
    await world.verify(job_id)
    assert await world.jobs.get(job_id) == before


@pytest.mark.parametrize("steps_before", range(4))
async def test_a_step_after_a_cancel_is_refused_and_writes_nothing(
    world: World, steps_before: int
) -> None:
    job_id = await world.accept()
    left = steps_before

    async def cancelled_before_one(step: Callable[[], Awaitable[T]], /) -> T:
        nonlocal left
        left -= 1
        if left >= 0:
            return await step()
        await world.end.cancel(job_id)
        files = world.processed.contents()
        with pytest.raises(JobFinished) as refused:
            await step()
        assert world.processed.contents() == files
        raise refused.value

    job = await world.process(job_id, cancelled_before_one)
    assert left == -1
    assert (job.status, job.finished_at) == (
        Status.CANCELLED,
        NOW + steps_before * A_SECOND,
    )


async def test_a_cancel_in_the_middle_of_a_step_is_the_end() -> None:
    class CancelledMeanwhile(MemoryRecognizer):
        async def recognize(self, page: Path) -> Page:
            await world.end.cancel(job_id)
            return await super().recognize(page)

    world = World(recognizer=CancelledMeanwhile())
    job_id = await world.accept()
    job = await world.process(job_id)
    assert (job.status, job.manifest_sha256) == (Status.CANCELLED, None)
    assert job.artifact_key("manifest.json") not in world.processed.contents()


async def test_a_job_fails_once(world: World) -> None:
    job_id = await world.accept()
    first = Failure("corrupt_image", "This is no photo.", retryable=False)
    await world.end.fail(job_id, first)
    failed = await world.jobs.get(job_id)
    world.clock.step(A_SECOND)
    await world.end.fail(job_id, replace(first, code="timed_out"))
    await world.end.cancel(job_id)
    assert await world.jobs.get(job_id) == failed
    assert (failed.status, failed.error) == (Status.FAILED, first)


async def test_a_success_cannot_be_turned_into_a_failure(world: World) -> None:
    job_id = await world.accept()
    succeeded = await world.process(job_id)
    await world.end.fail(job_id, Failure("timed_out", "Too slow.", retryable=False))
    await world.end.cancel(job_id)
    assert await world.jobs.get(job_id) == succeeded


async def test_a_job_that_is_unknown_cannot_be_processed(world: World) -> None:
    with pytest.raises(NotFound):
        await world.verify(JobId("job_unknown"))
