"""Every port in memory: for tests, and to try the API with nothing installed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from photo.application.ports import (
    Changes,
    ImageNormalizer,
    JobFeed,
    JobQuery,
    JobRepository,
    KeyRepository,
    ObjectLinks,
    ObjectStore,
    PageImage,
    StoredObject,
    TextRecognizer,
    UploadForm,
    UploadRepository,
    WorkflowEngine,
)
from photo.application.processing import (
    EndJob,
    NormalizePhoto,
    PublishResult,
    RecognizeText,
    VerifyPhoto,
)
from photo.domain.access import ApiKey, KeyId, Tenant
from photo.domain.errors import (
    CorruptImage,
    NotFound,
    ObjectNotFound,
    PhotoError,
    UploadUsed,
)
from photo.domain.files import THUMBNAIL, page_name
from photo.domain.job import Failure, Job, JobId, Status
from photo.domain.media import SNIFF_BYTES, MediaType
from photo.domain.text import Engine, Line, Page, Word
from photo.domain.upload import Upload, UploadId

_CHUNK = 1 << 20


class MemoryObjectStore(ObjectStore):
    def __init__(self) -> None:
        self._objects: dict[str, tuple[bytes, str]] = {}

    async def head(self, key: str) -> StoredObject:
        data, content_type = self._find(key)
        return StoredObject(len(data), content_type)

    async def read(self, key: str) -> AsyncIterator[bytes]:
        data, _ = self._find(key)
        for start in range(0, len(data), _CHUNK):
            yield data[start : start + _CHUNK]

    async def write(
        self, key: str, chunks: AsyncIterator[bytes], *, content_type: str
    ) -> None:
        data = b"".join([chunk async for chunk in chunks])
        self._objects[key] = (data, content_type)

    async def delete(self, key: str) -> None:
        self._objects.pop(key, None)

    async def check(self) -> None:
        """Memory is always there."""

    def _find(self, key: str) -> tuple[bytes, str]:
        try:
            return self._objects[key]
        except KeyError:
            raise ObjectNotFound(f"There is no object {key}.") from None


class MemoryObjectLinks(ObjectLinks):
    """Forms and links of the right shape that lead nowhere."""

    async def grant_upload(self, upload: Upload) -> UploadForm:
        fields = {"key": upload.key, "Content-Type": str(upload.content_type)}
        return UploadForm("memory://raw", fields)

    async def link(
        self, key: str, *, filename: str, content_type: str, lifetime: timedelta
    ) -> str:
        return f"memory://processed/{key}?filename={filename}&type={content_type}"


class MemoryUploadRepository(UploadRepository):
    def __init__(self) -> None:
        self._uploads: dict[UploadId, Upload] = {}

    async def add(self, upload: Upload) -> None:
        self._uploads[upload.id] = upload

    async def get(self, upload_id: UploadId, *, tenant: Tenant) -> Upload:
        upload = self._uploads.get(upload_id)
        if upload is None or upload.tenant != tenant:
            raise NotFound(f"There is no upload {upload_id!r}.")
        return upload


class _Changes(Changes):
    def __init__(self) -> None:
        self.event = asyncio.Event()

    async def wait(self, up_to: timedelta) -> None:
        try:
            async with asyncio.timeout(up_to.total_seconds()):
                await self.event.wait()
        except TimeoutError:
            return
        self.event.clear()


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


class MemoryJobRepository(JobRepository):
    def __init__(self, feed: MemoryJobFeed) -> None:
        self._feed = feed
        self._jobs: dict[JobId, Job] = {}

    async def add(self, job: Job) -> None:
        if any(other.upload_id == job.upload_id for other in self._jobs.values()):
            raise UploadUsed("This upload already has a job. Ask for a new upload.")
        self._jobs[job.id] = job

    async def get(self, job_id: JobId) -> Job:
        try:
            return self._jobs[job_id]
        except KeyError:
            raise NotFound(f"There is no job {job_id!r}.") from None

    async def get_for(self, tenant: Tenant, job_id: JobId) -> Job:
        job = await self.get(job_id)
        if job.tenant != tenant:
            raise NotFound(f"There is no job {job_id!r}.")
        return job

    async def for_upload(self, upload_id: UploadId) -> Job | None:
        found = (job for job in self._jobs.values() if job.upload_id == upload_id)
        return next(found, None)

    async def update(self, job_id: JobId, change: Callable[[Job], Job]) -> Job:
        job = change(await self.get(job_id))
        self._jobs[job_id] = job
        self._feed.changed(job_id)
        return job

    async def page(self, query: JobQuery) -> Sequence[Job]:
        newest_first = sorted(self._jobs.values(), key=lambda job: job.id, reverse=True)
        return [job for job in newest_first if _matches(job, query)][: query.limit]

    async def unfinished_since(
        self, *, queued_before: datetime, running_before: datetime, limit: int
    ) -> Sequence[JobId]:
        oldest_first = sorted(self._jobs.values(), key=lambda job: job.created_at)
        queued = [
            job.id
            for job in oldest_first
            if job.status is Status.QUEUED and job.created_at < queued_before
        ]
        running = [
            job.id
            for job in oldest_first
            if job.step and job.entered[job.step] < running_before
        ]
        return [*queued, *running][:limit]


def _matches(job: Job, query: JobQuery) -> bool:
    return (
        job.tenant == query.tenant
        and (query.before is None or job.id < query.before)
        and (query.status is None or job.status is query.status)
        and (query.created_after is None or job.created_at > query.created_after)
        and (query.created_before is None or job.created_at < query.created_before)
        and all(job.metadata.get(key) == value for key, value in query.metadata)
    )


class MemoryKeyRepository(KeyRepository):
    def __init__(self) -> None:
        self._keys: dict[KeyId, ApiKey] = {}

    async def add(self, key: ApiKey) -> None:
        self._keys[key.id] = key

    async def get(self, key_id: KeyId) -> ApiKey:
        try:
            return self._keys[key_id]
        except KeyError:
            raise NotFound(f"There is no key {key_id!r}.") from None

    async def update(self, key_id: KeyId, change: Callable[[ApiKey], ApiKey]) -> ApiKey:
        self._keys[key_id] = change(await self.get(key_id))
        return self._keys[key_id]

    async def all(self) -> Sequence[ApiKey]:
        return sorted(self._keys.values(), key=lambda key: key.id, reverse=True)


class MemoryWorkflowEngine(WorkflowEngine):
    """Takes every job through its steps at once, in a task of this process."""

    def __init__(
        self,
        verify: VerifyPhoto,
        normalize: NormalizePhoto,
        recognize: RecognizeText,
        publish: PublishResult,
        end: EndJob,
    ) -> None:
        self._verify = verify
        self._normalize = normalize
        self._recognize = recognize
        self._publish = publish
        self._end = end
        self._tasks: dict[JobId, asyncio.Task[None]] = {}

    async def start(self, job_id: JobId) -> None:
        if job_id not in self._tasks:
            self._tasks[job_id] = asyncio.create_task(self._process(job_id))

    async def cancel(self, job_id: JobId) -> None:
        if task := self._tasks.get(job_id):
            task.cancel()

    async def _process(self, job_id: JobId) -> None:
        try:
            await self._verify(job_id)
            images, pages = await self._normalize(job_id)
            texts, engine = await self._recognize(job_id, pages)
            await self._publish(job_id, [*images, *texts], engine)
        except PhotoError as error:
            await self._end.fail(job_id, Failure.of(error))

    async def check(self) -> None:
        """Memory is always there."""


class MemoryNormalizer(ImageNormalizer):
    """Takes a photo's bytes for its only page, 100 pixels square, already upright."""

    async def normalize(
        self, photo: Path, content_type: MediaType, *, into: Path
    ) -> Sequence[PageImage]:
        data = await asyncio.to_thread(photo.read_bytes)
        if MediaType.of(data[:SNIFF_BYTES]) is None:
            raise CorruptImage("This is no photo.")
        page = into / page_name(1)
        await asyncio.to_thread(page.write_bytes, data)
        await asyncio.to_thread((into / THUMBNAIL).write_bytes, data)
        return [PageImage(page, 100, 100)]


class MemoryRecognizer(TextRecognizer):
    """Reads the same line on every page."""

    engine = Engine("memory", "1", "none")

    def __init__(self, line: str = "Hello photo") -> None:
        self._line = line

    async def recognize(self, page: Path) -> Page:
        return Page(100, 100, (Line(self._line, 0.99, _BOX, tuple(self._words())),))

    def _words(self) -> Iterator[Word]:
        return (Word(word, 0.99, _BOX) for word in self._line.split())


_BOX = ((10.0, 10.0), (90.0, 10.0), (90.0, 30.0), (10.0, 30.0))
