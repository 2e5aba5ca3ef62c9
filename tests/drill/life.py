"""All that clients ask of the service and the service does for them, in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from dishka import AsyncContainer, Provider, Scope

from drill.crash import Points
from drill.decorated import CrashPoints
from photo.adapters.memory import MemoryPhotoFetcher, MemoryScanner
from photo.application.erasing import EraseJob
from photo.application.idempotency import AnswerOnce
from photo.application.jobs import AwaitJob, CancelJob, SubmitJob
from photo.application.ports import PhotoFetcher, Scanner
from photo.application.uploads import PhotoPromise, ReceivePhoto
from photo.application.webhooks import CreateWebhook
from photo.domain.access import Principal
from photo.domain.job import Job, JobId
from photo.domain.media import MediaType
from photo.domain.webhook import Event
from photo.entrypoints.in_memory import memory_container
from tests.makers import ACME, in_chunks, photo_bytes

URL = "https://photos.example/1.jpg"
SIGNATURE = b"a harmful signature"
JPEG = photo_bytes(MediaType.JPEG)
CALLER = Principal(ACME, frozenset(), "key_1")
LONG = timedelta(seconds=30)


class Life:
    def __init__(self, container: AsyncContainer) -> None:
        self._container = container

    async def send(self, data: bytes = JPEG) -> JobId:
        receive = await self._container.get(ReceivePhoto)
        submit = await self._container.get(SubmitJob)
        promise = PhotoPromise(content_type=MediaType.JPEG)
        upload = await receive(ACME, promise, in_chunks(data))
        return (await submit.on_upload(ACME, upload.id, {})).id

    async def send_once(self) -> JobId:
        """Under an idempotency key."""
        once = await self._container.get(AnswerOnce)

        async def answer() -> bytes:
            return (await self.send()).encode()

        answered = await once(ACME, "key", "0" * 64, answer)
        return JobId(answered.answer.decode())

    async def point_at_url(self) -> JobId:
        submit = await self._container.get(SubmitJob)
        return (await submit.on_url(ACME, URL, {})).id

    async def listen(self) -> None:
        create = await self._container.get(CreateWebhook)
        await create(CALLER, "https://example.com/hooks", [*Event])

    async def end(self, job_id: JobId) -> Job:
        wait = await self._container.get(AwaitJob)
        return await wait(ACME, job_id, up_to=LONG)

    async def cancel(self, job_id: JobId) -> None:
        await (await self._container.get(CancelJob))(ACME, job_id)

    async def erase(self, job_id: JobId) -> None:
        await (await self._container.get(EraseJob))(CALLER, job_id)


@asynccontextmanager
async def living(points: Points) -> AsyncIterator[Life]:
    outside = Provider(scope=Scope.APP)
    internet, virus = MemoryPhotoFetcher({URL: JPEG}), MemoryScanner({SIGNATURE: "Bad"})
    outside.provide(lambda: internet, provides=PhotoFetcher)
    outside.provide(lambda: virus, provides=Scanner | None)
    async with memory_container(outside, CrashPoints(points)) as container:
        yield Life(container)
