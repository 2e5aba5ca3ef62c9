from hashlib import sha256

import pytest

from photo.adapters.memory import MemoryScanner
from photo.application.ports import JobQuery
from photo.application.sweeping import CRASHED_KEPT_FOR
from photo.domain.errors import (
    Infected,
    JobNotFinished,
    NotFound,
    RateLimited,
    UploadMissing,
)
from photo.domain.infected import InfectedFile
from photo.domain.job import Failure, Job, JobId, Status, Step
from photo.domain.upload import RAW_LIFETIME
from photo.domain.usage import DailyQuota
from tests.makers import ACME, NOW, OTHER, an_upload, photo_bytes
from tests.unit.world import A_SECOND, Crash, World

URL = "https://example.com/photo.jpg"
PHOTO = photo_bytes()


@pytest.fixture
def world() -> World:
    return World(internet={URL: PHOTO})


async def read(world: World, job_id: JobId) -> Job:
    job = await world.process(job_id)
    assert job.status is Status.SUCCEEDED
    return job


async def swept(world: World) -> None:
    world.clock.step(RAW_LIFETIME + A_SECOND)
    await world.sweep()
    assert world.raw.contents() == {}


async def test_a_photo_is_read_once_more_without_being_sent_again(
    world: World,
) -> None:
    job = await read(world, await world.accept())
    again = await world.retry(ACME, job.id)
    await world.starter.idle()
    assert again.id != job.id
    assert (again.retry_of, again.upload_id) == (job.id, job.upload_id)
    assert (again.status, again.raw_key) == (Status.QUEUED, f"acme/{again.id}")
    assert world.engine.started == [again.id]
    ended = await read(world, again.id)
    assert ended.photo == job.photo
    assert await world.jobs.get(job.id) == job


async def test_what_was_said_of_the_job_is_said_of_the_next(world: World) -> None:
    upload = await world.arrive(an_upload())
    job = await world.submit.on_upload(ACME, upload.id, {"order": "4711"})
    await read(world, job.id)
    assert (await world.retry(ACME, job.id)).metadata == {"order": "4711"}


async def test_a_job_that_has_not_ended_is_not_retried(world: World) -> None:
    job_id = await world.accept()
    with pytest.raises(JobNotFinished):
        await world.retry(ACME, job_id)
    await world.verify(job_id)
    with pytest.raises(JobNotFinished):
        await world.retry(ACME, job_id)


async def test_a_job_of_another_tenant_is_not_there(world: World) -> None:
    job = await read(world, await world.accept())
    with pytest.raises(NotFound):
        await world.retry(OTHER, job.id)


async def test_a_swept_photo_is_had_from_the_verified_one(world: World) -> None:
    job = await read(world, await world.accept())
    await swept(world)
    again = await world.retry(ACME, job.id)
    assert (await read(world, again.id)).photo == job.photo


async def test_a_photo_changed_since_is_had_from_the_verified_one(
    world: World,
) -> None:
    upload = await world.arrive(an_upload())
    job = await world.submit.on_upload(ACME, upload.id, {})
    job = await read(world, job.id)
    await world.send(upload, PHOTO + b"something else")
    again = await world.retry(ACME, job.id)
    assert (await read(world, again.id)).photo == job.photo


async def test_a_photo_that_is_nowhere_has_to_be_sent_again(world: World) -> None:
    job_id = await world.accept(data=b"no photo")
    await world.end.cancel(job_id)
    await swept(world)
    with pytest.raises(UploadMissing, match="new upload"):
        await world.retry(ACME, job_id)
    assert world.raw.contents() == {}


DIED = Failure("corrupt_image", "It died.", retryable=False, crashes=("SIGSEGV",))


async def died(world: World) -> JobId:
    """A job that processes died of, whose photo is kept for longer."""
    job_id = await world.accept()
    await world.verify(job_id)
    await world.end.fail(job_id, DIED)
    return job_id


async def test_a_photo_that_processes_died_of_is_retried_for_two_weeks(
    world: World,
) -> None:
    job_id = await died(world)
    world.clock.step(CRASHED_KEPT_FOR - A_SECOND)
    await world.sweep()
    again = await world.retry(ACME, job_id)
    assert (await read(world, again.id)).retry_of == job_id


async def test_after_that_it_has_to_be_sent_again(world: World) -> None:
    job_id = await died(world)
    world.clock.step(CRASHED_KEPT_FOR)
    await world.sweep()
    with pytest.raises(UploadMissing, match="new upload"):
        await world.retry(ACME, job_id)


