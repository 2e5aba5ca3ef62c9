from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from photo.adapters.memory import MemoryObjectStore
from photo.application.ports import Buckets, NewId, Repair
from photo.application.sweeping import (
    ABANDONED_AFTER,
    CRASHED_KEPT_FOR,
    LOOK_BACK_DAYS,
    Swept,
)
from photo.domain.errors import NotFound, Unavailable, UploadExpired
from photo.domain.job import Failure, Job, Status, Step
from photo.domain.upload import RAW_LIFETIME, Upload, is_raw_key
from photo.entrypoints.in_memory import memory_container
from tests.makers import ACME, NOW, OTHER, a_job, a_url_job, an_upload, in_chunks
from tests.unit.world import A_SECOND, Crash, World

A_DAY = timedelta(days=1)
PHOTO = b"\xff\xd8\xff a photo"
NOTHING = Swept(uploads=0, objects=0, size_bytes=0)
#: Of a sweep that finds something: a look at each day and a second one at the first,
#: two pages, the second of them empty, and what is needed of the first.
LOOKS = LOOK_BACK_DAYS + 1 + 2 + 1


async def sent(world: World, upload: Upload | None = None) -> Upload:
    return await world.arrive(upload or an_upload(created_at=world.clock()), data=PHOTO)


async def put(world: World, *keys: str) -> None:
    for key in keys:
        await world.raw.write(key, in_chunks(PHOTO), content_type="image/jpeg")


def a_day_later(world: World) -> World:
    world.clock.step(RAW_LIFETIME + A_SECOND)
    return world


async def test_an_upload_that_nobody_claims_goes_with_its_photo(world: World) -> None:
    await sent(world)
    swept = await a_day_later(world).sweep()
    assert swept == Swept(uploads=1, objects=1, size_bytes=len(PHOTO))
    assert world.uploads.known() == []
    assert world.raw.contents() == {}


async def test_an_upload_that_never_came_is_forgotten(world: World) -> None:
    await world.uploads.add(an_upload())
    swept = await a_day_later(world).sweep()
    assert swept == Swept(uploads=1, objects=0, size_bytes=0)
    assert world.uploads.known() == []


async def test_what_is_a_day_old_stays_for_the_moment(world: World) -> None:
    upload = await sent(world)
    world.clock.step(RAW_LIFETIME)
    assert await world.sweep() == NOTHING
    assert world.uploads.known() == [upload]
    assert [*world.raw.contents()] == [upload.key]


async def test_a_photo_is_as_old_as_its_last_bytes(world: World) -> None:
    upload = an_upload()
    await world.uploads.add(upload)
    world.clock.step(A_DAY)
    await world.send(upload, PHOTO)
    world.clock.step(A_SECOND)
    assert await world.sweep() == Swept(uploads=1, objects=0, size_bytes=0)
    assert (await a_day_later(world).sweep()).objects == 1


@pytest.mark.parametrize("days", [1, 1.7, 2.2, LOOK_BACK_DAYS])
async def test_an_upload_is_forgotten_after_days_without_a_sweep(
    world: World, days: float
) -> None:
    await sent(world)
    world.clock.step(A_SECOND + days * A_DAY)
    assert (await world.sweep()).uploads == 1


async def test_a_photo_goes_however_long_nothing_was_swept(world: World) -> None:
    upload = await sent(world)
    world.clock.step(100 * A_DAY)
    assert (await world.sweep()).objects == 1
    assert world.uploads.known() == [upload]


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.FAILED, Status.CANCELLED])
async def test_the_photo_of_a_job_that_ended_goes_and_its_rows_stay(
    world: World, status: Status
) -> None:
    job_id = await world.accept()
    match status:
        case Status.SUCCEEDED:
            await world.process(job_id)
        case Status.FAILED:
            broken = Failure("corrupt_image", "This is no photo.", retryable=False)
            await world.end.fail(job_id, broken)
        case _:
            await world.end.cancel(job_id)
    job, files = await world.jobs.get(job_id), world.processed.contents()
    assert (await a_day_later(world).sweep()).objects == 1
    assert job.status is status
    assert await world.jobs.get(job_id) == job
    assert [upload.id for upload in world.uploads.known()] == [job.upload_id]
    assert world.raw.contents() == {}
    assert world.processed.contents() == files


async def test_an_unfinished_job_keeps_its_photo_however_long_it_waits(
    world: World,
) -> None:
    await world.accept()
    running = await world.accept()
    away = Failure("dependency_unavailable", "The scanner is away.", retryable=True)
    await world.jobs.update(running, lambda job: job.enter(Step.SCAN, at=NOW))
    await world.jobs.update(running, lambda job: job.wait(away))
    fetched = a_url_job().enter(Step.FETCH, at=NOW)
    await world.jobs.add(fetched)
    await put(world, fetched.raw_key)
    photos = world.raw.contents()
    for _ in range(10):
        assert await a_day_later(world).sweep() == NOTHING
    assert world.raw.contents() == photos
    assert len(photos) == 3

    await world.end.cancel(running)
    await world.end.cancel(fetched.id)
    assert (await world.sweep()).objects == 2


