import asyncio
from collections.abc import Set as AbstractSet

import pytest

from photo.application import starting
from photo.application.ports import WorkflowEngine
from photo.application.starting import Starter
from photo.domain.errors import Internal, Unavailable
from photo.domain.job import Job, JobId
from tests.makers import a_job

AT_ONCE, MOST_WAITING = starting._AT_ONCE, starting._MOST_WAITING


class SlowEngine(WorkflowEngine):
    """Has started a job when it is told to go on."""

    def __init__(self) -> None:
        self.asked: list[JobId] = []
        self.started: list[JobId] = []
        self.fault: Exception | None = None
        self.go_on = asyncio.Event()

    async def start(self, job: Job) -> bool:
        self.asked.append(job.id)
        await self.go_on.wait()
        if self.fault:
            raise self.fault
        self.started.append(job.id)
        return True

    async def under_way(self) -> AbstractSet[JobId]:
        raise NotImplementedError

    async def cancel(self, job_id: JobId) -> None:
        raise NotImplementedError

    async def check(self) -> None:
        raise NotImplementedError


@pytest.fixture
async def engine() -> SlowEngine:
    return SlowEngine()


@pytest.fixture
async def starter(engine: SlowEngine) -> Starter:
    return Starter(engine)


async def a_moment() -> None:
    """Until everything has come as far as it can."""
    for _ in range(5):
        await asyncio.sleep(0)


def hand_in(starter: Starter, count: int) -> list[JobId]:
    jobs = [a_job() for _ in range(count)]
    for job in jobs:
        starter.start_soon(job)
    return [job.id for job in jobs]


async def test_only_so_many_are_started_at_once_and_all_in_turn(
    starter: Starter, engine: SlowEngine
) -> None:
    jobs = hand_in(starter, AT_ONCE + 3)
    await a_moment()
    assert engine.asked == jobs[:AT_ONCE]
    engine.go_on.set()
    await starter.idle()
    assert engine.started == jobs


async def test_when_too_many_wait_the_next_are_left_out(
    starter: Starter, engine: SlowEngine
) -> None:
    jobs = hand_in(starter, AT_ONCE + MOST_WAITING + 1)
    engine.go_on.set()
    await starter.idle()
    assert engine.started == jobs[:-1]
    (late,) = hand_in(starter, 1)
    await starter.idle()
    assert engine.started[-1] == late


async def test_an_engine_that_is_away_is_no_error(
    starter: Starter, engine: SlowEngine
) -> None:
    engine.go_on.set()
    engine.fault = Unavailable("Temporal is away.")
    hand_in(starter, 1)
    await starter.idle()
    engine.fault = None
    (job,) = hand_in(starter, 1)
    await starter.idle()
    assert engine.started == [job]


async def test_a_bug_stops_no_other_start(starter: Starter, engine: SlowEngine) -> None:
    engine.go_on.set()
    engine.fault = Internal("A bug.")
    hand_in(starter, AT_ONCE)
    with pytest.raises(Internal):
        await starter.idle()
    await a_moment()
    engine.fault = None
    (job,) = hand_in(starter, 1)
    await starter.idle()
    assert engine.started == [job]


async def test_the_end_waits_for_what_is_being_started(
    starter: Starter, engine: SlowEngine
) -> None:
    jobs = hand_in(starter, AT_ONCE + 1)
    closing = asyncio.create_task(starter.close())
    await a_moment()
    assert not closing.done()
    engine.go_on.set()
    await closing
    assert engine.started == jobs


async def test_the_end_does_not_wait_for_ever(
    starter: Starter, engine: SlowEngine
) -> None:
    hand_in(starter, AT_ONCE + 1)
    async with asyncio.timeout(60):
        await starter.close()
    engine.go_on.set()
    await a_moment()
    assert engine.started == []
