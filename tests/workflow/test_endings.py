"""However the database and the operator behave, the row ends, and ends once."""

import asyncio
from collections.abc import Callable, Iterable
from itertools import dropwhile

import pytest
from dishka import Provider, Scope
from structlog.typing import EventDict
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle

from photo.adapters.memory import (
    MemoryJobFeed,
    MemoryJobRepository,
    MemoryUploadRepository,
)
from photo.application.ports import JobRepository
from photo.domain.errors import Internal, PhotoError, Unavailable
from photo.domain.job import Job, JobId, Status
from tests.workflow.stage import NO_PHOTO, Stage

DOWN = Unavailable("The database is down.")


class StubbornJobRepository(MemoryJobRepository):
    """Stores no ending before it may, and fails at the first few."""

    def __init__(
        self,
        uploads: MemoryUploadRepository,
        feed: MemoryJobFeed,
        faults: Iterable[PhotoError],
    ) -> None:
        super().__init__(uploads, feed)
        self.asked = asyncio.Event()
        self.may_end = asyncio.Event()
        self._faults = iter(faults)

    async def update(self, job_id: JobId, change: Callable[[Job], Job]) -> Job:
        if change(await self.get(job_id)).ended:
            self.asked.set()
            await self.may_end.wait()
            for fault in self._faults:
                raise fault
        return await super().update(job_id, change)


def stubborn(client: Client, *faults: PhotoError) -> Stage:
    provider = Provider(scope=Scope.APP)

    @provider.provide
    def jobs(uploads: MemoryUploadRepository, feed: MemoryJobFeed) -> JobRepository:
        return StubbornJobRepository(uploads, feed, faults)

    return Stage(client, None, provider)


async def heard_of_cancellation(workflow: WorkflowHandle[None, None]) -> bool:
    history = await workflow.fetch_history()
    events = [event.event_type for event in history.events]
    requested = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED
    since = dropwhile(lambda event: event != requested, events)
    return EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED in since


async def test_a_cancellation_while_a_failure_is_recorded_does_not_lose_it(
    client: Client,
) -> None:
    stage = stubborn(client, DOWN)
    jobs = await stage.container.get(JobRepository)
    async with asyncio.timeout(180), await stage.working():
        job_id = await stage.submit(NO_PHOTO)
        await jobs.asked.wait()
        await stage.workflow(job_id).cancel()
        while not await heard_of_cancellation(stage.workflow(job_id)):
            pass
        jobs.may_end.set()
        with pytest.raises(WorkflowFailureError):
            await stage.workflow(job_id).result()
    assert (await stage.job(job_id)).status is Status.FAILED


@pytest.mark.parametrize("fault", [DOWN, Internal("The database refused a statement.")])
async def test_a_failure_is_recorded_as_soon_as_the_database_is_back(
    client: Client, logs: list[EventDict], fault: PhotoError
) -> None:
    stage = stubborn(client, fault, fault)
    jobs = await stage.container.get(JobRepository)
    jobs.may_end.set()
    async with asyncio.timeout(180), await stage.working():
        job = await stage.ended(await stage.submit(NO_PHOTO))
    assert job.status is Status.FAILED
    assert [log["attempt"] for log in logs if log["event"] == "job_failed"] == [3]
    assert job.error
    assert job.error.code == "unsupported_media_type"
