"""Child processes for work on untrusted photos: it may hang, crash or eat memory."""

import asyncio
import ctypes
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import Any, Self, TypeVar

from pebble import ProcessExpired, ProcessPool

from photo.domain.errors import TimedOut, Unavailable

T = TypeVar("T")

#: Of address space. Libraries and models map 0.7 GB; the dearest photo within the
#: limits (100 megapixels with an alpha channel, or grey of 16 bits) needs 2.2 GB.
MEMORY_BYTES = 3 << 30
TIMEOUT = timedelta(minutes=2)

_PR_SET_PDEATHSIG = 1


class ChildDied(Exception):
    """A child crashed, was killed, or went over its memory."""


class ImagingPool:
    """Children with the models loaded, one call each at a time.

    A call that times out, is cancelled or crashes costs its child and nothing else: a
    new one takes its place. The children die with this process, however it dies.
    """

    def __init__(
        self,
        *,
        workers: int,
        memory_bytes: int = MEMORY_BYTES,
        timeout: timedelta = TIMEOUT,
    ) -> None:
        self._workers = workers
        self._memory_bytes = memory_bytes
        self._timeout = timeout.total_seconds()
        # Waiting happens here, where it is free to cancel: pebble sends what it is
        # given to a child at once, and can only take it back by killing the child.
        self._idle = asyncio.Semaphore(self._workers)
        self._running: set[Future[Any]] = set()
        self._pool: ProcessPool | None = None

    async def __aenter__(self) -> Self:
        """Start the children, and raise `Unavailable` unless one of them can work."""
        self._pool = self._new_pool()
        try:
            await self.run(os.getpid)
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Kill the children. Calls that are still running end as cancelled."""
        await self._close()

    async def _close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is None:
            return
        for future in tuple(self._running):
            future.cancel()
        pool.stop()  # type: ignore[no-untyped-call]  # pebble's, and not annotated
        await asyncio.to_thread(pool.join)

    async def run(self, work: Callable[..., T], *args: object) -> T:
        """Call a function of a module in a child.

        Its own errors come through. Raises `ChildDied`, `TimedOut`, or `Unavailable`
        if no child can be started. Cancelling kills the child.
        """
        async with self._idle:
            with suppress(BrokenProcessPool):
                return await self._attempt(work, args)
            # A child died between calls, which means that this one never began.
            try:
                return await self._attempt(work, args)
            except BrokenProcessPool as error:
                raise Unavailable("The photo reader could not be started.") from error

    async def _attempt(self, work: Callable[..., T], args: tuple[Any, ...]) -> T:
        pool = await self._working_pool()
        future = pool.schedule(_call, (work, args), timeout=self._timeout)
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        try:
            return await asyncio.wrap_future(future)
        except ProcessExpired as error:
            raise ChildDied from error
        except TimeoutError as error:
            raise TimedOut(
                f"Reading this photo took longer than {self._timeout:g} seconds."
            ) from error

    async def _working_pool(self) -> ProcessPool:
        if (pool := self._pool) is None:
            raise Unavailable("The photo reader is not running.")
        if pool.active:
            return pool
        self._pool = fresh = self._new_pool()
        await asyncio.to_thread(pool.join)
        return fresh

    def _new_pool(self) -> ProcessPool:
        return ProcessPool(
            max_workers=self._workers,
            initializer=_prepare,
            initargs=(os.getpid(), self._memory_bytes),
            context=multiprocessing.get_context("spawn"),
        )


def _prepare(parent: int, memory_bytes: int) -> None:
    """Bound what this child may do, load what it needs, and fall silent."""
    _die_with(parent)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    from photo.adapters.imaging.ocr import models  # noqa: PLC0415 - only in children

    models()
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, sys.stdout.fileno())
    os.dup2(silence, sys.stderr.fileno())


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent goes, even by SIGKILL."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _call(work: Callable[..., T], args: tuple[object, ...]) -> T:
    """Run in the child. After a failed allocation nothing in it is to be trusted."""
    try:
        return work(*args)
    except MemoryError:
        os._exit(1)
