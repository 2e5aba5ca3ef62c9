"""News of jobs, within this process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from photo.application.ports import Changes, JobFeed
from photo.domain.job import JobId


class _Changes(Changes):
    def __init__(self) -> None:
        self.event = asyncio.Event()

    async def wait(self, up_to: timedelta) -> bool:
        try:
            async with asyncio.timeout(up_to.total_seconds()):
                await self.event.wait()
        except TimeoutError:
            return False
        self.event.clear()
        return True


class MemoryJobFeed(JobFeed):
    def __init__(self) -> None:
        self._listeners: list[tuple[JobId, _Changes]] = []

    @asynccontextmanager
    async def subscribe(self, job_id: JobId) -> AsyncIterator[Changes]:
        changes = _Changes()
        self._listeners.append((job_id, changes))
        try:
            yield changes
        finally:
            self._listeners.remove((job_id, changes))

    def changed(self, job_id: JobId) -> None:
        for listened_to, changes in self._listeners:
            if listened_to == job_id:
                changes.event.set()
