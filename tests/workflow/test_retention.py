"""What has had its time, and what was erased, by the real schedules."""

import asyncio
from dataclasses import asdict
from datetime import timedelta

from dishka import Provider, Scope
from structlog.typing import EventDict
from temporalio.client import (
    Client,
    ScheduleActionExecutionStartWorkflow,
    ScheduleHandle,
)

from photo.application.erasing import OVER_AFTER, EraseJob
from photo.application.ports import Buckets, Clock, Erasures, JobRepository
from photo.application.retention import Pruned, Retention
from photo.domain.access import Principal
from photo.domain.job import Failure
from tests.makers import ACME, SteppableClock, in_chunks
from tests.workflow.stage import PHOTO, Stage, accepted_job
from tests.workflow.test_sweep import CONFIRM, RETAIN, looked_after

CALLER = Principal(ACME, frozenset(), "key_1")
FAILURE = Failure("timed_out", "Too slow.", retryable=True)
A_MONTH = timedelta(days=30)


def clocked(client: Client, clock: SteppableClock) -> Stage:
    provider = Provider(scope=Scope.APP)
    provider.provide(lambda: clock, provides=Clock)
    provider.provide(lambda: Retention(A_MONTH), provides=Retention)
    return Stage(client, None, provider)


async def result(stage: Stage, schedule: ScheduleHandle, kind: type) -> object:
    """What the schedule's first run answered."""
    async with asyncio.timeout(180):
        while not (runs := (await schedule.describe()).info.recent_actions):
            pass
        started = runs[0].action
        assert isinstance(started, ScheduleActionExecutionStartWorkflow)
        return await stage.client.get_workflow_handle(
            started.workflow_id,
            run_id=started.first_execution_run_id,
            result_type=kind,
        ).result()


async def test_old_jobs_are_erased(client: Client, logs: list[EventDict]) -> None:
    clock = SteppableClock()
    stage = clocked(client, clock)
    job = await accepted_job(stage.container)
    jobs: JobRepository = await stage.container.get(JobRepository)
    at = clock()
    await jobs.update(job.id, lambda job: job.fail(FAILURE, at=at))
    clock.step(A_MONTH + timedelta(seconds=1))
    async with looked_after(stage, RETAIN) as schedule:
        pruned = await result(stage, schedule, Pruned)
    assert pruned == Pruned(jobs=1, answers=0, events=1)
    erasures: Erasures = await stage.container.get(Erasures)
    assert (await erasures.get(ACME, job.id)).actor == "service"
    (log,) = (log for log in logs if log["event"] == "retention_applied")
    assert log.items() >= asdict(pruned).items()


async def test_what_was_written_after_an_erasure_is_deleted(client: Client) -> None:
    clock = SteppableClock()
    stage = clocked(client, clock)
    job = await accepted_job(stage.container)
    erase = await stage.container.get(EraseJob)
    await erase(CALLER, job.id)
    buckets = await stage.container.get(Buckets)
    late = ((buckets.raw, job.raw_key), (buckets.processed, job.artifact_key("a.jpg")))
    for store, key in late:
        await store.write(key, in_chunks(PHOTO), content_type="image/jpeg")
    clock.step(OVER_AFTER + timedelta(seconds=1))
    async with looked_after(stage, CONFIRM) as schedule:
        assert await result(stage, schedule, int) == 1
    for store, _ in late:
        assert await store.list(after="", limit=9) == []
