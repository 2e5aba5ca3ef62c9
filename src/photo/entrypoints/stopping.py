"""How a process is told to stop, and what it does last."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import structlog
from dishka import AsyncContainer

log = structlog.get_logger(__name__)

_SIGNALS = (signal.SIGTERM, signal.SIGINT)

CLOSE_SECONDS = 0.7


@contextmanager
def told_to_stop(stop: Callable[[], None]) -> Iterator[None]:
    """Have SIGTERM or Ctrl-C call `stop` in the loop; the second ends the process."""
    loop = asyncio.get_running_loop()

    def forget() -> None:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    def first() -> None:
        forget()
        stop()

    for number in _SIGNALS:
        loop.add_signal_handler(number, first)
    try:
        yield
    finally:
        forget()


@asynccontextmanager
async def closing(container: AsyncContainer) -> AsyncIterator[AsyncContainer]:
    """Close it at the end, but let no silent dependency hold up the process."""
    try:
        yield container
    finally:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await container.close()
        except TimeoutError:
            log.warning("closing_cut_short")
