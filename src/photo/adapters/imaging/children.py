"""Child processes for work on untrusted photos: it may hang, crash or eat memory."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from tempfile import gettempdir
from types import TracebackType
from typing import Self, TypeVar

import msgspec
import structlog

from photo.adapters.imaging.answers import result_of
from photo.adapters.imaging.box import Limits, hide_from_children
from photo.adapters.imaging.child import load_models
from photo.adapters.imaging.process import OUT_OF_MEMORY, OUT_OF_TIME, ChildProcess
from photo.domain.errors import TimedOut, Unavailable

T = TypeVar("T")

log = structlog.get_logger(__name__)

LIMITS = Limits()
TIMEOUT = timedelta(minutes=2)
#: Of one call. The slowest photo within the limits takes a fifth of it.
CPU_SECONDS = 60


#: What the next child would die of as well: each has the same to spend on a call.
_OWN_LIMITS = frozenset({OUT_OF_MEMORY, OUT_OF_TIME})


class ChildDied(Exception):
    """A child crashed, was killed, or went over its memory or processor time."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        #: Whether another child may do what this one could not.
        self.may_pass = reason not in _OWN_LIMITS


class ImagingPool:
    """Children that have loaded what they need, one call each at a time.

    A call that times out, is cancelled or crashes costs its child and nothing else: a
    new one takes its place. The children die with this process, however it dies. They
    see no environment, no network and no files but their code and `scratch`.
    """

    def __init__(
        self,
        *,
        workers: int,
        limits: Limits = LIMITS,
        timeout: timedelta = TIMEOUT,
        load: Callable[[], object] = load_models,
        scratch: str | None = None,
    ) -> None:
        self._workers = workers
        self._limits = limits
        self._timeout = timeout.total_seconds()
        self._load = load
        self._scratch = scratch or gettempdir()
        self._open = False
        self._busy = 0
        self._children: set[ChildProcess] = set()
        #: A place for each child: it holds the child, or will soon.
        self._free: asyncio.Queue[asyncio.Task[ChildProcess]] = asyncio.Queue()
        #: A queue alone lets a caller that comes anew overtake one that it has woken.
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Start the children, and raise `Unavailable` unless they can work."""
        hide_from_children()
        self._open = True
        starting = [asyncio.create_task(self._start()) for _ in range(self._workers)]
        for place in starting:
            self._free.put_nowait(place)
        try:
            children = await asyncio.gather(*starting)
        except BaseException:
            await self._close()
            raise
        if lacking := children[0].lacking:
            log.warning("imaging_box_incomplete", lacking=lacking)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Kill the children. Calls that still run or wait end as `Unavailable`."""
        await self._close()

    async def _close(self) -> None:
        self._open = False
        for child in self._children:
            child.kill()
        # Whoever holds a place gives it back, and whoever waits for one is woken.
        for _ in range(self._workers):
            await asyncio.gather(await self._take(), return_exceptions=True)
        await asyncio.gather(*(child.bury() for child in self._children))
        self._children.clear()

    async def run(
        self,
        returns: type[T],
        work: Callable[..., T],
        *args: object,
        cpu_seconds: int = CPU_SECONDS,
    ) -> T:
        """Call a function of a module in a child, which answers with such a value.

        Errors of the domain come through; any other is `ChildBroke`. Raises
        `ChildDied`, `TimedOut`, or `Unavailable` if no child can be started.
        Cancelling kills the child.
        """
        for _ in range(2):
            async with self._child() as child:
                try:
                    async with asyncio.timeout(self._timeout):
                        if await child.begin(work, args, cpu_seconds):
                            return result_of(await child.answer(), returns)
                except TimeoutError as error:
                    log.warning("imaging_child_timed_out", work=work.__name__)
                    raise TimedOut(
                        "Reading this photo took longer than "
                        f"{self._timeout:g} seconds."
                    ) from error
                except (EOFError, msgspec.DecodeError) as error:
                    reason = await self._reason_of_death(child, work)
                    raise ChildDied(reason) from error
                # It died between calls, which means that this one never began.
                await self._reason_of_death(child, None)
        raise Unavailable("The photo reader could not be started.")

    def census(self) -> Mapping[str, int]:
        """How many children there are, by state: also from another thread."""
        idle = sum(child.fit for child in tuple(self._children))
        starting = max(0, self._workers - idle - self._busy) if self._open else 0
        return {"busy": self._busy, "idle": idle, "starting": starting}

    @asynccontextmanager
    async def _child(self) -> AsyncIterator[ChildProcess]:
        self._check_open()
        place = await self._take()
        try:
            self._check_open()
            child = await asyncio.shield(place)
            self._busy += 1
            try:
                yield child
            finally:
                self._busy -= 1
        finally:
            self._free.put_nowait(self._next(place))

    async def _take(self) -> asyncio.Task[ChildProcess]:
        """Wait for a place: first come, first served."""
        async with self._turn:
            return await self._free.get()

    def _next(self, place: asyncio.Task[ChildProcess]) -> asyncio.Task[ChildProcess]:
        if not self._open or not place.done():
            return place
        if place.exception():
            return asyncio.create_task(self._start())
        if (child := place.result()).fit:
            return place
        return asyncio.create_task(self._replace(child))

    async def _start(self) -> ChildProcess:
        child = await ChildProcess.spawn()
        self._children.add(child)
        try:
            self._check_open()
            await child.get_ready(self._limits, self._load, self._scratch)
        except BaseException:
            await self._bury(child)
            raise
        return child

    async def _replace(self, child: ChildProcess) -> ChildProcess:
        await self._bury(child)
        return await self._start()

    async def _bury(self, child: ChildProcess) -> str:
        self._children.discard(child)
        return await child.bury()

    async def _reason_of_death(
        self, child: ChildProcess, work: Callable[..., object] | None
    ) -> str:
        reason = await self._bury(child)
        self._check_open()
        log.warning("imaging_child_died", reason=reason, work=work and work.__name__)
        return reason

    def _check_open(self) -> None:
        if not self._open:
            raise Unavailable("The photo reader is not running.")
