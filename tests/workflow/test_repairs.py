"""What disagrees is made to agree, by the real schedules and workflows."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from dishka import Provider, Scope
from structlog.typing import EventDict
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
)

from photo.adapters.memory import MemoryObjectStore, MemoryRepairLog
from photo.adapters.temporal.schedule import schedule_all, schedule_id
from photo.adapters.temporal.worker import running
from photo.application import reconciling
from photo.application.ports import Buckets, Clock, Erasures, JobRepository, Repair
from photo.application.reconciling import AT_WORK, Stretch
from photo.application.starting import LOST_AFTER, STRAY_AFTER
from photo.domain.erasure import Erasure
from photo.domain.errors import NotFound
from photo.domain.files import ALWAYS_THERE, TEXT_JSON
from photo.domain.job import Job, Status
from tests.makers import NOW, SteppableClock, a_job, in_chunks
from tests.workflow.recognizers import SlowRecognizer
from tests.workflow.stage import Stage, accepted_job
from tests.workflow.test_retention import result
from tests.workflow.test_sweep import START_FORGOTTEN, looked_after, unschedule

STOP_STRAY = "stop-stray-work"
SWEEP_ARTIFACTS, CHECK_RESULTS = "sweep-artifacts", "check-results"
A_SECOND = timedelta(seconds=1)


def clocked(
    client: Client, clock: SteppableClock, recognizer: SlowRecognizer | None = None
) -> Stage:
    buckets = Buckets(raw=MemoryObjectStore(clock), processed=MemoryObjectStore(clock))
    provider = Provider(scope=Scope.APP)
    provider.provide(lambda: clock, provides=Clock)
    provider.provide(lambda: buckets, provides=Buckets)
    return Stage(client, recognizer, provider)


async def cancelled_unheard(stage: Stage, job: Job) -> None:
    """Its row says so, but the engine could not be told."""
    jobs: JobRepository = await stage.container.get(JobRepository)
    await jobs.update(job.id, lambda job: job.cancel(at=NOW))


async def erased_unheard(stage: Stage, job: Job) -> None:
    erasures: Erasures = await stage.container.get(Erasures)
    await erasures.erase(Erasure.of(job, actor="key_1", objects=(), at=NOW))


async def over(workflow: WorkflowHandle[None, None]) -> None:
    async with asyncio.timeout(180):
        with suppress(WorkflowFailureError):
            await workflow.result()


async def noted(stage: Stage, *repairs: Repair) -> list[dict[str, object]]:
    notes = (await stage.container.get(MemoryRepairLog)).notes
    return [about for repair, _, about in notes if repair in repairs]


async def test_the_workflow_of_an_erased_job_ends_at_its_next_step(
    client: Client,
) -> None:
    stage = Stage(client)
    job = await accepted_job(stage.container)
    await stage.engine.start(job)
    await erased_unheard(stage, job)
    async with await stage.working():
        await over(stage.workflow(job.id))
    with pytest.raises(NotFound):
        await stage.job(job.id)


async def test_the_workflow_of_a_job_that_ended_unheard_ends_at_its_next_step(
    client: Client,
) -> None:
    stage = Stage(client)
    job = await accepted_job(stage.container)
    await stage.engine.start(job)
    await cancelled_unheard(stage, job)
    async with await stage.working():
        await over(stage.workflow(job.id))
    assert (await stage.job(job.id)).status is Status.CANCELLED


@pytest.mark.parametrize("end", [cancelled_unheard, erased_unheard])
async def test_work_that_cannot_come_to_its_next_step_is_stopped(
    client: Client, end: type
) -> None:
    """Nobody takes photos from the queue of scans."""
    clock = SteppableClock()
    stage = clocked(client, clock)
    job = await accepted_job(stage.container)
    await stage.engine.start(job)
    await end(stage, job)
    clock.step(STRAY_AFTER + A_SECOND)
    light = (await stage.workers()).light
    await schedule_all(client, stage.queue)
    schedule = client.get_schedule_handle(schedule_id(STOP_STRAY, stage.queue))
    try:
        async with running(light):
            await listed(stage, job)
            await schedule.trigger()
            await over(stage.workflow(job.id))
    finally:
        await unschedule(client, stage.queue)
    status = (await stage.workflow(job.id).describe()).status
    assert status is WorkflowExecutionStatus.CANCELED
    assert {"job_id": job.id} in await noted(stage, Repair.WORKFLOW_CANCELLED)


async def listed(stage: Stage, job: Job) -> None:
    async with asyncio.timeout(180):
        while job.id not in await stage.engine.under_way():
            pass


async def test_work_on_an_unfinished_job_goes_on(client: Client) -> None:
    clock, recognizer = SteppableClock(), SlowRecognizer()
    stage = clocked(client, clock, recognizer)
    async with looked_after(stage, STOP_STRAY) as schedule:
        job = await accepted_job(stage.container)
        await stage.engine.start(job)
        await recognizer.busy.wait()
        clock.step(10 * STRAY_AFTER)
        await listed(stage, job)
        await result(stage, schedule, int)
        handle = await client.start_workflow(
            STOP_STRAY, id=f"again-{stage.queue}", task_queue=stage.queue
        )
        assert await handle.result() == 0
        recognizer.may_read.set()
        assert (await stage.ended(job.id)).status is Status.SUCCEEDED


async def test_a_job_whose_workflow_was_terminated_in_a_step_is_restarted(
    client: Client,
) -> None:
    clock, recognizer = SteppableClock(), SlowRecognizer()
    stage = clocked(client, clock, recognizer)
    job = await accepted_job(stage.container)
    async with looked_after(stage, START_FORGOTTEN):
        await stage.engine.start(job)
        await recognizer.busy.wait()
        await stage.workflow(job.id).terminate("by an operator")
        clock.step(LOST_AFTER + A_SECOND)
        recognizer.may_read.set()
        assert (await stage.ended(job.id)).status is Status.SUCCEEDED
    assert {"job_id": job.id} in await noted(stage, Repair.JOB_RESTARTED)


async def test_files_that_no_job_needs_are_swept(
    client: Client, logs: list[EventDict]
) -> None:
    clock = SteppableClock()
    stage = clocked(client, clock)
    store = (await stage.container.get(Buckets)).processed
    gone = await accepted_job(stage.container)
    await erased_unheard(stage, gone)
    lost = a_job().artifact_key(TEXT_JSON)
    await store.write(lost, in_chunks(b"x"), content_type="application/json")
    names = [f"{n:05}.jpg" for n in range(reconciling._PAGE * reconciling._PAGES + 3)]
    for name in names:
        await store.write(
            gone.artifact_key(name), in_chunks(b"x"), content_type="image/jpeg"
        )
    clock.step(AT_WORK + A_SECOND)
    async with looked_after(stage, SWEEP_ARTIFACTS) as schedule:
        swept = await result(stage, schedule, Stretch)
    assert swept == Stretch(
        next=None, seen=len(names) + 1, deleted=len(names), without_row=1
    )
    assert [item.key for item in await store.list(after="", limit=9)] == [lost]
    assert await noted(stage, Repair.ARTIFACT_WITHOUT_ROW) == [{}]
    (log,) = (log for log in logs if log["event"] == "artifacts_swept")
    assert (log["seen"], log["deleted"]) == (len(names) + 1, len(names))


async def test_a_result_that_is_damaged_is_told_of(
    client: Client, logs: list[EventDict]
) -> None:
    stage = Stage(client)
    store = (await stage.container.get(Buckets)).processed
    async with looked_after(stage, CHECK_RESULTS) as schedule:
        await result(stage, schedule, Stretch)
        job = await stage.ended(await stage.submit())
        await store.delete(job.artifact_key(TEXT_JSON))
        handle = await client.start_workflow(
            CHECK_RESULTS,
            id=f"again-{stage.queue}",
            task_queue=stage.queue,
            result_type=Stretch,
        )
        found = await handle.result()
    assert found == Stretch(next=None, seen=1, damaged=1)
    (about,) = await noted(stage, Repair.RESULT_DAMAGED)
    assert about == {"job_id": job.id, "files": [TEXT_JSON]}
    left = await store.list(after="", limit=99)
    assert len(left) == len(ALWAYS_THERE) - 1
    log = [log for log in logs if log["event"] == "results_checked"][-1]
    assert log["damaged"] == 1
