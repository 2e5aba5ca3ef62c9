"""A feed of jobs for those who have to know when it is listened to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from photo.adapters.memory import MemoryJobFeed
from photo.application.ports import Changes
from photo.domain.job import JobId


class Watched(MemoryJobFeed):
    """Says when somebody listens."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = asyncio.Event()

    @asynccontextmanager
    async def subscribe(self, job_id: JobId) -> AsyncIterator[Changes]:
        async with super().subscribe(job_id) as changes:
            self.heard.set()
            yield changes
