"""Usage by day, on every adapter."""

import asyncio
from datetime import timedelta

import pytest

from photo.domain.job import Status
from photo.domain.usage import DailyQuota, UsageDay
from tests.contracts.repositories import Repositories
from tests.makers import ACME, NOW, OTHER

TODAY = NOW.date()
YESTERDAY = TODAY - timedelta(days=1)
UNLIMITED = DailyQuota()


async def accept(
    repositories: Repositories, size_bytes: int = 0, quota: DailyQuota = UNLIMITED
) -> bool:
    return await repositories.usage.accept(
        ACME, TODAY, size_bytes=size_bytes, quota=quota
    )


async def today(repositories: Repositories) -> UsageDay:
    (usage,) = await repositories.usage.days(ACME, first=TODAY, last=TODAY)
    return usage


async def test_all_is_added_up(repositories: Repositories) -> None:
    for size in (1, 20, 300):
        assert await accept(repositories, size)
    await repositories.usage.add_bytes(ACME, TODAY, 4000)
    for status in (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED):
        await repositories.usage.end(ACME, TODAY, status)
    await repositories.usage.end(ACME, TODAY, Status.SUCCEEDED)
    assert await today(repositories) == UsageDay(
        day=TODAY, jobs=3, bytes=4321, succeeded=2, failed=1, cancelled=1
    )


async def test_concurrent_jobs_are_all_counted(repositories: Repositories) -> None:
    await asyncio.gather(*(accept(repositories, 10) for _ in range(40)))
    assert await today(repositories) == UsageDay(day=TODAY, jobs=40, bytes=400)


@pytest.mark.parametrize("quota", [DailyQuota(jobs=7), DailyQuota(bytes=70)])
async def test_concurrent_jobs_never_go_beyond_the_quota(
    repositories: Repositories, quota: DailyQuota
) -> None:
    accepted = await asyncio.gather(
        *(accept(repositories, 10, quota) for _ in range(30))
    )
    assert sum(accepted) == 7
    assert await today(repositories) == UsageDay(day=TODAY, jobs=7, bytes=70)


async def test_the_first_job_of_a_day_may_be_too_large(
    repositories: Repositories,
) -> None:
    assert not await accept(repositories, 11, DailyQuota(bytes=10))
    assert await repositories.usage.days(ACME, first=TODAY, last=TODAY) == []
    assert await accept(repositories, 10, DailyQuota(bytes=10))


async def test_when_all_bytes_are_spent_not_even_an_unknown_size_fits(
    repositories: Repositories,
) -> None:
    quota = DailyQuota(bytes=10)
    assert await accept(repositories, 0, quota)
    await repositories.usage.add_bytes(ACME, TODAY, 12)
    assert not await accept(repositories, 0, quota)


async def test_every_day_and_every_tenant_has_its_own(
    repositories: Repositories,
) -> None:
    quota = DailyQuota(jobs=1)
    for tenant in (ACME, OTHER):
        for day in (YESTERDAY, TODAY):
            assert await repositories.usage.accept(
                tenant, day, size_bytes=5, quota=quota
            )
    assert not await accept(repositories, 5, quota)
    days = await repositories.usage.days(ACME, first=YESTERDAY, last=TODAY)
    assert [usage.day for usage in days] == [TODAY, YESTERDAY]
    assert await repositories.usage.days(OTHER, first=TODAY, last=TODAY) == days[:1]


async def test_what_is_undone_does_not_count(repositories: Repositories) -> None:
    with pytest.raises(ZeroDivisionError):
        async with repositories.transactions.begin():
            await accept(repositories)
            raise ZeroDivisionError
    assert await repositories.usage.days(ACME, first=TODAY, last=TODAY) == []
