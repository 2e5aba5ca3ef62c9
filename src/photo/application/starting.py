"""Setting accepted jobs going, soon and if need be later; stopping what goes on."""

import asyncio
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from photo.application.bounded import batches, each
from photo.application.ports import (
    Clock,
    JobRepository,
    Repair,
    RepairLog,
    WorkflowEngine,
)
from photo.domain.errors import Unavailable
from photo.domain.job import Job, JobId, Status

#: A queued job this old was not started by the process that accepted it.
FORGOTTEN_AFTER = timedelta(seconds=15)

#: A job this long in one step has lost its workflow if the engine does not list it.
LOST_AFTER = timedelta(minutes=2)

#: For so long no workflow leaves a job in one step: here the list itself is doubted.
DOUBTED_AFTER = timedelta(hours=13)

#: The workflow of a job that ended so long ago has had the time to end as well, though
#: it deletes files first, which may have to wait.
STRAY_AFTER = timedelta(minutes=10)

_SWEEP_LIMIT = 1_000
_PAGE = 500

_AT_ONCE = 4
_MOST_WAITING = 1_000
_PATIENCE_SECONDS = 2.0


class Starter:
    """Starts so many jobs at once; so many more may wait for their turn.

    What it does not start, because that failed or because too many were waiting, is
    left to `StartForgottenJobs`.
    """

    def __init__(self, engine: WorkflowEngine) -> None:
        self._engine = engine
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._starts: set[asyncio.Task[None]] = set()

    def start_soon(self, job: Job) -> None:
        if len(self._starts) < _AT_ONCE + _MOST_WAITING:
            start = asyncio.create_task(self._start(job))
            self._starts.add(start)
            start.add_done_callback(self._starts.discard)

    async def idle(self) -> None:
        """Wait for all that was to be started, and raise what went wrong with it."""
        await asyncio.gather(*self._starts)

    async def close(self) -> None:
        """Wait a moment for what was to be started, and leave the rest."""
        if self._starts:
            _, late = await asyncio.wait(self._starts, timeout=_PATIENCE_SECONDS)
            for start in late:
                start.cancel()

    async def _start(self, job: Job) -> None:
        async with self._turns:
            with suppress(Unavailable):
                await self._engine.start(job)


@dataclass(frozen=True, slots=True)
class StartForgottenJobs:
    """Set every job going that is at a standstill; how many it was.

    It was accepted and never started, or its workflow is gone. What the engine lists is
    under way and need not be asked for, however many that are; starting one that is
    under way all the same does nothing.
    """

    jobs: JobRepository
    engine: WorkflowEngine
    repairs: RepairLog
    now: Clock

    async def __call__(self) -> int:
        under_way = await self.engine.under_way()
        lost = await self._standing(FORGOTTEN_AFTER, LOST_AFTER, under_way)
        doubted = await self._standing(DOUBTED_AFTER, DOUBTED_AFTER, frozenset())
        return sum(await each(self._start, [*lost, *doubted], at_once=_AT_ONCE))

    async def _standing(
        self, queued: timedelta, running: timedelta, but_for: AbstractSet[JobId]
    ) -> Sequence[Job]:
        now = self.now()
        return await self.jobs.unfinished_since(
            queued_before=now - queued,
            running_before=now - running,
            ahead_of=now + queued,
            but_for=but_for,
            limit=_SWEEP_LIMIT,
        )

    async def _start(self, job: Job) -> bool:
        if started := await self.engine.start(job):
            queued = job.status is Status.QUEUED
            repair = Repair.JOB_STARTED if queued else Repair.JOB_RESTARTED
            self.repairs.note(repair, job_id=job.id)
        return started


@dataclass(frozen=True, slots=True)
class StopStrayWork:
    """Cancel work on jobs that have ended or gone; how many it was.

    It would end by itself at its next step, but that may have to wait for hours.
    """

    jobs: JobRepository
    engine: WorkflowEngine
    repairs: RepairLog
    now: Clock

    async def __call__(self) -> int:
        stray = 0
        for page in batches(sorted(await self.engine.under_way()), _PAGE):
            needed = await self._needed(page)
            unneeded = [job_id for job_id in page if job_id not in needed]
            await each(self._cancel, unneeded, at_once=_AT_ONCE)
            stray += len(unneeded)
        return stray

    async def _needed(self, job_ids: Sequence[JobId]) -> AbstractSet[JobId]:
        since = self.now() - STRAY_AFTER
        return {
            job.id
            for job in (await self.jobs.find(job_ids)).values()
            if job.finished_at is None or job.finished_at >= since
        }

    async def _cancel(self, job_id: JobId) -> None:
        await self.engine.cancel(job_id)
        self.repairs.note(Repair.WORKFLOW_CANCELLED, job_id=job_id)
