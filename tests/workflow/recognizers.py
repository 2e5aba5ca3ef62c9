"""Recognisers and normalisers that misbehave on purpose."""

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path

from photo.adapters.memory import MemoryNormalizer, MemoryRecognizer
from photo.application.ports import PageImage
from photo.domain.media import MediaType
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


class FailingNormalizer(MemoryNormalizer):
    """Raises each fault in turn, then works like any other."""

    def __init__(self, faults: Iterable[Exception]) -> None:
        super().__init__()
        self._faults = iter(faults)

    async def normalize(
        self, photo: Path, content_type: MediaType, *, into: Path
    ) -> Sequence[PageImage]:
        for fault in self._faults:
            raise fault
        return await super().normalize(photo, content_type, into=into)


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
