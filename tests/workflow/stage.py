"""The whole service on memory adapters, but for its workflows: those are Temporal's."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from dishka import AsyncContainer, Provider, Scope
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.worker import Worker

from photo.adapters.memory import MemoryRecognizer
from photo.adapters.temporal.activities import ImageActivities, JobActivities
from photo.adapters.temporal.courier import TemporalCourier
from photo.adapters.temporal.engine import TemporalWorkflowEngine, workflow_id
from photo.adapters.temporal.webhook_activities import DeliveryActivities
from photo.adapters.temporal.worker import GRACE, Workers, make_workers, running
from photo.application.jobs import AwaitJob, CancelJob, SubmitJob
from photo.application.ports import (
    Buckets,
    Courier,
    JobFeed,
    JobRepository,
    Measures,
    TextRecognizer,
    UploadRepository,
    WorkflowEngine,
)
from photo.application.processing import NoteWaiting
from photo.application.starting import Starter
from photo.application.uploads import PhotoPromise, ReceivePhoto
from photo.domain.job import Job, JobId, Status
from photo.domain.media import MediaType
from photo.entrypoints.in_memory import memory_container
from photo.entrypoints.waiting import patiently
from tests.makers import ACME, a_job, an_upload, in_chunks, photo_bytes

PHOTO = photo_bytes()
NO_PHOTO = b"just some text"


class PatientEngine(TemporalWorkflowEngine):
    """What a busy server leaves undone no schedule makes good here."""

    async def start(self, job: Job) -> bool:
        return await patiently(partial(super().start, job))

    async def cancel(self, job_id: JobId) -> None:
        await patiently(partial(super().cancel, job_id))


class Stage:
    """One task queue of its own, one container, and what a test does with them."""

    def __init__(
        self,
        client: Client,
        recognizer: TextRecognizer | None = None,
        *overrides: Provider,
    ) -> None:
        self.client = client
        self.queue = f"photo-{uuid4().hex}"
        self.engine = PatientEngine(client, self.queue)
        adapters = Provider(scope=Scope.APP)
        adapters.provide(lambda: self.engine, provides=WorkflowEngine)
        adapters.provide(
            lambda: recognizer or MemoryRecognizer(), provides=TextRecognizer
        )
        adapters.provide(lambda: TemporalCourier(client, self.queue), provides=Courier)
        adapters.provide_all(DeliveryActivities, ImageActivities, JobActivities)
        self.container = memory_container(adapters, *overrides)

    async def working(
        self,
    ) -> AbstractAsyncContextManager[Callable[[Worker], None]]:
        return running(*await self.workers())

    async def workers(
        self, client: Client | None = None, *, grace: timedelta = GRACE
    ) -> Workers:
        """Those of one process: another process has a client of its own."""
        return make_workers(
            client or self.client,
            self.queue,
            await self.container.get(JobActivities),
            await self.container.get(ImageActivities),
            await self.container.get(DeliveryActivities),
            await self.container.get(NoteWaiting),
            await self.container.get(Measures),
            image_processes=2,
            grace=grace,
        )

    async def submit(self, photo: bytes = PHOTO) -> JobId:
        """Send a photo and have a job on it started."""
        receive = await self.container.get(ReceivePhoto)
        submit = await self.container.get(SubmitJob)
        promise = PhotoPromise(content_type=MediaType.JPEG)
        upload = await receive(ACME, promise, in_chunks(photo))
        return await self._started(await submit.on_upload(ACME, upload.id, {}))

    async def submit_url(self, url: str) -> JobId:
        """Have a job started on a photo that is somewhere else."""
        submit = await self.container.get(SubmitJob)
        return await self._started(await submit.on_url(ACME, url, {}))

    async def _started(self, job: Job) -> JobId:
        await (await self.container.get(Starter)).idle()
        return job.id

    async def cancel(self, job_id: JobId) -> None:
        """As the API does when its client asks for it."""
        await (await self.container.get(CancelJob))(ACME, job_id)

    async def job(self, job_id: JobId) -> Job:
        jobs: JobRepository = await self.container.get(JobRepository)
        return await jobs.get(job_id)

    async def waiting(self, job_id: JobId) -> Job:
        """The job, as soon as it says why its step is tried again."""
        feed = await self.container.get(JobFeed)
        async with asyncio.timeout(180), feed.subscribe(job_id) as changes:
            while (job := await self.job(job_id)).step_error is None:
                await changes.wait(timedelta(minutes=1))
        return job

    async def ended(self, job_id: JobId) -> Job:
        follow = await self.container.get(AwaitJob)
        return await follow(ACME, job_id, up_to=timedelta(minutes=3))

    async def failed(self, job_id: JobId) -> Job:
        """The job, after its workflow has failed."""
        with pytest.raises(WorkflowFailureError):
            async with asyncio.timeout(180):
                await self.workflow(job_id).result()
        job = await self.job(job_id)
        assert job.status is Status.FAILED
        return job

    async def history(self, job_id: JobId) -> str:
        """All that Temporal keeps of a job, payloads in plain text."""
        return str((await self.workflow(job_id).fetch_history()).events)

    def workflow(self, job_id: JobId) -> WorkflowHandle[None, None]:
        return self.client.get_workflow_handle(workflow_id(job_id))


async def accepted_job(container: AsyncContainer) -> Job:
    """Accepted long ago, its photo in place, and never started."""
    upload = an_upload()
    job = a_job(upload)
    uploads: UploadRepository = await container.get(UploadRepository)
    jobs: JobRepository = await container.get(JobRepository)
    buckets = await container.get(Buckets)
    await uploads.add(upload)
    await buckets.raw.write(
        upload.key, in_chunks(PHOTO), content_type=upload.content_type
    )
    await jobs.add(job)
    return job
