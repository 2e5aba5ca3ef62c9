from datetime import datetime, timedelta

import pytest

from photo.application.admission import AdmitJob, MaxUnfinished
from photo.application.ports import Endings
from photo.application.tenancy import acting_for
from photo.domain.errors import Overloaded
from photo.domain.job import Failure, Step
from tests.contracts.repositories import Repositories, add_job
from tests.makers import ACME, NOW, OTHER, SteppableStopwatch, a_job, an_upload

SECOND = timedelta(seconds=1)
BROKEN = Failure("corrupt_image", "This is no photo.", retryable=False)


async def ended(repositories: Repositories, *ends: datetime) -> None:
    for end in ends:
        await add_job(repositories, a_job(now=NOW - SECOND).fail(BROKEN, at=end))


async def test_the_unfinished_jobs_of_all_tenants_count(
    repositories: Repositories,
) -> None:
    assert await repositories.backlog.unfinished(at_most=10) == 0
    await ended(repositories, NOW)
    await add_job(repositories, a_job())
    await add_job(repositories, a_job().enter(Step.VERIFY, at=NOW))
    await add_job(repositories, a_job(an_upload(tenant=OTHER)))
    assert await repositories.backlog.unfinished(at_most=10) == 3


async def test_it_is_counted_no_further_than_asked_for(
    repositories: Repositories,
) -> None:
    for _ in range(3):
        await add_job(repositories, a_job())
    assert await repositories.backlog.unfinished(at_most=2) == 2


async def test_the_jobs_that_ended_since_a_moment_count(
    repositories: Repositories,
) -> None:
    await add_job(repositories, a_job())
    await ended(repositories, *(NOW + n * SECOND for n in range(5)))
    since = NOW + 2 * SECOND
    found = await repositories.backlog.endings(since=since, at_most=10)
    assert found == Endings(2, since)


async def test_of_many_endings_the_last_ones_count(repositories: Repositories) -> None:
    await ended(repositories, *(NOW + n * SECOND for n in range(5)))
    found = await repositories.backlog.endings(since=NOW - SECOND, at_most=3)
    assert found == Endings(3, NOW + 2 * SECOND)


async def test_no_endings_are_none(repositories: Repositories) -> None:
    found = await repositories.backlog.endings(since=NOW, at_most=3)
    assert found == Endings(0, NOW)


async def test_a_new_job_is_admitted_by_the_jobs_of_all_whoever_asks(
    repositories: Repositories,
) -> None:
    for _ in range(2):
        await add_job(repositories, a_job(an_upload(tenant=OTHER)))
    most = MaxUnfinished(1)
    admit = AdmitJob(repositories.backlog, most, SteppableStopwatch(), lambda: NOW)
    with acting_for(ACME):
        async with repositories.transactions.begin():
            await add_job(repositories, a_job())
            with pytest.raises(Overloaded):
                await admit()
    assert await repositories.backlog.unfinished(at_most=10) == 3
