"""News of changed jobs, by LISTEN: one connection a process, whoever waits."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from itertools import chain
from typing import Self

import structlog

from photo.adapters.postgres.database import LIMITS, Limits, connect, translated
from photo.application.ports import Changes, JobFeed
from photo.domain.errors import PhotoError
from photo.domain.job import JobId

CHANNEL = "job_changed"

log = structlog.get_logger(__name__)

_FIRST_PAUSE = timedelta(seconds=0.1)
_LONGEST_PAUSE = timedelta(seconds=5)
_CLOSE_SECONDS = 2


class _Changes(Changes):
    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def wake(self) -> None:
        self._changed.set()

    async def wait(self, up_to: timedelta) -> bool:
        changed = await _happens(self._changed, within=up_to)
        if changed:
            self._changed.clear()
        return changed


class PostgresJobFeed(JobFeed):
    """Follows the database from entering to leaving the context.

    While the connection is lost nobody is told of a change, so everybody is woken
    when it is lost and when it is back.
    """

    def __init__(
        self,
        database_url: str,
        limits: Limits = LIMITS,
        *,
        heartbeat: timedelta = timedelta(seconds=15),
    ) -> None:
        self._database_url = database_url
        self._heartbeat = heartbeat
        self._limits = limits
        self._subscribers: defaultdict[str, set[_Changes]] = defaultdict(set)

    async def __aenter__(self) -> Self:
        self._following = asyncio.create_task(self._follow_for_ever())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._following.cancel()
        with suppress(asyncio.CancelledError):
            await self._following

    @asynccontextmanager
    async def subscribe(self, job_id: JobId) -> AsyncIterator[Changes]:
        changes = _Changes()
        self._subscribers[job_id].add(changes)
        try:
            yield changes
        finally:
            self._subscribers[job_id].discard(changes)
            if not self._subscribers[job_id]:
                del self._subscribers[job_id]

    async def _follow_for_ever(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                await self._follow()
                pause = _FIRST_PAUSE
            except PhotoError as error:
                log.warning("job_feed_refused", code=error.code, reason=error.reason)
            # Not all processes at once.
            await asyncio.sleep(pause.total_seconds() * random.uniform(0.5, 1))  # noqa: S311 # no secret
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _follow(self) -> None:
        """Tell of changes until the connection is lost."""
        lost = asyncio.Event()
        with translated():
            connection = await connect(self._database_url, self._limits)
            connection.add_termination_listener(lambda _connection: lost.set())
            try:
                await connection.add_listener(CHANNEL, self._on_change)
                self._wake_all()
                while not await _happens(lost, within=self._heartbeat):
                    await connection.execute("SELECT 1")
            finally:
                self._wake_all()
                await connection.close(timeout=_CLOSE_SECONDS)

    def _on_change(
        self, _connection: object, _pid: int, _channel: str, job_id: str
    ) -> None:
        for changes in self._subscribers.get(job_id, ()):
            changes.wake()

    def _wake_all(self) -> None:
        for changes in chain.from_iterable(self._subscribers.values()):
            changes.wake()


async def _happens(event: asyncio.Event, *, within: timedelta) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(within.total_seconds()):
            return await event.wait()
    return False
