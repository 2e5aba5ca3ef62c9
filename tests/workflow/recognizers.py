"""Recognisers that misbehave on purpose."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

from photo.adapters.memory import MemoryRecognizer
from photo.domain.text import Page


class FailingRecognizer(MemoryRecognizer):
    """Raises each fault in turn, then reads like any other."""

    def __init__(self, faults: Iterable[Exception] = ()) -> None:
        super().__init__()
        self.calls = 0
        self._faults = iter(faults)

    async def recognize(self, page: Path) -> Page:
        self.calls += 1
        for fault in self._faults:
            raise fault
        return await super().recognize(page)


class SlowRecognizer(MemoryRecognizer):
    """Does not read before it may."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.busy = asyncio.Event()
        self.may_read = asyncio.Event()
        self.interrupted = asyncio.Event()

    async def recognize(self, page: Path) -> Page:
        self.calls += 1
        self.busy.set()
        try:
            await self.may_read.wait()
        except asyncio.CancelledError:
            self.interrupted.set()
            raise
        return await super().recognize(page)
