"""Processes that are started again when they end, as a service manager does it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from signal import SIGCONT, SIGSTOP, Signals

import psutil

from photo.entrypoints.local.children import Children
from photo.entrypoints.local.errors import StackError
from photo.entrypoints.local.process import Process

#: How long anything may take to be there again.
BACK_SECONDS = 180.0

_PAUSE_SECONDS = 0.2
_POLL_SECONDS = 0.5


async def until(what: str, is_so: Callable[[], Awaitable[bool]]) -> None:
    try:
        async with asyncio.timeout(BACK_SECONDS):
            while not await is_so():  # noqa: ASYNC110 # it can only be asked
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        raise StackError(f"{what} was not back in {BACK_SECONDS:.0f} s.") from None


class Running(Children):
    """Knows the newest process of each name."""

    def newest(self, name: str) -> Process:
        return next(
            process
            for wave in reversed(self._waves)
            for process in reversed(wave)
            if process.program.name == name
        )


class Kept:
    """One process of the stack, which comes back whenever it ends.

    `start` begins another one when the last is gone, and returns when that is ready.
    """

    def __init__(
        self, name: str, children: Running, start: Callable[[], Awaitable[object]]
    ) -> None:
        self.name = name
        self._children = children
        self._start = start
        self._down = asyncio.Event()
        self._up = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None

    @property
    def process(self) -> Process:
        return self._children.newest(self.name)

    def keep(self) -> None:
        """From now on. It has been started."""
        self._up.set()
        self._keeping = asyncio.create_task(self._keep())

    async def let_go(self) -> None:
        """When it ends now, that is for good."""
        if self._keeping:
            self._keeping.cancel()
            await asyncio.wait([self._keeping])

    async def replaced(self) -> None:
        """Wait for its end, and for another one to be ready."""
        await self._down.wait()
        await self.is_up()

    async def is_up(self) -> None:
        try:
            await asyncio.wait_for(self._up.wait(), BACK_SECONDS)
        except TimeoutError:
            raise StackError(
                f"{self.name} was not back in {BACK_SECONDS:.0f} s. Its last lines:\n"
                f"{self.process.log.tail()}"
            ) from None

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """It and all below it hold still, as on a machine that does."""
        family = [*self._family()]
        _send(family, SIGSTOP)
        try:
            yield
        finally:
            _send(family, SIGCONT)

    def _family(self) -> Iterator[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            top = psutil.Process(self.process.pid)
            yield top
            yield from top.children(recursive=True)

    async def _keep(self) -> None:
        while True:
            await self.process.wait()
            self._up.clear()
            self._down.set()
            await asyncio.sleep(_PAUSE_SECONDS)
            try:
                await self._start()
            except StackError:  # struck again on its way, or too late: its log tells
                self.process.kill()
            else:
                self._down.clear()
                self._up.set()


def _send(family: Sequence[psutil.Process], number: Signals) -> None:
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
