"""Rows in memory."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

from photo.adapters.memory.feed import MemoryJobFeed
from photo.adapters.memory.transactions import MemoryDatabase
from photo.application.ports import (
    InfectedFiles,
    JobQuery,
    JobRepository,
    KeyRepository,
    UploadRepository,
)
from photo.domain.access import ApiKey, KeyId, Tenant
from photo.domain.errors import NotFound, UploadUsed
from photo.domain.infected import InfectedFile
from photo.domain.job import Job, JobId, Status
from photo.domain.upload import Upload, UploadId


class MemoryUploadRepository(UploadRepository):
    def __init__(self, database: MemoryDatabase | None = None) -> None:
        database = database or MemoryDatabase()
        self._uploads: dict[UploadId, Upload] = database.table()
        self._used: dict[UploadId, bool] = database.table()

    async def add(self, upload: Upload) -> None:
        self._uploads[upload.id] = upload

    async def get(self, upload_id: UploadId, *, tenant: Tenant) -> Upload:
        upload = self._uploads.get(upload_id)
        if upload is None or upload.tenant != tenant:
            raise NotFound(f"There is no upload {upload_id!r}.")
        return upload

    async def forget_unused(
        self, *, created_after: datetime, created_before: datetime, limit: int
    ) -> int:
        unused = [
            upload.id
            for upload in self._uploads.values()
            if created_after <= upload.created_at < created_before
            and upload.id not in self._used
        ]
        for upload_id in unused[:limit]:
            del self._uploads[upload_id]
        return len(unused[:limit])

    def use(self, upload_id: UploadId) -> None:
        """What a database's foreign and unique keys do when a job is added."""
        if upload_id not in self._uploads:
            raise NotFound(f"There is no upload {upload_id!r}.")
        if upload_id in self._used:
            raise UploadUsed("This upload already has a job. Ask for a new upload.")
        self._used[upload_id] = True


class MemoryJobRepository(JobRepository):
    def __init__(
        self,
        uploads: MemoryUploadRepository,
        feed: MemoryJobFeed,
        database: MemoryDatabase | None = None,
    ) -> None:
        self._uploads = uploads
        self._feed = feed
        self._jobs: dict[JobId, Job] = (database or MemoryDatabase()).table()

    async def add(self, job: Job) -> None:
        if job.upload_id:
            self._uploads.use(job.upload_id)
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
    ) -> Sequence[Job]:
        oldest_first = sorted(self._jobs.values(), key=lambda job: job.created_at)
        queued = [
            job
            for job in oldest_first
            if job.status is Status.QUEUED and job.created_at < queued_before
        ]
        running = [
            job
            for job in oldest_first
            if job.step and job.entered[job.step] < running_before
        ]
        return [*queued, *running][:limit]

    async def unfinished_on(self, raw_keys: Sequence[str]) -> AbstractSet[str]:
        unfinished = {job.raw_key for job in self._jobs.values() if not job.ended}
        return unfinished & {*raw_keys}


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
    def __init__(self, database: MemoryDatabase | None = None) -> None:
        self._keys: dict[KeyId, ApiKey] = (database or MemoryDatabase()).table()

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


class MemoryInfectedFiles(InfectedFiles):
    def __init__(self) -> None:
        self._files: dict[str, InfectedFile] = {}

    async def add(self, file: InfectedFile) -> None:
        self._files.setdefault(file.sha256, file)

    async def find(self, sha256: str) -> InfectedFile | None:
        return self._files.get(sha256)

    async def all(self, *, limit: int) -> Sequence[InfectedFile]:
        newest_first = sorted(
            self._files.values(), key=lambda file: file.found_at, reverse=True
        )
        return newest_first[:limit]

    async def forget(self, sha256: str) -> None:
        if self._files.pop(sha256, None) is None:
            raise NotFound(f"No infected file has the SHA-256 {sha256!r}.")
