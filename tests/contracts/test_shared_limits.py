"""Limits in Redis: shared by processes, and never in anybody's way."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from select import select
from time import sleep

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from photo.adapters.limits.memory import MemoryRateLimiter
from photo.adapters.limits.redis import RedisRateLimiter, redis_rate_limiter
from photo.adapters.limits.steady import SteadyRateLimiter
from photo.application.ports import Budget, Charge, Limit, RateLimiter
from photo.domain.errors import Unavailable
from photo.entrypoints.live import live_container
from photo.entrypoints.settings import Settings
from tests.faults import at_once
from tests.makers import SteppableStopwatch, new_id
from tests.valkey import Valkey, patient_limiter, running_valkey

A_SECOND = timedelta(seconds=1)
LIMIT = Limit("key", 10, window_seconds=3600)
LARGE = Limit("tenant", 10_000, window_seconds=10_000_000)


@pytest.fixture
async def own_valkey(tmp_path: Path) -> AsyncIterator[Valkey]:
    """One that may be killed."""
    async with running_valkey(tmp_path) as valkey:
        yield valkey


@pytest.fixture
async def shared(own_valkey: Valkey) -> AsyncIterator[RedisRateLimiter]:
    async with patient_limiter(own_valkey.url) as limiter:
        yield limiter


def a_budget(limit: Limit = LIMIT) -> Budget:
    return Budget(limit, new_id("owner"))


async def accepted(limiter: RateLimiter, *budgets: Budget, cost: int = 1) -> bool:
    return (await limiter.spend(budgets, cost)).accepted


async def until_shared(limiter: RateLimiter) -> None:
    """A connection is opened when it is asked for, and that may take its time."""
    async with asyncio.timeout(60):
        while not await _answers(limiter):  # noqa: ASYNC110 nobody tells
            await asyncio.sleep(0.02)


async def _answers(limiter: RateLimiter) -> bool:
    try:
        return await accepted(limiter, a_budget())
    except Unavailable:
        return False


async def test_processes_share_what_is_left(valkey: Valkey) -> None:
    budgets = [a_budget(Limit("key", 150, 3600)), a_budget(LARGE)]
    async with (
        patient_limiter(valkey.url) as one,
        patient_limiter(valkey.url) as other,
    ):
        outcomes = await asyncio.gather(
            *(accepted(each, *budgets) for each in (one, other) for _ in range(100))
        )
        assert sum(outcomes) == 150
        assert not await accepted(one, *budgets)
        assert not await accepted(other, *budgets)


async def test_the_running_service_shares_them_where_it_is_told_to(
    valkey: Valkey,
) -> None:
    settings = Settings(
        database_url="postgresql://photo@127.0.0.1:1/photo",
        s3_bucket_raw="raw",
        s3_bucket_processed="processed",
        temporal_target="127.0.0.1:1",
        rate_limit_storage=valkey.url,
    )
    budget = a_budget()
    container = live_container(settings)
    await (await container.get(RateLimiter)).spend([budget], 4)
    async with patient_limiter(valkey.url) as another, asyncio.timeout(60):
        # Its own answer may have come too late, as it had to connect first.
        while await accepted(another, budget, cost=7):
            await valkey.client.delete(f"photo:spent:key:{budget.owner}")
            await (await container.get(RateLimiter)).spend([budget], 4)
    await container.close()


async def test_more_than_fits_into_one_message_is_answered(valkey: Valkey) -> None:
    budget = a_budget(LARGE)
    async with patient_limiter(valkey.url) as limiter:
        await asyncio.gather(*(limiter.spend([budget], 1) for _ in range(1500)))
        _, (standing,) = await limiter.spend([budget], 1)
        assert standing.remaining == LARGE.quota - 1501


async def test_each_caller_gets_its_own_answer(valkey: Valkey) -> None:
    budgets = [a_budget() for _ in range(10)]
    async with patient_limiter(valkey.url) as limiter:
        charges = await asyncio.gather(
            *(limiter.spend([each], cost) for cost, each in enumerate(budgets, 1))
        )
    left = [standing.remaining for _, (standing,) in charges]
    assert left == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]


async def test_nothing_is_left_behind_when_a_quota_is_whole_again(
    valkey: Valkey,
) -> None:
    budget = a_budget()
    async with patient_limiter(valkey.url) as limiter:
        await limiter.spend([budget], 5)
    [key] = [key async for key in valkey.client.scan_iter(f"*{budget.owner}")]
    assert 1700 < await valkey.client.ttl(key) <= 1800


async def test_a_server_that_is_away_is_unavailable_and_comes_back(
    own_valkey: Valkey, shared: RedisRateLimiter
) -> None:
    await shared.spend([a_budget()], 1)
    async with own_valkey.away():
        with pytest.raises(Unavailable):
            await shared.spend([a_budget()], 1)
    await until_shared(shared)
    assert await accepted(shared, a_budget(), cost=10)


async def test_a_silent_server_keeps_nobody_waiting(
    own_valkey: Valkey,
) -> None:
    """Although its connection waits on."""
    client = Redis.from_url(own_valkey.url.replace("valkey", "redis"))
    impatient = RedisRateLimiter(client, silence_seconds=0.5)
    budget = a_budget()

    async def spend() -> object:
        with pytest.raises(Unavailable) as refusal:
            await impatient.spend([budget], 10)
        return refusal.value.reason

    await until_shared(impatient)
    with own_valkey.silent():
        assert await spend() == "TimeoutError"
        for _ in range(2):
            assert await at_once(spend) == "TimeoutError"
    await until_shared(impatient)
    await impatient.aclose()


async def test_a_caller_that_goes_away_takes_nobody_along(valkey: Valkey) -> None:
    async with patient_limiter(valkey.url) as limiter:
        leaving = asyncio.create_task(limiter.spend([a_budget()], 1))
        staying = asyncio.create_task(limiter.spend([a_budget()], 1))
        await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        assert (await staying).accepted


async def test_a_busy_process_does_not_take_the_server_for_silent(
    valkey: Valkey,
) -> None:
    async with redis_rate_limiter(valkey.url, silence_seconds=0.6) as limiter:
        await until_shared(limiter)
        charges = [
            asyncio.create_task(limiter.spend([a_budget()], 1)) for _ in range(50)
        ]
        for _ in range(5):
            await asyncio.sleep(0)
        be_busy(limiter, seconds=0.7)
        assert all(charge.accepted for charge in await asyncio.gather(*charges))


def be_busy(limiter: RedisRateLimiter, *, seconds: float) -> None:
    """Until the answer has come, and for so long after."""
    (connection,) = limiter._client.connection_pool._in_use_connections
    assert connection._writer
    assert select([connection._writer.get_extra_info("socket")], [], [], 60)[0]
    sleep(seconds)


class Fickle(MemoryRateLimiter):
    """Counts how often it is asked, and is away when told so."""

    def __init__(self, stopwatch: SteppableStopwatch) -> None:
        super().__init__(stopwatch)
        self.away = False
        self.asked = 0

    async def spend(self, budgets: Sequence[Budget], cost: int) -> Charge:
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable("The shared limits are away.", reason="TimeoutError")
        return await super().spend(budgets, cost)


class Steady:
    def __init__(self) -> None:
        self.stopwatch = SteppableStopwatch()
        self.shared = Fickle(self.stopwatch)
        own = MemoryRateLimiter(self.stopwatch)
        self.limiter = SteadyRateLimiter(self.shared, own, self.stopwatch)


@pytest.fixture
def steady() -> Steady:
    return Steady()


async def test_while_the_server_is_away_a_process_limits_by_itself(
    steady: Steady,
) -> None:
    budget = a_budget()
    assert await accepted(steady.limiter, budget, cost=10)
    steady.shared.away = True
    assert await accepted(steady.limiter, budget, cost=10)
    assert not await accepted(steady.limiter, budget)


async def test_while_it_is_away_it_is_asked_once_a_second(steady: Steady) -> None:
    steady.shared.away = True
    for _ in range(3):
        for _ in range(10):
            await steady.limiter.spend([a_budget()], 1)
        steady.stopwatch.step(A_SECOND)
    assert steady.shared.asked == 3


async def test_while_it_is_away_nobody_else_waits_for_the_one_who_asks(
    steady: Steady,
) -> None:
    steady.shared.away = True
    await steady.limiter.spend([a_budget()], 1)
    steady.stopwatch.step(A_SECOND)
    await asyncio.gather(*(steady.limiter.spend([a_budget()], 1) for _ in range(10)))
    assert steady.shared.asked == 2


async def test_an_outage_is_logged_once_and_so_is_its_end(steady: Steady) -> None:
    with capture_logs() as lines:
        for _ in range(2):
            steady.shared.away = True
            for _ in range(3):
                await steady.limiter.spend([a_budget()], 1)
                steady.stopwatch.step(A_SECOND)
            steady.shared.away = False
            await steady.limiter.spend([a_budget()], 1)
            await steady.limiter.spend([a_budget()], 1)
    outage = ["rate_limits_not_shared", "rate_limits_shared_again"]
    assert [line["event"] for line in lines] == outage * 2
    assert lines[0]["reason"] == "TimeoutError"


async def test_the_shared_limits_hold_again_when_it_is_back(steady: Steady) -> None:
    budget = a_budget()
    await steady.limiter.spend([budget], 10)
    steady.shared.away = True
    await steady.limiter.spend([budget], 1)
    steady.shared.away = False
    assert await accepted(steady.limiter, budget)
    steady.stopwatch.step(A_SECOND)
    assert not await accepted(steady.limiter, budget)
