"""Use case: take on no more jobs than can be done."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import Context
from dataclasses import dataclass, field
from datetime import timedelta
from math import ceil
from typing import NewType

from photo.application.ports import Backlog, Clock, Stopwatch
from photo.application.tenancy import EVERYONE, acting_for
from photo.domain.errors import Overloaded, Unavailable

#: With more unfinished jobs than this, no new ones are taken.
MaxUnfinished = NewType("MaxUnfinished", int)

#: So many jobs are being stored at once, and so many more may wait for that: begun all
#: together they would only take turns at the same processor, with all who look at jobs.
_PLACES = 8
_MOST_WAITING = 100
_TURN_SECONDS = 2.0
_BUSY = timedelta(seconds=1)
#: As late as this, the process has more to do than it can.
_LATE_SECONDS = 0.5

_FRESH_SECONDS = 1.0
_PATIENCE_SECONDS = 0.5
_LATELY = timedelta(minutes=2)
_ENDINGS = 1_000
#: Who comes back finds room for more than the first of those who wait.
_ROOM = 0.1
_UNKNOWN_SECONDS = 60
_LONGEST_SECONDS = 600


@dataclass(slots=True)
class AdmitJob:
    """Let a new job in, or raise `Overloaded`.

    All calls of a second share one measurement. While there is none to be had, jobs
    are let in. Those that are let in take one of a few places in this process until
    they are stored.
    """

    backlog: Backlog
    most: MaxUnfinished
    stopwatch: Stopwatch
    now: Clock
    _places: asyncio.Semaphore = field(init=False)
    _waiting: int = field(init=False, default=0)
    _is_late: bool = field(init=False, default=False)
    _fresh_until: float = field(init=False, default=float("-inf"))
    _wait: timedelta | None = field(init=False, default=None)
    _measuring: asyncio.Task[None] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._places = asyncio.Semaphore(_PLACES)

    async def __call__(self) -> None:
        if self.stopwatch() >= self._fresh_until:
            await self._measured()
        if self._wait:
            raise Overloaded(
                "Too many jobs are waiting already. "
                f"Try again in {self._wait.total_seconds():.0f} s.",
                retry_after=self._wait,
            )

    def note_lateness(self, seconds: float) -> None:
        """How late the process is at present with what it does at fixed times."""
        self._is_late = seconds > _LATE_SECONDS

    def refuse_if_busy(self) -> None:
        """Raise `Overloaded` if one more job is too much now: costs next to nothing."""
        if self._is_late or self._is_full():
            raise _busy()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Keep a place while a job is being stored, or raise `Overloaded`.

        To be taken before a connection is: whoever waits here should hold nothing.
        """
        if self._is_full():
            raise _busy()
        self._waiting += 1
        try:
            async with asyncio.timeout(_TURN_SECONDS):
                await self._places.acquire()
        except TimeoutError:
            raise _busy() from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._places.release()

    def _is_full(self) -> bool:
        return self._waiting >= _MOST_WAITING

    async def _measured(self) -> None:
        """Measure once for all who ask, in none of their transactions."""
        if self._measuring is None:
            self._measuring = asyncio.create_task(self._measure(), context=Context())
        await asyncio.shield(self._measuring)

    async def _measure(self) -> None:
        try:
            with acting_for(EVERYONE):
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    self._wait = await self._until_room()
        except (TimeoutError, Unavailable):
            self._wait = None
        finally:
            self._fresh_until = self.stopwatch() + _FRESH_SECONDS
            self._measuring = None

    async def _until_room(self) -> timedelta | None:
        unfinished = await self.backlog.unfinished(at_most=2 * self.most)
        if unfinished <= self.most:
            return None
        too_many = unfinished - self.most + ceil(self.most * _ROOM)
        now = self.now()
        lately = now - _LATELY
        ended, since = await self.backlog.endings(since=lately, at_most=_ENDINGS)
        if not ended:
            return timedelta(seconds=_UNKNOWN_SECONDS)
        seconds = too_many * (now - since).total_seconds() / ended
        return timedelta(seconds=min(max(1, ceil(seconds)), _LONGEST_SECONDS))


def _busy() -> Overloaded:
    return Overloaded(
        "Too many jobs are coming in at this moment. Try again in a second.",
        retry_after=_BUSY,
    )
