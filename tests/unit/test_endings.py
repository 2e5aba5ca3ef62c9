"""What is left of a job that ended badly: its row, and the photo for a retry."""

from collections.abc import Awaitable, Callable

import pytest

from photo.domain.errors import JobFinished
from photo.domain.job import Failure, Job, JobId, Status
from tests.makers import ACME, an_upload, photo_bytes
from tests.unit.world import Crash, World

PHOTO = photo_bytes()
WHY = Failure("timed_out", "Too slow.", retryable=True)

#: To ports, until a job has failed and its five files are gone.
CALLS = 10

Ending = Callable[[World, JobId], Awaitable[object]]


async def fail(world: World, job_id: JobId) -> bool:
    return await world.end.fail(job_id, WHY)


async def cancel(world: World, job_id: JobId) -> None:
    await world.end.cancel(job_id)


async def cancel_as_the_api_does(world: World, job_id: JobId) -> None:
    await world.cancel(ACME, job_id)
    await world.end.cancel(job_id)


every_way = pytest.mark.parametrize("end", [fail, cancel, cancel_as_the_api_does])


async def half_done(world: World) -> Job:
    """With a photo, its copies, and the text that was read."""
    job_id = await world.accept(data=PHOTO)
    await world.verify(job_id)
    _, pages = await world.normalize(job_id)
    await world.recognize(job_id, pages)
    assert len(world.processed.contents()) == 5
    return await world.jobs.get(job_id)


@every_way
async def test_its_files_go_and_its_photo_stays(world: World, end: Ending) -> None:
    job = await half_done(world)
    other = await world.process(await world.accept())
    await end(world, job.id)
    assert (await world.jobs.get(job.id)).ended
    assert {key.split("/")[1] for key in world.processed.contents()} == {other.id}
    assert job.raw_key in world.raw.contents()
    assert (await world.retry(ACME, job.id)).retry_of == job.id


@every_way
async def test_a_success_keeps_its_files_whoever_wants_to_end_it(
    world: World, end: Ending
) -> None:
    job = await world.process(await world.accept())
    files = world.processed.contents()
    if end is cancel_as_the_api_does:
        with pytest.raises(JobFinished):
            await end(world, job.id)
    else:
        await end(world, job.id)
    assert world.processed.contents() == files
    assert await world.jobs.get(job.id) == job


async def test_a_job_that_succeeds_at_that_moment_keeps_its_files(
    world: World,
) -> None:
    job = await half_done(world)
    await world.process(job.id)
    files = world.processed.contents()
    assert not await fail(world, job.id)
    assert world.processed.contents() == files
    assert (await world.jobs.get(job.id)).status is Status.SUCCEEDED


@pytest.mark.parametrize("call", range(1, CALLS + 1))
async def test_a_crash_at_any_call_is_made_good_by_ending_it_again(
    world: World, call: int
) -> None:
    job = await half_done(world)
    world.fuse.blow_at(call)
    with pytest.raises(Crash):
        await fail(world, job.id)
    assert await fail(world, job.id)
    assert world.processed.contents() == {}
    assert (await world.jobs.get(job.id)).error == WHY


async def test_the_crashes_cover_every_call(world: World) -> None:
    job = await half_done(world)
    world.fuse.blow_at(0)
    await fail(world, job.id)
    assert world.fuse.calls == CALLS


async def test_of_an_erased_job_nothing_stays(world: World) -> None:
    upload = an_upload()
    job_id = await world.accept(upload, PHOTO)
    await world.verify(job_id)
    await world.erase(world.caller, job_id)
    # A step that was at work, and a client that used its form again.
    key = f"{ACME}/{job_id}/normalized.jpg"
    await world.processed.receive(key, PHOTO, content_type="image/jpeg")
    await world.send(upload, PHOTO)
    assert not await fail(world, job_id)
    assert world.processed.contents() == {}
    assert world.raw.contents() == {}


async def test_a_job_that_never_was_leaves_nothing_to_delete(world: World) -> None:
    await cancel(world, JobId("job_never"))
