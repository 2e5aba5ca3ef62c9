"""Setting accepted jobs going, without keeping anybody waiting for it."""

import asyncio
from contextlib import suppress

from photo.application.ports import WorkflowEngine
from photo.domain.errors import Unavailable
from photo.domain.job import Job

_AT_ONCE = 8
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
