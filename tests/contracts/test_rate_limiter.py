import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import NamedTuple

import pytest

from photo.adapters.limits.memory import MemoryRateLimiter
from photo.application.ports import Budget, Limit, RateLimiter
from tests.makers import SteppableStopwatch, new_id
from tests.valkey import Valkey, patient_limiter

A_UNIT = timedelta(minutes=6)
A_LITTLE = timedelta(seconds=30)
#: So slow that a test's own time does not count.
LIMIT = Limit("key", 10, window_seconds=3600)
SMALLER = Limit("tenant", 4, window_seconds=3600)


class Limited(NamedTuple):
    limiter: RateLimiter
    pass_time: Callable[[timedelta], Awaitable[None]]


@asynccontextmanager
async def in_memory(_: Valkey) -> AsyncIterator[Limited]:
    stopwatch = SteppableStopwatch()

    async def pass_time(by: timedelta) -> None:
        stopwatch.step(by)

    yield Limited(MemoryRateLimiter(stopwatch), pass_time)


@asynccontextmanager
async def in_redis(valkey: Valkey) -> AsyncIterator[Limited]:
    async with patient_limiter(valkey.url) as limiter:
        yield Limited(limiter, valkey.pass_time)


@pytest.fixture(params=[in_memory, in_redis])
async def limited(
    request: pytest.FixtureRequest, valkey: Valkey
) -> AsyncIterator[Limited]:
    async with request.param(valkey) as limited:
        yield limited


def a_budget(limit: Limit = LIMIT) -> Budget:
    return Budget(limit, new_id("owner"))


async def left(limiter: RateLimiter, *budgets: Budget, cost: int) -> list[int] | None:
    """What is left of each after a charge; None if it was refused."""
    charge = await limiter.spend(budgets, cost)
    if not charge.accepted:
        return None
    return [standing.remaining for standing in charge.standings]


async def test_a_quota_can_be_spent_and_no_more(limited: Limited) -> None:
    budget = a_budget()
    assert await left(limited.limiter, budget, cost=3) == [7]
    assert await left(limited.limiter, budget, cost=7) == [0]
    assert await left(limited.limiter, budget, cost=1) is None


async def test_a_refused_charge_costs_nothing(limited: Limited) -> None:
    key, tenant = a_budget(), a_budget(SMALLER)
    assert await left(limited.limiter, key, tenant, cost=4) == [6, 0]
    assert await left(limited.limiter, key, tenant, cost=1) is None
    assert await left(limited.limiter, key, cost=1) == [5]


async def test_the_standings_of_a_refusal_are_those_before_it(limited: Limited) -> None:
    key, tenant = a_budget(), a_budget(SMALLER)
    await limited.limiter.spend([key, tenant], 3)
    accepted, standings = await limited.limiter.spend([key, tenant], 2)
    assert not accepted
    assert [standing.remaining for standing in standings] == [7, 1]
    assert [standing.limit for standing in standings] == [LIMIT, SMALLER]


async def test_what_is_spent_comes_back_unit_by_unit(limited: Limited) -> None:
    budget = a_budget()
    await limited.limiter.spend([budget], 10)
    await limited.pass_time(A_UNIT - A_LITTLE)
    assert await left(limited.limiter, budget, cost=1) is None
    await limited.pass_time(A_LITTLE)
    assert await left(limited.limiter, budget, cost=1) == [0]
    assert await left(limited.limiter, budget, cost=1) is None


async def test_no_more_than_a_quota_piles_up(limited: Limited) -> None:
    budget = a_budget()
    await limited.limiter.spend([budget], 10)
    await limited.pass_time(timedelta(hours=5))
    assert await left(limited.limiter, budget, cost=1) == [9]


async def test_what_costs_more_than_a_quota_takes_all_of_it(limited: Limited) -> None:
    key, tenant = a_budget(), a_budget(SMALLER)
    assert await left(limited.limiter, key, tenant, cost=5) == [5, 0]
    assert await left(limited.limiter, tenant, cost=5) is None


async def test_a_refusal_says_when_there_is_enough(limited: Limited) -> None:
    budget = a_budget()
    await limited.limiter.spend([budget], 9)
    _, (standing,) = await limited.limiter.spend([budget], 4)
    assert 3 * A_UNIT - A_LITTLE < standing.until(4) <= 3 * A_UNIT
    assert 330 < standing.seconds_until_more <= 360
    assert not standing.until(1)
    await limited.pass_time(standing.until(4))
    assert await left(limited.limiter, budget, cost=4) == [0]


async def test_owners_and_limits_are_kept_apart(limited: Limited) -> None:
    one = a_budget()
    await limited.limiter.spend([one], 10)
    assert await left(limited.limiter, a_budget(), cost=1) == [9]
    assert await left(limited.limiter, Budget(SMALLER, one.owner), cost=1) == [3]


@pytest.mark.parametrize("cost", [1, 3])
async def test_concurrent_charges_never_take_more_than_there_is(
    limited: Limited, cost: int
) -> None:
    key, tenant = (
        a_budget(Limit("key", 300, 3600)),
        a_budget(Limit("tenant", 100, 3600)),
    )
    charges = await asyncio.gather(
        *(limited.limiter.spend([key, tenant], cost) for _ in range(500))
    )
    accepted = sum(charge.accepted for charge in charges)
    assert accepted == 100 // cost
    assert await left(limited.limiter, key, cost=1) == [300 - accepted * cost - 1]


async def test_memory_forgets_first_what_was_used_least_lately() -> None:
    limiter = MemoryRateLimiter(SteppableStopwatch(), most=2)
    old, used, new = a_budget(), a_budget(), a_budget()
    for budget in (used, old, used, new):
        await limiter.spend([budget], 2)
    assert await left(limiter, used, cost=1) == [5]
    assert await left(limiter, old, cost=1) == [9]