async def test_objects_of_no_upload_and_no_job_go(world: World) -> None:
    await put(world, an_upload().key, an_upload(tenant=OTHER).key, a_url_job().raw_key)
    swept = await a_day_later(world).sweep()
    assert swept == Swept(uploads=0, objects=3, size_bytes=3 * len(PHOTO))
    assert world.raw.contents() == {}


FOREIGN = [
    "readme.txt",
    "acme/readme.txt",
    "upl_" + 26 * "0",
    "/upl_" + 26 * "0",
    "acme/upl_",
    "acme/upl_" + 25 * "0",
    "acme/upl_" + 27 * "0",
    "acme/upl_" + 26 * "0" + "/",
    "acme/upl_" + 26 * "0" + "\n",
    "acme/upl_" + 26 * "0" + ".jpg",
    "acme/upl_" + 26 * "A",
    "acme/UPL_" + 26 * "0",
    "acme/key_" + 26 * "0",
    "acme/old/upl_" + 26 * "0",
    "acme/job_" + 26 * "0" + "/original",
]


async def test_what_bears_no_key_of_ours_is_never_touched(world: World) -> None:
    await put(world, *FOREIGN)
    world.clock.step(1000 * A_DAY)
    assert await world.sweep() == NOTHING
    assert {*world.raw.contents()} == {*FOREIGN}


async def test_every_key_that_is_made_is_known_as_ours() -> None:
    new_id: NewId = await memory_container().get(NewId)
    for prefix in ("upl", "job"):
        assert is_raw_key(f"default/{new_id(prefix)}")
    assert is_raw_key(an_upload().key)
    assert is_raw_key(a_job().raw_key)
    assert is_raw_key(a_url_job().raw_key)


async def test_the_processed_bucket_is_not_swept(world: World) -> None:
    key = an_upload().key
    await world.processed.write(key, in_chunks(PHOTO), content_type="image/jpeg")
    await a_day_later(world).sweep()
    assert [*world.processed.contents()] == [key]


async def test_more_than_a_page_is_swept_and_the_young_among_it_stays(
    world: World,
) -> None:
    old = [an_upload().key for _ in range(1500)]
    young = [an_upload().key for _ in range(1500)]
    await put(world, *old)
    await put(a_day_later(world), *young)
    swept = await world.sweep()
    assert swept == Swept(uploads=0, objects=1500, size_bytes=1500 * len(PHOTO))
    assert {*world.raw.contents()} == {*young}


async def test_more_uploads_than_a_batch_are_forgotten(world: World) -> None:
    for _ in range(2500):
        await world.uploads.add(an_upload())
    assert (await a_day_later(world).sweep()).uploads == 2500


async def crowded(world: World) -> World:
    """Some of everything, a day ago."""
    for _ in range(12):
        await sent(world)
    await world.uploads.add(an_upload())
    await world.accept()
    await world.end.cancel(await world.accept())
    await put(world, a_url_job().raw_key, "acme/readme.txt")
    return a_day_later(world)


def left(world: World) -> tuple[int, int]:
    """Uploads and objects."""
    return len(world.uploads.known()), len(world.raw.contents())


CROWDED_CALLS = LOOKS + 14


@pytest.mark.parametrize("call", range(1, CROWDED_CALLS + 1))
async def test_after_a_crash_at_any_call_the_next_sweep_goes_on(
    world: World, call: int
) -> None:
    await crowded(world)
    world.fuse.blow_at(call)
    with pytest.raises(Crash):
        await world.sweep()
    await world.sweep()
    assert left(world) == (2, 2)
    assert await world.sweep() == NOTHING


async def test_the_crashes_cover_every_call(world: World) -> None:
    await crowded(world)
    world.fuse.blow_at(0)
    swept = await world.sweep()
    assert (swept.uploads, swept.objects) == (13, 14)
    assert left(world) == (2, 2)
    assert world.fuse.calls == CROWDED_CALLS


async def test_a_store_that_fails_midway_fails_the_sweep_and_the_next_goes_on(
    world: World,
) -> None:
    class Flaky(MemoryObjectStore):
        deletions = 0

        async def delete(self, key: str) -> None:
            self.deletions += 1
            if self.deletions == 20:
                raise Unavailable("The object store went away.")
            await super().delete(key)

    raw = Flaky(world.clock)
    for _ in range(30):
        key = an_upload().key
        await raw.write(key, in_chunks(PHOTO), content_type="image/jpeg")
    buckets = Buckets(raw=raw, processed=world.processed)
    sweep = replace(world.sweep, buckets=buckets)
    a_day_later(world)
    with pytest.raises(Unavailable):
        await sweep()
    assert (await sweep()).objects == 11
    assert await raw.list(after="", limit=1) == []


