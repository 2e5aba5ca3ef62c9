"""Rows in memory."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime
from operator import itemgetter

from photo.adapters.memory.feed import MemoryJobFeed
from photo.adapters.memory.transactions import MemoryDatabase
from photo.application.ports import (
    Backlog,
    Endings,
    JobEvents,
    JobQuery,
    JobRepository,
    UploadRepository,
)
from photo.domain.access import Tenant
from photo.domain.errors import JobFinished, NotFound, UploadUsed
from photo.domain.history import changed_to
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

    def use(self, upload_id: UploadId, *, again: bool) -> None:
        """What a database's foreign and unique keys do when a job is added."""
        if upload_id not in self._uploads:
            raise NotFound(f"There is no upload {upload_id!r}.")
        if upload_id in self._used and not again:
            raise UploadUsed("This upload already has a job. Ask for a new upload.")
        self._used[upload_id] = True

    def release(self, upload_id: UploadId) -> None:
        """Delete the upload: its last job was erased."""
        del self._uploads[upload_id], self._used[upload_id]


class MemoryJobRepository(JobRepository, JobEvents, Backlog):
    def __init__(
        self,
        uploads: MemoryUploadRepository,
        feed: MemoryJobFeed,
        database: MemoryDatabase | None = None,
    ) -> None:
        self._uploads = uploads
        self._feed = feed
        database = database or MemoryDatabase()
        self._jobs: dict[JobId, Job] = database.table()
        self._versions: dict[tuple[JobId, int], Job] = database.table()

    async def add(self, job: Job) -> None:
        if job.retry_of:
            await self.get(job.retry_of)
        if job.upload_id:
            self._uploads.use(job.upload_id, again=job.retry_of is not None)
        self._store(job)

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
        before = await self.get(job_id)
        job = changed_to(before, change(before))
        if before.ended and _end(job) != _end(before):
            raise JobFinished("The job has already ended.")
        if job != before:
            self._store(job)
            self._feed.changed(job_id)
        return job

    async def after(self, tenant: Tenant, job_id: JobId, version: int) -> Sequence[Job]:
        job = await self.get_for(tenant, job_id)
        later = range(max(version, 0) + 1, job.version + 1)
        kept = [self._versions.get((job_id, each)) for each in later]
        return [job] if None in kept else [each for each in kept if each]

    async def page(self, query: JobQuery) -> Sequence[Job]:
        newest_first = sorted(self._jobs.values(), key=lambda job: job.id, reverse=True)
        return [job for job in newest_first if _matches(job, query)][: query.limit]

    async def find(self, job_ids: Sequence[JobId]) -> Mapping[JobId, Job]:
        return {each: self._jobs[each] for each in job_ids if each in self._jobs}

    async def unfinished_since(
        self,
        *,
        queued_before: datetime,
        running_before: datetime,
        ahead_of: datetime,
        but_for: AbstractSet[JobId] = frozenset(),
        limit: int,
    ) -> Sequence[Job]:
        oldest_first = sorted(self._jobs.values(), key=lambda job: job.created_at)
        queued = [
            job
            for job in oldest_first
            if job.status is Status.QUEUED
            and not queued_before <= job.created_at <= ahead_of
        ]
        running = [
            job
            for job in oldest_first
            if job.step and not running_before <= job.entered[job.step] <= ahead_of
        ]
        found = [job for job in (*queued, *running) if job.id not in but_for]
        return found[:limit]

    async def succeeded(
        self, *, after: tuple[Tenant, JobId], limit: int
    ) -> Sequence[Job]:
        found = {
            (job.tenant, job.id): job
            for job in self._jobs.values()
            if job.status is Status.SUCCEEDED and (job.tenant, job.id) > after
        }
        first = min(found, default=after)
        return [found[key] for key in sorted(found) if key[0] == first[0]][:limit]

    async def needed_on(
        self, raw_keys: Sequence[str], *, crashed_after: datetime
    ) -> AbstractSet[str]:
        needed = {
            job.raw_key
            for job in self._jobs.values()
            if job.finished_at is None
            or (job.error and job.error.crashes and job.finished_at > crashed_after)
        }
        return needed & {*raw_keys}

    async def unfinished(self, *, at_most: int) -> int:
        return min(sum(not job.ended for job in self._jobs.values()), at_most)

    async def endings(self, *, since: datetime, at_most: int) -> Endings:
        ends = (job.finished_at for job in self._jobs.values() if job.finished_at)
        last_first = sorted((end for end in ends if end > since), reverse=True)
        counted = last_first[:at_most]
        return Endings(len(counted), counted[-1] if last_first[at_most:] else since)

    def under_way(self) -> Sequence[Job]:
        return [job for job in self._jobs.values() if not job.ended]

    def erase(self, job: Job) -> Mapping[str, int]:
        """Delete the job and what hangs on it; how much it was."""
        versions = [key for key in self._versions if key[0] == job.id]
        for key in versions:
            del self._versions[key]
        del self._jobs[job.id]
        for retry in [*self._jobs.values()]:
            if retry.retry_of == job.id:
                self._jobs[retry.id] = replace(retry, retry_of=None)
        alone = job.upload_id not in {each.upload_id for each in self._jobs.values()}
        if job.upload_id and alone:
            self._uploads.release(job.upload_id)
        self._feed.changed(job.id)
        return {
            "jobs": 1,
            "events": len(versions) - 1,
            "uploads": int(job.upload_id is not None and alone),
        }

    def ended_before(self, moment: datetime) -> Sequence[Job]:
        """Those that ended first first."""
        ended = [
            (job.finished_at, job)
            for job in self._jobs.values()
            if job.finished_at and job.finished_at < moment
        ]
        return [job for _, job in sorted(ended, key=itemgetter(0))]

    def forget_versions(self, job_id: JobId, limit: int) -> int:
        """Forget what the job was since it was added; how many versions."""
        past = [key for key in self._versions if key[0] == job_id and key[1] > 1]
        past = past[:limit]
        for key in past:
            del self._versions[key]
        return len(past)

    def _store(self, job: Job) -> None:
        self._jobs[job.id] = job
        self._versions[job.id, job.version] = job


def _end(job: Job) -> tuple[object, ...]:
    """What a database's trigger guards."""
    return job.status, job.finished_at, job.error, job.manifest_sha256


def _matches(job: Job, query: JobQuery) -> bool:
    return (
        job.tenant == query.tenant
        and (query.before is None or job.id < query.before)
        and (query.status is None or job.status is query.status)
        and (query.created_after is None or job.created_at > query.created_after)
        and (query.created_before is None or job.created_at < query.created_before)
        and all(job.metadata.get(key) == value for key, value in query.metadata)
    )
