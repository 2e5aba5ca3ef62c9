"""The end of the process, for those who would otherwise wait on."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class Draining:
    """Begins when the process is told to stop: requests finish, long waits end."""

    def __init__(self) -> None:
        self._beginning = asyncio.Event()
        self._patience: set[asyncio.Timeout] = set()

    @property
    def begun(self) -> bool:
        return self._beginning.is_set()

    def begin(self) -> None:
        """To be called in the event loop; every time but the first does nothing."""
        if self.begun:
            return
        self._beginning.set()
        for patience in self._patience:
            patience.reschedule(0)

    async def beginning(self) -> None:
        """Wait until it begins."""
        await self._beginning.wait()

    async def cut_short(self, wait: Awaitable[T]) -> T | None:
        """Wait, but only until draining begins; then the wait is cancelled."""
        patience = asyncio.timeout_at(0 if self.begun else None)
        try:
            async with patience:
                self._patience.add(patience)
                return await wait
        except TimeoutError:
            if not patience.expired():
                raise
            return None
        finally:
            self._patience.discard(patience)
