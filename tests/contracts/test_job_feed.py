import asyncio
from datetime import timedelta

from photo.application.ports import Changes
from photo.domain.job import Job, Step
from tests.contracts.repositories import Repositories, add_job
from tests.makers import NOW, a_job

LONG = timedelta(hours=1)


def enter_fetch(job: Job) -> Job:
    return job.enter(Step.FETCH, at=NOW)


async def woken(changes: Changes) -> None:
    """Wait long, and fail if that was necessary."""
    async with asyncio.timeout(60):
        await changes.wait(LONG)


async def settle(changes: Changes) -> None:
    """Take what a subscription may be told for nothing at its beginning."""
    await changes.wait(timedelta(seconds=0.3))


async def undisturbed(changes: Changes) -> None:
    """Fail if the subscription is told of anything for a while."""
    clock = asyncio.get_running_loop().time
    since = clock()
    await changes.wait(timedelta(seconds=0.3))
    assert clock() - since >= 0.25


async def test_a_change_wakes_everyone_who_waits(repositories: Repositories) -> None:
    job = await add_job(repositories, a_job())
    async with (
        repositories.feed.subscribe(job.id) as one,
        repositories.feed.subscribe(job.id) as other,
    ):
        await asyncio.gather(settle(one), settle(other))
        async with asyncio.TaskGroup() as group:
            group.create_task(woken(one))
            group.create_task(woken(other))
            await repositories.jobs.update(job.id, enter_fetch)


async def test_a_change_before_the_first_wait_is_not_missed(
    repositories: Repositories,
) -> None:
    job = await add_job(repositories, a_job())
    async with repositories.feed.subscribe(job.id) as changes:
        await repositories.jobs.update(job.id, enter_fetch)
        await woken(changes)


async def test_a_change_between_two_waits_is_not_missed(
    repositories: Repositories,
) -> None:
    job = await add_job(repositories, a_job())
    async with repositories.feed.subscribe(job.id) as changes:
        await settle(changes)
        await repositories.jobs.update(job.id, enter_fetch)
        await woken(changes)
        await repositories.jobs.update(job.id, lambda job: job.cancel(at=NOW))
        await woken(changes)


async def test_a_change_wakes_once(repositories: Repositories) -> None:
    job = await add_job(repositories, a_job())
    async with repositories.feed.subscribe(job.id) as changes:
        await settle(changes)
        await repositories.jobs.update(job.id, enter_fetch)
        await woken(changes)
        await undisturbed(changes)


async def test_without_a_change_the_wait_ends_in_time(
    repositories: Repositories,
) -> None:
    job = await add_job(repositories, a_job())
    async with repositories.feed.subscribe(job.id) as changes, asyncio.timeout(60):
        await changes.wait(timedelta(milliseconds=20))
        await changes.wait(timedelta(0))


async def test_a_change_that_fails_wakes_nobody(repositories: Repositories) -> None:
    job = await add_job(repositories, a_job().cancel(at=NOW))
    async with repositories.feed.subscribe(job.id) as changes:
        await settle(changes)
        await asyncio.gather(
            repositories.jobs.update(job.id, enter_fetch), return_exceptions=True
        )
        await undisturbed(changes)