async def test_a_cancelled_job_is_retried(world: World) -> None:
    job_id = await world.accept()
    await world.cancel(ACME, job_id)
    again = await world.retry(ACME, job_id)
    await read(world, again.id)


async def test_a_fetched_photo_is_not_fetched_again() -> None:
    internet = {URL: PHOTO}
    world = World(internet=internet)
    job = await read(world, await world.accept_url(URL))
    internet[URL] = b"another"
    again = await world.retry(ACME, job.id)
    assert (again.source_url, again.upload_id) == (URL, None)
    assert (await read(world, again.id)).photo == job.photo


async def test_a_fetched_photo_that_is_nowhere_any_more_is_fetched_again(
    world: World,
) -> None:
    job_id = await world.accept_url(URL)
    await world.fetch(job_id)
    await world.end.cancel(job_id)
    await swept(world)
    again = await world.retry(ACME, job_id)
    assert Step.FETCH in (await read(world, again.id)).entered


async def test_a_photo_that_was_never_fetched_is_fetched(world: World) -> None:
    job_id = await world.accept_url(URL)
    await world.cancel(ACME, job_id)
    again = await world.retry(ACME, job_id)
    assert world.raw.contents() == {}
    ended = await read(world, again.id)
    assert ended.photo
    assert ended.photo.sha256 == sha256(PHOTO).hexdigest()
    assert Step.FETCH in ended.entered


async def test_an_infected_photo_is_not_read_once_more() -> None:
    world = World(scanner=MemoryScanner({b"harmful": "Bad"}))
    job_id = await world.accept(data=PHOTO + b"harmful")
    with pytest.raises(Infected):
        await world.process(job_id)
    with pytest.raises(Infected):
        await world.retry(ACME, job_id)


async def test_a_photo_found_infected_since_is_not_read_once_more(
    world: World,
) -> None:
    job = await read(world, await world.accept())
    assert job.photo
    await world.infected.add(
        InfectedFile(
            sha256=job.photo.sha256, signature="Bad", found_at=NOW, job_id=job.id
        )
    )
    with pytest.raises(Infected):
        await world.retry(ACME, job.id)


async def test_retries_can_be_retried(world: World) -> None:
    job = await read(world, await world.accept())
    second = await read(world, (await world.retry(ACME, job.id)).id)
    third = await read(world, (await world.retry(ACME, second.id)).id)
    other = await read(world, (await world.retry(ACME, job.id)).id)
    assert [each.retry_of for each in (second, third, other)] == [
        job.id,
        second.id,
        job.id,
    ]


async def test_what_goes_beyond_the_quota_leaves_no_copy() -> None:
    world = World(quota=DailyQuota(jobs=1))
    upload = await world.arrive(an_upload())
    job = await world.submit.on_upload(ACME, upload.id, {})
    await read(world, job.id)
    with pytest.raises(RateLimited):
        await world.retry(ACME, job.id)
    assert {*world.raw.contents()} == {upload.key}


async def test_a_job_erased_meanwhile_leaves_no_copy(world: World) -> None:
    upload = await world.arrive(an_upload())
    job = await world.submit.on_upload(ACME, upload.id, {})
    await read(world, job.id)

    async def erased() -> None:
        await world.erase(world.caller, job.id)

    # After the copy was written.
    world.fuse.blow_at(3, meanwhile=erased)
    with pytest.raises(NotFound):
        await world.retry(ACME, job.id)
    assert world.fuse.blown
    assert world.raw.contents() == {}
    assert world.processed.contents() == {}


RETRY_CALLS = 7


@pytest.mark.parametrize("call", range(1, RETRY_CALLS + 1))
async def test_a_crash_while_retrying_is_made_good_by_trying_again(
    world: World, call: int
) -> None:
    job = await read(world, await world.accept())
    world.fuse.blow_at(call)
    with pytest.raises(Crash):
        await world.retry(ACME, job.id)
        await world.starter.idle()
    await world.retry(ACME, job.id)
    retries = await world.jobs.page(
        JobQuery(tenant=ACME, limit=9, status=Status.QUEUED)
    )
    for again in retries:
        assert (await read(world, again.id)).photo == job.photo
    await swept(world)


async def test_the_crashes_cover_every_call(world: World) -> None:
    job = await read(world, await world.accept())
    world.fuse.blow_at(0)
    await world.retry(ACME, job.id)
    await world.starter.idle()
    assert world.fuse.calls == RETRY_CALLS
