"""Use cases: start a job on a photo, follow it, and fetch what came of it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from photo.application.artifacts import collect
from photo.application.ports import (
    Buckets,
    Clock,
    Documents,
    JobFeed,
    JobRepository,
    NewId,
    ObjectLinks,
    PhotoFetcher,
    Stopwatch,
    UploadRepository,
    WorkflowEngine,
)
from photo.domain.access import Tenant
from photo.domain.errors import (
    ObjectNotFound,
    Unavailable,
    UploadExpired,
    UploadMissing,
    UploadUsed,
)
from photo.domain.filename import download_name
from photo.domain.files import MANIFEST, ORIGINAL, StoredFile, content_type_of
from photo.domain.job import Job, JobId
from photo.domain.media import MediaType
from photo.domain.upload import Upload, UploadId

#: How long a link to a file of a job works.
LINK_LIFETIME = timedelta(minutes=5)

#: A queued job this old was not started by the request that made it.
FORGOTTEN_AFTER = timedelta(seconds=30)

#: A job this long in one step may have lost its workflow. No attempt at a step takes
#: longer, so while all is well none is asked for that is still worked on.
LOST_AFTER = timedelta(minutes=20)

_SWEEP_LIMIT = 500


@dataclass(frozen=True, slots=True)
class SubmitJob:
    """Record a job for a photo that has arrived or is to be fetched; set it going.

    The row is the promise: once it is stored the job is accepted. If the engine
    cannot be reached then, `StartForgottenJobs` sets the job going later.
    """

    uploads: UploadRepository
    jobs: JobRepository
    buckets: Buckets
    engine: WorkflowEngine
    fetcher: PhotoFetcher
    new_id: NewId
    now: Clock

    async def on_upload(
        self, tenant: Tenant, upload_id: UploadId, metadata: Mapping[str, str]
    ) -> Job:
        upload = await self.uploads.get(upload_id, tenant=tenant)
        await self._must_have_arrived(upload)
        job_id = JobId(self.new_id("job"))
        return await self._accept(
            Job.on(upload, id=job_id, metadata=metadata, now=self.now())
        )

    async def on_url(
        self, tenant: Tenant, url: str, metadata: Mapping[str, str]
    ) -> Job:
        self.fetcher.check(url)
        job_id = JobId(self.new_id("job"))
        return await self._accept(
            Job.at(url, id=job_id, tenant=tenant, metadata=metadata, now=self.now())
        )

    async def _accept(self, job: Job) -> Job:
        await self.jobs.add(job)
        with suppress(Unavailable):
            await self.engine.start(job)
        return job

    async def _must_have_arrived(self, upload: Upload) -> None:
        if not upload.outlived(self.now()):
            with suppress(ObjectNotFound):
                await self.buckets.raw.head(upload.key)
                return
        # The store may have dropped it since.
        if await self.jobs.for_upload(upload.id):
            raise UploadUsed("This upload already has a job. Ask for a new upload.")
        if upload.expired(self.now()):
            raise UploadExpired(
                "The photo was not sent, or not used, in time. Ask for a new upload."
            )
        raise UploadMissing(
            "The photo has not arrived. Send it to the upload's url first."
        )


@dataclass(frozen=True, slots=True)
class StartForgottenJobs:
    """Set every job going that seems to be at a standstill; how many it was.

    It was accepted and never started, or its workflow is gone. The engine knows: one
    that is still worked on it leaves alone.
    """

    jobs: JobRepository
    engine: WorkflowEngine
    now: Clock

    async def __call__(self) -> int:
        now = self.now()
        forgotten = await self.jobs.unfinished_since(
            queued_before=now - FORGOTTEN_AFTER,
            running_before=now - LOST_AFTER,
            limit=_SWEEP_LIMIT,
        )
        for job in forgotten:
            await self.engine.start(job)
        return len(forgotten)


@dataclass(frozen=True, slots=True)
class AwaitJob:
    """Return the tenant's job when it has ended, or as it is when the time is over."""

    jobs: JobRepository
    feed: JobFeed
    stopwatch: Stopwatch

    async def __call__(self, tenant: Tenant, job_id: JobId, *, up_to: timedelta) -> Job:
        job = await self.jobs.get_for(tenant, job_id)
        if job.ended or not up_to:
            return job
        until = self.stopwatch() + up_to.total_seconds()
        return await self._follow(job_id, until=until)

    async def _follow(self, job_id: JobId, *, until: float) -> Job:
        async with self.feed.subscribe(job_id) as changes:
            job = await self.jobs.get(job_id)
            while not job.ended and (left := until - self.stopwatch()) > 0:
                await changes.wait(timedelta(seconds=left))
                job = await self.jobs.get(job_id)
            return job


@dataclass(frozen=True, slots=True)
class CancelJob:
    """End the tenant's job as cancelled, or raise `JobFinished`.

    The row comes first: from then on no step can go on, even if the engine is not
    told.
    """

    jobs: JobRepository
    engine: WorkflowEngine
    now: Clock

    async def __call__(self, tenant: Tenant, job_id: JobId) -> Job:
        await self.jobs.get_for(tenant, job_id)
        at = self.now()
        job = await self.jobs.update(job_id, lambda job: job.cancel(at=at))
        with suppress(Unavailable):
            await self.engine.cancel(job_id)
        return job


@dataclass(frozen=True, slots=True)
class OpenArtifact:
    """Stream one file of the tenant's job, or raise that it has not succeeded."""

    jobs: JobRepository
    buckets: Buckets

    async def __call__(
        self, tenant: Tenant, job_id: JobId, name: str
    ) -> AsyncIterator[bytes]:
        job = await self.jobs.get_for(tenant, job_id)
        job.must_have_succeeded()
        return self.buckets.processed.read(job.artifact_key(name))


class LinkedFile(NamedTuple):
    file: StoredFile
    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ListFiles:
    """Links to everything that the tenant's job left, the photo itself included."""

    uploads: UploadRepository
    jobs: JobRepository
    buckets: Buckets
    links: ObjectLinks
    documents: Documents
    now: Clock

    async def __call__(self, tenant: Tenant, job_id: JobId) -> list[LinkedFile]:
        job = await self.jobs.get_for(tenant, job_id)
        job.must_have_succeeded()
        data = await collect(self.buckets.processed, job.artifact_key(MANIFEST))
        manifest = StoredFile(
            MANIFEST, content_type_of(MANIFEST), len(data), job.manifest_sha256 or ""
        )
        files = (*self.documents.read_manifest(data).files, manifest)
        called = await self._name_of_original(job)
        return [await self._linked(job, file, called) for file in files]

    async def _name_of_original(self, job: Job) -> str | None:
        """What the photo is called where it comes from."""
        if job.upload_id:
            upload = await self.uploads.get(job.upload_id, tenant=job.tenant)
            return upload.filename
        return unquote(urlsplit(job.source_url or "").path)

    async def _linked(
        self, job: Job, file: StoredFile, name_of_original: str | None
    ) -> LinkedFile:
        expires_at = self.now() + LINK_LIFETIME
        filename = f"{job.id}-{file.name}"
        if file.name == ORIGINAL:
            media_type = MediaType(file.content_type)
            filename = download_name(name_of_original, media_type, filename)
        url = await self.links.link(
            job.artifact_key(file.name),
            filename=filename,
            content_type=file.content_type,
            lifetime=LINK_LIFETIME,
        )
        return LinkedFile(file, url, expires_at)
