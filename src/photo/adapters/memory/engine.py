"""Workflows as tasks of this process."""

import asyncio
from collections.abc import Set as AbstractSet

from photo.application.endings import EndJob
from photo.application.intake import FetchPhoto, VerifyPhoto
from photo.application.ports import WorkflowEngine
from photo.application.processing import (
    NormalizePhoto,
    PublishResult,
    RecognizeText,
)
from photo.domain.errors import PhotoError
from photo.domain.job import Failure, Job, JobId


class MemoryWorkflowEngine(WorkflowEngine):
    """Takes every job through its steps at once, in a task of this process."""

    def __init__(  # noqa: PLR0917 - every step of a job
        self,
        fetch: FetchPhoto,
        verify: VerifyPhoto,
        normalize: NormalizePhoto,
        recognize: RecognizeText,
        publish: PublishResult,
        end: EndJob,
    ) -> None:
        self._fetch = fetch
        self._verify = verify
        self._normalize = normalize
        self._recognize = recognize
        self._publish = publish
        self._end = end
        self._tasks: dict[JobId, asyncio.Task[None]] = {}

    async def start(self, job: Job) -> bool:
        if (last := self._tasks.get(job.id)) and not last.done():
            return False
        self._tasks[job.id] = asyncio.create_task(self._process(job))
        return True

    async def cancel(self, job_id: JobId) -> None:
        if task := self._tasks.get(job_id):
            task.cancel()

    async def under_way(self) -> AbstractSet[JobId]:
        return {job_id for job_id, task in self._tasks.items() if not task.done()}

    async def _process(self, job: Job) -> None:
        try:
            if job.source_url:
                await self._fetch(job.id)
            await self._verify(job.id)
            images, pages = await self._normalize(job.id)
            texts, engine = await self._recognize(job.id, pages)
            await self._publish(job.id, [*images, *texts], engine)
        except PhotoError as error:
            await self._end.fail(job.id, Failure.of(error))

    async def check(self) -> None:
        """Memory is always there."""
