"""Setting accepted jobs going: soon, and if need be later."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from photo.application.ports import Clock, JobRepository, WorkflowEngine
from photo.domain.errors import Unavailable
from photo.domain.job import Job

#: A queued job this old was not started by the process that accepted it.
FORGOTTEN_AFTER = timedelta(seconds=30)

#: A job this long in one step may have lost its workflow. No attempt at a step takes
#: longer, so while all is well none is asked for that is still worked on.
LOST_AFTER = timedelta(minutes=20)

_SWEEP_LIMIT = 1_000

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
    """Set every job going that seems to be at a standstill; how many it was.

    It was accepted and never started, or its workflow is gone. The engine knows: one
    that is still worked on it leaves alone.
    """

    jobs: JobRepository
    engine: WorkflowEngine
    now: Clock

    async def __call__(self) -> int:
        now = self.now()
        forgotten = await self.jobs.unfinished_since(
            queued_before=now - FORGOTTEN_AFTER,
            running_before=now - LOST_AFTER,
            limit=_SWEEP_LIMIT,
        )
        for job in forgotten:
            await self.engine.start(job)
        return len(forgotten)