async def submitted(world: World, upload: Upload) -> Job | None:
    try:
        return await world.submit.on_upload(ACME, upload.id, {})
    except (NotFound, UploadExpired):
        return None


async def has_photo_or_no_job(world: World, upload: Upload, job: Job | None) -> None:
    """Either the job was accepted and can be done, or nothing is left."""
    assert await world.jobs.for_upload(upload.id) == job
    if job is None:
        await world.sweep()
        assert left(world) == (0, 0)
    else:
        assert left(world) == (1, 1)
        assert (await world.process(job.id)).status is Status.SUCCEEDED


@pytest.mark.parametrize("call", range(1, LOOKS + 2))
async def test_a_submission_at_any_moment_of_a_sweep_has_its_photo_or_is_refused(
    world: World, call: int
) -> None:
    upload = await world.arrive(an_upload())
    jobs = []

    async def submit() -> None:
        jobs.append(await submitted(world, upload))

    a_day_later(world).fuse.blow_at(call, submit)
    await world.sweep()
    assert world.fuse.blown
    await has_photo_or_no_job(world, upload, jobs[0])


@pytest.mark.parametrize("call", range(1, 5))
async def test_a_sweep_at_any_moment_of_a_submission_leaves_its_photo_or_refuses_it(
    world: World, call: int
) -> None:
    async def sweep() -> None:
        world.clock.step(2 * A_SECOND)
        await world.sweep()

    upload = await world.arrive(an_upload())
    world.clock.step(RAW_LIFETIME - A_SECOND)
    world.fuse.blow_at(call, sweep)
    job = await submitted(world, upload)
    assert world.fuse.blown == (job is not None or call < 3)
    await has_photo_or_no_job(world, upload, job)


async def test_a_claim_just_before_a_sweep_keeps_the_photo(world: World) -> None:
    upload = await world.arrive(an_upload())
    world.clock.step(RAW_LIFETIME - A_SECOND)
    job = await submitted(world, upload)
    assert job
    a_day_later(world)
    assert await world.sweep() == NOTHING
    await has_photo_or_no_job(world, upload, job)


async def test_a_photo_that_processes_died_of_is_kept_for_people_to_look_at(
    world: World,
) -> None:
    poison, broken = await world.accept(), await world.accept()
    died = Failure("recognition_failed", "Failed.", retryable=False, crashes=("x",))
    failed = Failure("recognition_failed", "Failed.", retryable=False)
    await world.end.fail(poison, died)
    await world.end.fail(broken, failed)
    world.clock.step(CRASHED_KEPT_FOR - A_SECOND)
    assert (await world.sweep()).objects == 1
    assert [*world.raw.contents()] == [(await world.jobs.get(poison)).raw_key]
    world.clock.step(A_SECOND)
    assert (await world.sweep()).objects == 1
    assert world.raw.contents() == {}


async def test_deleted_photos_are_counted_by_the_page(world: World) -> None:
    await put(world, *(an_upload().key for _ in range(1500)))
    await a_day_later(world).sweep()
    assert world.repairs.notes == [
        (Repair.PHOTO_DELETED, 1000, {}),
        (Repair.PHOTO_DELETED, 500, {}),
    ]


async def test_writes_that_never_ended_are_given_up_in_both_buckets(
    world: World,
) -> None:
    class HalfWritten(MemoryObjectStore):
        begun_at = NOW
        begun: tuple[str, ...] = ()

        async def abandon_writes(
            self, *, to: Callable[[str], bool], begun_before: datetime
        ) -> int:
            return sum(map(to, self.begun)) * (self.begun_at < begun_before)

    raw, processed = HalfWritten(), HalfWritten()
    job, upload = a_job(), an_upload()
    artifacts = (job.artifact_key("original"), job.artifact_key("normalized.jpg"))
    raw.begun = (upload.key, f"{job.tenant}/{job.id}", "backup.tar", artifacts[0])
    processed.begun = (*artifacts, "backup.tar", upload.key)
    buckets = Buckets(raw=raw, processed=processed)
    sweep = replace(world.sweep, buckets=buckets)
    world.clock.step(ABANDONED_AFTER)
    assert (await sweep()).writes == 0
    world.clock.step(A_SECOND)
    assert (await sweep()).writes == 4
    assert world.repairs.notes == [(Repair.WRITE_ABANDONED, 4, {})]
