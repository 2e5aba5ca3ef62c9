"""What stands behind a port for one test, and the provider that puts it there."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from functools import cached_property
from pathlib import Path

from dishka import Provider, Scope

from photo.adapters.memory import (
    MemoryNormalizer,
    MemoryObjectStore,
    MemoryUploadRepository,
    MemoryWorkflowEngine,
)
from photo.application.ports import PageImage, StoredObject
from photo.domain.access import Tenant
from photo.domain.errors import Unavailable
from photo.domain.job import Job, JobId
from photo.domain.media import MediaType
from photo.domain.upload import Upload, UploadId


def instead(port: object, source: Callable[..., object]) -> Provider:
    provider = Provider(scope=Scope.APP)
    provider.provide(source, provides=port)
    return provider


class HeldEngine(MemoryWorkflowEngine):
    """Starts no job until it is told to."""

    async def start(self, job: Job) -> bool:
        """Leave the job queued."""
        self._held[job.id].set_result(job)
        return True

    async def release(self, job_id: JobId) -> None:
        """Wait until it was to be started, and start it."""
        await super().start(await self._held[job_id])

    @cached_property
    def _held(self) -> defaultdict[JobId, asyncio.Future[Job]]:
        return defaultdict(asyncio.get_running_loop().create_future)


class BrokenEngine(HeldEngine):
    async def check(self) -> None:
        raise Unavailable("connect to 10.0.0.7:7233 refused")


class FailingNormalizer(MemoryNormalizer):
    def __init__(self, error: Exception) -> None:
        self._error = error

    async def normalize(
        self, photo: Path, content_type: MediaType, *, into: Path
    ) -> Sequence[PageImage]:
        raise self._error


class FailingUploads(MemoryUploadRepository):
    """Raises the same error whatever upload is asked for."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    async def get(self, upload_id: UploadId, *, tenant: Tenant) -> Upload:
        raise self._error


class CountingStore(MemoryObjectStore):
    """Keeps the beginning of what is written, and how much it was."""

    def __init__(self) -> None:
        super().__init__()
        self.written = 0

    async def write(
        self, key: str, chunks: AsyncIterator[bytes], *, content_type: str
    ) -> bool:
        head = b""
        async for chunk in chunks:
            self.written += len(chunk)
            head = head or chunk
        self._objects[key] = (head, content_type)
        return True

    async def head(self, key: str) -> StoredObject:
        found = await super().head(key)
        return found._replace(size_bytes=self.written)
