"""What becomes of a step whose worker is told to stop."""

import asyncio
from datetime import timedelta

import pytest
from structlog.typing import EventDict
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle

from drill.shapes import Deed
from photo.adapters.temporal.client import TemporalServer
from photo.adapters.temporal.worker import running
from photo.domain.job import Status
from tests.faults import in_front_of
from tests.workflow.recognizers import SlowRecognizer
from tests.workflow.stage import Stage

GRACE = timedelta(milliseconds=500)


async def test_a_step_that_ends_in_time_is_waited_for(client: Client) -> None:
    recognizer = SlowRecognizer()
    stage = Stage(client, recognizer)
    workers = await stage.workers()
    async with asyncio.timeout(180), running(workers.light, workers.scans):
        async with running(workers.images):
            job_id = await stage.submit()
            await recognizer.busy.wait()
            asyncio.get_running_loop().call_later(0.5, recognizer.may_read.set)
        job = await stage.ended(job_id)
    assert job.status is Status.SUCCEEDED
    assert recognizer.calls == 1


async def test_a_step_that_is_cut_off_goes_on_elsewhere_at_once(
    client: Client, temporal: TemporalServer, logs: list[EventDict]
) -> None:
    recognizer = SlowRecognizer()
    stage = Stage(client, recognizer)
    stopping = await stage.workers(await temporal.connected(), grace=GRACE)
    staying = await stage.workers()
    async with asyncio.timeout(180), running(staying.light, staying.scans) as start:
        async with running(stopping.images):
            job_id = await stage.submit()
            await recognizer.busy.wait()
        assert recognizer.interrupted.is_set()
        recognizer.may_read.set()
        start(staying.images)
        job = await stage.ended(job_id)
    assert job.status is Status.SUCCEEDED
    assert (job.step_error, recognizer.calls) == (None, 2)
    events = [log["event"] for log in logs if log.get("step") == "recognize"]
    assert events == ["step_handed_back", "step_done"]
    assert await _retry_delay(stage.workflow(job_id)) < timedelta(milliseconds=10)


async def _retry_delay(workflow: WorkflowHandle[None, None]) -> timedelta:
    """How long Temporal was to wait before the one second attempt of a workflow."""
    events = (await workflow.fetch_history()).events
    starts = [event.activity_task_started_event_attributes for event in events]
    [failure] = [start.last_failure for start in starts if start.attempt == 2]
    return failure.application_failure_info.next_retry_delay.ToTimedelta()


async def test_a_job_that_is_cancelled_while_its_worker_stops_is_not_begun_anew(
    client: Client, logs: list[EventDict]
) -> None:
    recognizer = SlowRecognizer()
    stage = Stage(client, recognizer)
    workers = await stage.workers()
    async with asyncio.timeout(180), running(workers.light, workers.scans) as start:
        start(workers.images)
        job_id = await stage.submit()
        await recognizer.busy.wait()
        stopping = asyncio.create_task(workers.images.shutdown())
        await stage.cancel(job_id)
        await stopping
        with pytest.raises(WorkflowFailureError):
            await stage.workflow(job_id).result()
    assert (await stage.job(job_id)).status is Status.CANCELLED
    events = [log["event"] for log in logs if log.get("step") == "recognize"]
    assert events == ["step_cancelled"]


async def test_a_server_that_is_silent_holds_up_no_worker_for_long(
    client: Client, temporal: TemporalServer, logs: list[EventDict]
) -> None:
    recognizer = SlowRecognizer()
    stage = Stage(client, recognizer)
    workers = await stage.workers()
    async with (
        asyncio.timeout(180),
        in_front_of(temporal.target) as proxy,
        running(workers.light, workers.scans),
    ):
        target = f"127.0.0.1:{proxy.port}"
        cut_off = TemporalServer(target=target, namespace=temporal.namespace)
        stopping = await stage.workers(await cut_off.connected(), grace=GRACE)
        async with running(stopping.images, stop_within=2 * GRACE):
            job_id = await stage.submit()
            await recognizer.busy.wait()
            await proxy.set(Deed.BLACKHOLE)
        assert "worker_stop_cut_short" in {log["event"] for log in logs}
        await stage.workflow(job_id).terminate()
