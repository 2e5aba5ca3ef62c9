import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta

import pytest

from photo.application.admission import (
    _MOST_WAITING,
    _PLACES,
    AdmitJob,
    MaxUnfinished,
)
from photo.application.ports import Backlog, Endings
from photo.application.tenancy import EVERYONE, acting_for, acts_for
from photo.domain.access import Tenant
from photo.domain.errors import Overloaded, Unavailable
from tests.makers import ACME, NOW, SteppableStopwatch

Task = asyncio.Task[None]
A_SECOND = timedelta(seconds=1)
MOST = MaxUnfinished(100)


class AsTold(Backlog):
    """As deep as it is told; asked one at a time, or not at all."""

    def __init__(self) -> None:
        self.jobs = 0
        self.ended = 0
        self.asked = 0
        self.asked_for: Tenant | None = None
        self.away = False
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def unfinished(self, *, at_most: int) -> int:
        self.asked += 1
        self.asked_for = acts_for(Tenant("nobody"))
        await self.may_answer.wait()
        if self.away:
            raise Unavailable("The database is away.")
        return min(self.jobs, at_most)

    async def endings(self, *, since: datetime, at_most: int) -> Endings:
        return Endings(min(self.ended, at_most), since)


class Door:
    def __init__(self) -> None:
        self.backlog = AsTold()
        self.stopwatch = SteppableStopwatch()
        self.admit = AdmitJob(self.backlog, MOST, self.stopwatch, lambda: NOW)

    async def wait(self) -> float:
        """How many seconds it tells to wait."""
        with pytest.raises(Overloaded) as refusal:
            await self.admit()
        assert refusal.value.retry_after
        return refusal.value.retry_after.total_seconds()


@pytest.fixture
async def door() -> Door:
    return Door()


async def test_jobs_are_let_in_up_to_the_bound(door: Door) -> None:
    door.backlog.jobs = MOST
    await door.admit()


async def test_with_more_unfinished_jobs_no_new_ones_are_let_in(door: Door) -> None:
    door.backlog.jobs = MOST + 1
    with pytest.raises(Overloaded, match=r"Try again in 60 s\."):
        await door.admit()


async def test_it_opens_again_when_there_is_room(door: Door) -> None:
    door.backlog.jobs = MOST + 1
    await door.wait()
    door.backlog.jobs = MOST
    door.stopwatch.step(A_SECOND)
    await door.admit()


@pytest.mark.parametrize(
    ("jobs", "ended_in_two_minutes", "seconds"),
    [
        # Eleven too many, ten of them so that there is room, at one a second.
        (101, 120, 11),
        (110, 120, 20),
        (101, 60, 22),
        (101, 1_000_000, 2),
        (101, 1, 600),
        (101, 0, 60),
        # No deeper than twice the bound is looked.
        (100_000, 120, 110),
    ],
)
async def test_the_wait_follows_from_how_fast_jobs_end(
    door: Door, jobs: int, ended_in_two_minutes: int, seconds: int
) -> None:
    door.backlog.jobs, door.backlog.ended = jobs, ended_in_two_minutes
    assert await door.wait() == seconds


async def test_the_calls_of_a_second_share_one_measurement(door: Door) -> None:
    for _ in range(3):
        await door.admit()
        await door.admit()
        door.stopwatch.step(A_SECOND)
    assert door.backlog.asked == 3


async def test_concurrent_calls_share_one_measurement(door: Door) -> None:
    door.backlog.may_answer.clear()
    calls = [asyncio.create_task(door.admit()) for _ in range(50)]
    await asyncio.sleep(0)
    door.backlog.jobs = MOST + 1
    door.backlog.may_answer.set()
    refusals = await asyncio.gather(*calls, return_exceptions=True)
    assert {*map(type, refusals)} == {Overloaded}
    assert door.backlog.asked == 1


async def test_a_caller_that_goes_away_takes_nobody_along(door: Door) -> None:
    door.backlog.may_answer.clear()
    leaving = asyncio.create_task(door.admit())
    staying = asyncio.create_task(door.admit())
    await asyncio.sleep(0)
    leaving.cancel()
    door.backlog.may_answer.set()
    await staying
    assert door.backlog.asked == 1


async def test_what_cannot_be_measured_holds_nobody_up(door: Door) -> None:
    door.backlog.away = True
    for _ in range(3):
        await door.admit()
    assert door.backlog.asked == 1


async def test_a_measurement_that_takes_too_long_holds_nobody_up(door: Door) -> None:
    door.backlog.may_answer.clear()
    async with asyncio.timeout(60):
        await door.admit()


async def test_the_jobs_of_all_tenants_count(door: Door) -> None:
    with acting_for(ACME):
        await door.admit()
        assert acts_for(EVERYONE) == ACME
    assert door.backlog.asked_for == EVERYONE


@asynccontextmanager
async def crowded(admit: AdmitJob, *, waiting: int) -> AsyncIterator[list[Task]]:
    """All places are taken, and others wait for one."""

    async def take_one() -> None:
        async with admit.place():
            pass

    async with AsyncExitStack() as places:
        for _ in range(_PLACES):
            await places.enter_async_context(admit.place())
        tasks = [asyncio.create_task(take_one()) for _ in range(waiting)]
        await asyncio.sleep(0)
        yield tasks
    await asyncio.wait(tasks) if tasks else None


async def test_whoever_finds_no_place_waits_for_one(door: Door) -> None:
    async with crowded(door.admit, waiting=_MOST_WAITING - 1) as tasks:
        door.admit.refuse_if_busy()
        assert not any(task.done() for task in tasks)
    assert all(task.exception() is None for task in tasks)


async def test_only_so_many_wait(door: Door) -> None:
    async with crowded(door.admit, waiting=_MOST_WAITING):
        with pytest.raises(Overloaded) as refusal:
            door.admit.refuse_if_busy()
        assert refusal.value.retry_after == A_SECOND
        with pytest.raises(Overloaded):
            await door.admit.place().__aenter__()
    door.admit.refuse_if_busy()


async def test_nobody_waits_for_long(door: Door) -> None:
    async with crowded(door.admit, waiting=0):
        with pytest.raises(Overloaded):
            await door.admit.place().__aenter__()


async def test_a_place_is_free_again_whatever_happened(door: Door) -> None:
    for _ in range(_PLACES + 1):
        with pytest.raises(ZeroDivisionError):
            async with door.admit.place():
                raise ZeroDivisionError
    async with door.admit.place():
        pass


async def test_a_process_that_is_late_takes_in_no_more(door: Door) -> None:
    door.admit.note_lateness(0.6)
    with pytest.raises(Overloaded) as refusal:
        door.admit.refuse_if_busy()
    assert refusal.value.retry_after == A_SECOND
    door.admit.note_lateness(0.01)
    door.admit.refuse_if_busy()


async def test_what_was_taken_in_is_stored_however_late(door: Door) -> None:
    door.admit.note_lateness(0.6)
    async with door.admit.place():
        await door.admit()
