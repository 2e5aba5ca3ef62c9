import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, TypeVar

import pytest

from photo.adapters.memory import MemoryRecognizer
from photo.domain.errors import (
    JobFinished,
    NotFound,
)
from photo.domain.job import Failure, Job, JobId, Status
from photo.domain.text import Page
from tests.makers import NOW, a_job, an_upload
from tests.unit.world import A_SECOND, Crash, Way, World, once

T = TypeVar("T")


#: How often a port is called until the photo has arrived and its job is accepted,
#: and then by the four steps together.
ARRIVAL_CALLS = 3
CALLS = 21


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


@pytest.mark.parametrize("call", range(CALLS - 4, CALLS + 1))
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


async def test_only_the_job_that_failed_is_said_to_have_failed(world: World) -> None:
    failure = Failure("corrupt_image", "This is no photo.", retryable=False)
    job_id, cancelled = await world.accept(), await world.accept()
    await world.end.cancel(cancelled)
    assert [await world.end.fail(job_id, failure) for _ in range(2)] == [True, True]
    assert not await world.end.fail(cancelled, failure)


async def test_a_job_that_is_gone_cannot_be_ended_and_need_not_be(
    world: World,
) -> None:
    gone = JobId("job_gone")
    assert not await world.end.fail(gone, Failure("internal", "Why.", retryable=False))
    await world.end.cancel(gone)


async def test_a_success_cannot_be_turned_into_a_failure(world: World) -> None:
    job_id = await world.accept()
    succeeded = await world.process(job_id)
    await world.end.fail(job_id, Failure("timed_out", "Too slow.", retryable=False))
    await world.end.cancel(job_id)
    assert await world.jobs.get(job_id) == succeeded


async def test_a_job_that_is_unknown_cannot_be_processed(world: World) -> None:
    with pytest.raises(NotFound):
        await world.verify(JobId("job_unknown"))
