"""The whole service on memory adapters, but for its workflows: those are Temporal's."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from uuid import uuid4

from dishka import Provider, Scope
from temporalio.client import Client, WorkflowHandle

from photo.adapters.memory import MemoryRecognizer
from photo.adapters.temporal.activities import ImageActivities, JobActivities
from photo.adapters.temporal.engine import TemporalWorkflowEngine, workflow_id
from photo.adapters.temporal.worker import make_workers, running
from photo.application.jobs import AwaitJob, SubmitJob
from photo.application.ports import JobRepository, TextRecognizer, WorkflowEngine
from photo.application.uploads import PhotoPromise, ReceivePhoto
from photo.domain.access import Tenant
from photo.domain.job import Job, JobId
from photo.domain.media import MediaType
from photo.entrypoints.container import memory_container

TENANT = Tenant("acme")
JPEG = b"\xff\xd8\xff\xe0 a photo, as far as memory can tell"
NO_PHOTO = b"just some text"


class Stage:
    """One task queue of its own, one container, and what a test does with them."""

    def __init__(
        self, client: Client, recognizer: TextRecognizer | None = None
    ) -> None:
        self.client = client
        self.queue = f"photo-{uuid4().hex}"
        self.engine = TemporalWorkflowEngine(client, self.queue)
        adapters = Provider(scope=Scope.APP)
        adapters.provide(lambda: self.engine, provides=WorkflowEngine)
        adapters.provide(
            lambda: recognizer or MemoryRecognizer(), provides=TextRecognizer
        )
        adapters.provide_all(ImageActivities, JobActivities)
        self.container = memory_container(adapters)

    async def working(
        self, *, images: bool = True
    ) -> AbstractAsyncContextManager[None]:
        """Workers at work: all of them, or only the one for light steps."""
        light, heavy = make_workers(
            self.client,
            self.queue,
            await self.container.get(JobActivities),
            await self.container.get(ImageActivities),
            image_processes=2,
        )
        return running(light, heavy) if images else running(light)

    async def submit(self, photo: bytes = JPEG) -> JobId:
        """Send a photo and have a job on it started."""
        receive = await self.container.get(ReceivePhoto)
        submit = await self.container.get(SubmitJob)
        promise = PhotoPromise(content_type=MediaType.JPEG)
        upload = await receive(TENANT, promise, _once(photo))
        return (await submit(TENANT, upload.id, {})).id

    async def job(self, job_id: JobId) -> Job:
        return await (await self.container.get(JobRepository)).get(job_id)

    async def ended(self, job_id: JobId) -> Job:
        follow = await self.container.get(AwaitJob)
        return await follow(TENANT, job_id, up_to=timedelta(minutes=1))

    def workflow(self, job_id: JobId) -> WorkflowHandle[None, None]:
        return self.client.get_workflow_handle(workflow_id(job_id))


async def _once(photo: bytes) -> AsyncIterator[bytes]:
    yield photo
