import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from time import monotonic

import pytest

from photo.adapters.memory import MemoryJobFeed
from photo.application.draining import Draining
from photo.application.jobs import (
    AwaitJob,
)
from photo.application.ports import Changes, JobFeed
from photo.domain.errors import (
    NotFound,
)
from photo.domain.job import Failure, JobId, Status, Step
from tests.feeds import Watched
from tests.makers import ACME, OTHER
from tests.unit.world import A_SECOND, World

BROKEN = Failure("corrupt_image", "This is no photo.", retryable=False)
AN_HOUR = timedelta(hours=1)


class Dull(JobFeed, Changes):
    """Nothing ever changes: each wait is over when its time is, or for nothing."""

    def __init__(self, *, at_most: timedelta) -> None:
        self.subscribed = False
        self.waits: list[timedelta] = []
        self._at_most = at_most
        self._passed = timedelta(0)

    def seconds(self) -> float:
        return self._passed.total_seconds()

    @asynccontextmanager
    async def subscribe(self, job_id: JobId) -> AsyncIterator[Changes]:
        self.subscribed = True
        yield self

    async def wait(self, up_to: timedelta) -> bool:
        self.waits.append(up_to)
        self._passed += min(up_to, self._at_most)
        return False


async def test_a_job_that_has_ended_is_not_waited_for(world: World) -> None:
    job_id = await world.accept()
    await world.end.cancel(job_id)
    dull = Dull(at_most=AN_HOUR)
    wait = AwaitJob(world.jobs, dull, dull.seconds, Draining())
    assert (await wait(ACME, job_id, up_to=AN_HOUR)).status is Status.CANCELLED
    assert not dull.subscribed


async def test_without_time_a_job_is_returned_as_it_is(world: World) -> None:
    job_id = await world.accept()
    dull = Dull(at_most=AN_HOUR)
    wait = AwaitJob(world.jobs, dull, dull.seconds, Draining())
    assert (await wait(ACME, job_id, up_to=timedelta(0))).status is Status.QUEUED
    assert not dull.subscribed


async def test_a_waiter_is_woken_by_the_end_and_not_by_a_step() -> None:
    feed = Watched()
    world = World(feed=feed)
    job_id = await world.accept()
    wait = AwaitJob(world.jobs, feed, monotonic, Draining())
    waiting = asyncio.create_task(wait(ACME, job_id, up_to=AN_HOUR))
    await feed.heard.wait()
    await world.jobs.update(
        job_id, lambda job: job.enter(Step.VERIFY, at=job.created_at)
    )
    await world.end.fail(job_id, BROKEN)
    async with asyncio.timeout(60):
        assert (await waiting).status is Status.FAILED


async def test_an_end_between_the_look_and_the_subscription_is_not_missed() -> None:
    class EndsMeanwhile(MemoryJobFeed):
        @asynccontextmanager
        async def subscribe(self, job_id: JobId) -> AsyncIterator[Changes]:
            await early.end.fail(job_id, BROKEN)
            async with super().subscribe(job_id) as changes:
                yield changes

    early = World(feed=EndsMeanwhile())
    job_id = await early.accept()
    wait = AwaitJob(early.jobs, early.feed, monotonic, Draining())
    async with asyncio.timeout(60):
        assert (await wait(ACME, job_id, up_to=AN_HOUR)).status is Status.FAILED


async def test_a_waiter_goes_when_the_time_is_over(world: World) -> None:
    job_id = await world.accept()
    dull = Dull(at_most=AN_HOUR)
    wait = AwaitJob(world.jobs, dull, dull.seconds, Draining())
    assert (await wait(ACME, job_id, up_to=30 * A_SECOND)).status is Status.QUEUED
    assert dull.waits == [30 * A_SECOND]


async def test_a_waiter_woken_for_nothing_waits_for_what_is_left(world: World) -> None:
    job_id = await world.accept()
    dull = Dull(at_most=20 * A_SECOND)
    wait = AwaitJob(world.jobs, dull, dull.seconds, Draining())
    await wait(ACME, job_id, up_to=50 * A_SECOND)
    assert dull.waits == [50 * A_SECOND, 30 * A_SECOND, 10 * A_SECOND]


async def test_nobody_waits_for_another_tenants_job(world: World) -> None:
    job_id = await world.accept()
    wait = AwaitJob(world.jobs, world.feed, monotonic, Draining())
    with pytest.raises(NotFound):
        await wait(OTHER, job_id, up_to=AN_HOUR)


async def test_a_waiter_goes_when_the_process_is_told_to_stop() -> None:
    feed, draining = Watched(), Draining()
    world = World(feed=feed)
    job_id = await world.accept()
    wait = AwaitJob(world.jobs, feed, monotonic, draining)
    waiting = asyncio.create_task(wait(ACME, job_id, up_to=AN_HOUR))
    await feed.heard.wait()
    draining.begin()
    async with asyncio.timeout(60):
        assert (await waiting).status is Status.QUEUED
        assert (await wait(ACME, job_id, up_to=AN_HOUR)).status is Status.QUEUED
