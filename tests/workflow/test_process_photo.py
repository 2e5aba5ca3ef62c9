import asyncio

import pytest
from structlog.typing import EventDict
from temporalio.client import Client, WorkflowFailureError

from photo.application.ports import JobRepository
from photo.domain.job import JobId, Status
from tests.makers import NOW
from tests.workflow.recognizers import FailingRecognizer, SlowRecognizer
from tests.workflow.stage import Stage


async def test_a_photo_becomes_text(client: Client) -> None:
    stage = Stage(client)
    async with await stage.working():
        job_id = await stage.submit()
        job = await stage.ended(job_id)
        async with asyncio.timeout(180):
            await stage.workflow(job_id).result()
    assert job.status is Status.SUCCEEDED
    assert job.text_preview == "Hello photo"
    assert job.manifest_sha256


async def test_starting_twice_runs_once(client: Client) -> None:
    recognizer = FailingRecognizer()
    stage = Stage(client, recognizer)
    async with await stage.working():
        job_id = await stage.submit()
        job = await stage.job(job_id)
        await asyncio.gather(*(stage.engine.start(job) for _ in range(5)))
        await stage.ended(job_id)
        async with asyncio.timeout(180):
            await stage.workflow(job_id).result()
            await stage.engine.start(job)
            await stage.workflow(job_id).result()
    assert recognizer.calls == 1


async def test_no_photo_and_no_text_is_in_the_history_or_the_log(
    client: Client, logs: list[EventDict]
) -> None:
    stage = Stage(client)
    async with await stage.working():
        job = await stage.ended(await stage.submit())
    history = await stage.history(job.id)
    assert "normalized.jpg" in history
    assert "Hello" not in history + str(logs)


async def test_every_log_line_of_a_step_names_its_job(
    client: Client, logs: list[EventDict]
) -> None:
    stage = Stage(client)
    async with await stage.working():
        job = await stage.ended(await stage.submit())
    done = [line for line in logs if line["event"] == "step_done"]
    assert [line["step"] for line in done[:3]] == ["verify", "normalize", "recognize"]
    assert {line["job_id"] for line in logs} == {job.id}


async def test_a_job_cancelled_before_its_workflow_began_ends_quietly(
    client: Client,
) -> None:
    recognizer = FailingRecognizer()
    stage = Stage(client, recognizer)
    job_id = await stage.submit()
    jobs = await stage.container.get(JobRepository)
    await jobs.update(job_id, lambda job: job.cancel(at=NOW))
    async with await stage.working(), asyncio.timeout(180):
        await stage.workflow(job_id).result()
    assert (await stage.job(job_id)).status is Status.CANCELLED
    assert recognizer.calls == 0


async def test_cancelling_while_it_reads_frees_the_reader(
    client: Client,
) -> None:
    recognizer = SlowRecognizer()
    stage = Stage(client, recognizer)
    async with await stage.working():
        job_id = await stage.submit()
        async with asyncio.timeout(180):
            while not await alive(stage, job_id):
                pass
        await stage.cancel(job_id)
        async with asyncio.timeout(180):
            await recognizer.interrupted.wait()
        with pytest.raises(WorkflowFailureError):
            await stage.workflow(job_id).result()
    assert (await stage.job(job_id)).status is Status.CANCELLED


async def alive(stage: Stage, job_id: JobId) -> bool:
    """Whether the reading has sent a heartbeat."""
    workflow = await stage.workflow(job_id).describe()
    steps = workflow.raw_description.pending_activities
    return any(step.HasField("last_heartbeat_time") for step in steps)


async def test_an_operator_who_cancels_the_workflow_cancels_the_job(
    client: Client,
) -> None:
    recognizer = SlowRecognizer()
    stage = Stage(client, recognizer)
    async with await stage.working():
        job_id = await stage.submit()
        await recognizer.busy.wait()
        await stage.workflow(job_id).cancel()
        job = await stage.ended(job_id)
        async with asyncio.timeout(180):
            await recognizer.interrupted.wait()
    assert job.status is Status.CANCELLED
    assert job.error
    assert job.error.code == "cancelled"


async def test_a_workflow_cancelled_before_it_began_cancels_the_job(
    client: Client,
) -> None:
    stage = Stage(client)
    job_id = await stage.submit()
    await stage.workflow(job_id).cancel()
    async with await stage.working():
        job = await stage.ended(job_id)
    assert job.status is Status.CANCELLED


async def test_a_worker_that_stops_finishes_its_step_and_another_goes_on(
    client: Client,
) -> None:
    recognizer = SlowRecognizer()
    stage = Stage(client, recognizer)
    workers = await stage.workers()
    async with asyncio.TaskGroup() as group:
        for worker in workers:
            group.create_task(worker.run())
        job_id = await stage.submit()
        await recognizer.busy.wait()
        stopping = asyncio.gather(*(worker.shutdown() for worker in workers))
        recognizer.may_read.set()
        await stopping
    async with await stage.working():
        job = await stage.ended(job_id)
    assert job.status is Status.SUCCEEDED
    assert recognizer.calls == 1
