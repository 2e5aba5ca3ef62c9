"""Use cases: start a job on a photo, follow it, and fetch what came of it."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from photo.application.admission import AdmitJob
from photo.application.draining import Draining
from photo.application.endings import FinishJob
from photo.application.measuring import when_certain
from photo.application.ports import (
    Buckets,
    Clock,
    JobFeed,
    JobRepository,
    Measures,
    NewId,
    PhotoFetcher,
    Stopwatch,
    StoredObject,
    Transactions,
    UploadRepository,
    WebhookSender,
    WorkflowEngine,
)
from photo.application.starting import Starter
from photo.application.usage import CountJob
from photo.domain.access import Tenant
from photo.domain.errors import (
    ObjectNotFound,
    Unavailable,
    UploadExpired,
    UploadMissing,
    UploadUsed,
    UrlRefused,
)
from photo.domain.job import Job, JobId
from photo.domain.upload import Upload, UploadId


@dataclass(frozen=True, slots=True)
class SubmitJob:
    """Record a job for a photo that has arrived or is to be fetched; set it going.

    The row is the promise: once it is stored the job is accepted, and nobody waits for
    its start. If that does not come off, `StartForgottenJobs` sets the job going later.
    """

    admit: AdmitJob
    transactions: Transactions
    uploads: UploadRepository
    jobs: JobRepository
    count: CountJob
    buckets: Buckets
    starter: Starter
    fetcher: PhotoFetcher
    sender: WebhookSender
    measures: Measures
    new_id: NewId
    now: Clock

    async def on_upload(
        self,
        tenant: Tenant,
        upload_id: UploadId,
        metadata: Mapping[str, str],
        *,
        webhook_url: str | None = None,
    ) -> Job:
        self._check_webhook(webhook_url)
        await self.admit()
        upload = await self.uploads.get(upload_id, tenant=tenant)
        photo = await self._arrived(upload)
        job_id = JobId(self.new_id("job"))
        job = Job.on(upload, id=job_id, metadata=metadata, now=self.now())
        job = replace(job, webhook_url=webhook_url)
        job = await self.accept(job, size_bytes=photo.size_bytes)
        arrived = partial(self.measures.arrived, photo.size_bytes)
        await when_certain(self.transactions, arrived)
        return job

    async def on_url(
        self,
        tenant: Tenant,
        url: str,
        metadata: Mapping[str, str],
        *,
        webhook_url: str | None = None,
    ) -> Job:
        self._check_webhook(webhook_url)
        await self.admit()
        self.fetcher.check(url)
        job_id, now = JobId(self.new_id("job")), self.now()
        job = Job.at(url, id=job_id, tenant=tenant, metadata=metadata, now=now)
        return await self.accept(replace(job, webhook_url=webhook_url))

    async def accept(self, job: Job, *, size_bytes: int = 0) -> Job:
        """Store a job whose photo is in its place, or is to be fetched; set it going.

        Beyond the tenant's quota it raises `RateLimited`.
        """
        async with self.transactions.begin():
            await self.jobs.add(job)
            await self.count(job.tenant, size_bytes=size_bytes)
            await self.transactions.then(lambda: self._start(job))
        return job

    def _check_webhook(self, url: str | None) -> None:
        if url is None:
            return
        try:
            self.sender.check(url)
        except UrlRefused as error:
            error.pointer = "/webhook_url"
            raise

    async def _start(self, job: Job) -> None:
        self.starter.start_soon(job)

    async def _arrived(self, upload: Upload) -> StoredObject:
        if not upload.outlived(self.now()):
            with suppress(ObjectNotFound):
                return await self.buckets.raw.head(upload.key)
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
class AwaitJob:
    """Return the tenant's job when it has ended, or as it is when the time is over.

    The time is also over when the process is told to stop.
    """

    jobs: JobRepository
    feed: JobFeed
    stopwatch: Stopwatch
    draining: Draining

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
                await self.draining.cut_short(changes.wait(timedelta(seconds=left)))
                job = await self.jobs.get(job_id)
                if self.draining.begun:
                    break
            return job


@dataclass(frozen=True, slots=True)
class CancelJob:
    """End the tenant's job as cancelled, or raise `JobFinished`.

    The row comes first: from then on no step can go on, even if the engine is not
    told.
    """

    transactions: Transactions
    jobs: JobRepository
    finish: FinishJob
    engine: WorkflowEngine

    async def __call__(self, tenant: Tenant, job_id: JobId) -> Job:
        await self.jobs.get_for(tenant, job_id)
        job = await self.finish.cancel(job_id)
        await self.transactions.then(lambda: self._stop(job_id))
        return job

    async def _stop(self, job_id: JobId) -> None:
        with suppress(Unavailable):
            await self.engine.cancel(job_id)
