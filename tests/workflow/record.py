"""Record the histories that `test_histories.py` replays.

Run `python -m tests.workflow.record VERSION` when a release changed a workflow on
purpose, with the version in the new files' names; those of releases that may still have
jobs under way stay, because their workflows must replay too.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from dishka import Provider, Scope
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from photo.adapters.memory import MemoryPhotoFetcher
from photo.adapters.temporal.client import TemporalServer
from photo.adapters.temporal.converter import STRICT
from photo.adapters.temporal.schedule import INTERVALS
from photo.adapters.temporal.tries import CHILD_DEATHS
from photo.adapters.temporal.worker import running
from photo.application.ports import Courier, PhotoFetcher, Receipt
from photo.domain.errors import RecognitionFailed
from photo.domain.job import JobId
from tests.workflow.dying_worker import dying_worker
from tests.workflow.post import TellingSender, over, owed, staged, start
from tests.workflow.post import workflow as delivery_workflow
from tests.workflow.recognizers import FailingRecognizer, SlowRecognizer
from tests.workflow.stage import NO_PHOTO, PHOTO, Stage

HISTORIES = Path(__file__).with_name("histories")
_SERVER = Path(sys.executable).with_name("temporal")
_URL = "https://example.com/photo.jpg"
_DEATH = RecognitionFailed("It died.", crash="SIGSEGV", retryable=True)

Workflow = WorkflowHandle[None, None]


async def succeeded(client: Client) -> Workflow:
    stage = Stage(client)
    async with await stage.working():
        return await over_well(stage, await stage.submit())


async def fetched(client: Client) -> Workflow:
    fetcher = Provider(scope=Scope.APP)
    fetcher.provide(lambda: MemoryPhotoFetcher({_URL: PHOTO}), provides=PhotoFetcher)
    stage = Stage(client, None, fetcher)
    async with await stage.working():
        return await over_well(stage, await stage.submit_url(_URL))


async def failed(client: Client) -> Workflow:
    stage = Stage(client)
    async with await stage.working():
        return await over_badly(stage, await stage.submit(NO_PHOTO))


async def cancelled(client: Client) -> Workflow:
    recognizer = SlowRecognizer()
    stage = Stage(client, recognizer)
    async with await stage.working():
        job_id = await stage.submit()
        await recognizer.busy.wait()
        await stage.workflow(job_id).cancel()
        return await over_badly(stage, job_id)


async def crashed(client: Client) -> Workflow:
    stage = Stage(client, FailingRecognizer([_DEATH]))
    async with await stage.working():
        return await over_well(stage, await stage.submit())


async def poisoned(client: Client) -> Workflow:
    stage = Stage(client, FailingRecognizer([_DEATH] * CHILD_DEATHS))
    async with await stage.working():
        return await over_badly(stage, await stage.submit())


async def lost_worker(client: Client) -> Workflow:
    stage = Stage(client)
    server = TemporalServer(target=client.service_client.config.target_host)
    workers = await stage.workers()
    async with running(workers.light, workers.scans) as go:
        job_id = await stage.submit()
        async with dying_worker(server, stage.queue) as doomed:
            await doomed.hangs_on()
        go(workers.images)
        return await over_well(stage, job_id)


async def over_well(stage: Stage, job_id: JobId) -> Workflow:
    await stage.workflow(job_id).result()
    return stage.workflow(job_id)


async def over_badly(stage: Stage, job_id: JobId) -> Workflow:
    try:
        await stage.workflow(job_id).result()
    except WorkflowFailureError:
        return stage.workflow(job_id)
    raise AssertionError(job_id)


async def delivered(client: Client) -> Workflow:
    stage = staged(client, TellingSender(Receipt(503)))
    async with await stage.working():
        delivery_id = await owed(stage)
        await start(stage, delivery_id)
        await over(stage, delivery_id)
    return delivery_workflow(stage, delivery_id)


async def hurried(client: Client) -> Workflow:
    stage = staged(client, TellingSender(Receipt(503)))
    async with await stage.working():
        delivery_id = await owed(stage)
        await start(stage, delivery_id)
        workflow = delivery_workflow(stage, delivery_id)
        await _waiting(workflow)
        await (await stage.container.get(Courier)).hurry(delivery_id)
        await over(stage, delivery_id)
    return workflow


async def _waiting(workflow: Workflow) -> None:
    while True:
        for event in (await workflow.fetch_history()).events:
            if event.HasField("timer_started_event_attributes"):
                return
        await asyncio.sleep(0.1)


def scheduled(name: str) -> Callable[[Client], Awaitable[Workflow]]:
    async def run(client: Client) -> Workflow:
        stage = Stage(client)
        async with await stage.working():
            workflow = await client.start_workflow(
                name, id=name, task_queue=stage.queue
            )
            await workflow.result()
        return workflow

    return run


#: What is kept, by the name of the workflow and that of its end.
SCENARIOS = {
    ("process-photo", "succeeded"): succeeded,
    ("process-photo", "fetched"): fetched,
    ("process-photo", "failed"): failed,
    ("process-photo", "cancelled"): cancelled,
    ("process-photo", "crashed"): crashed,
    ("process-photo", "poisoned"): poisoned,
    ("process-photo", "lost-worker"): lost_worker,
    ("deliver-webhook", "delivered"): delivered,
    ("deliver-webhook", "hurried"): hurried,
    **{(name, "succeeded"): scheduled(name) for name in INTERVALS},
}


async def main(version: str) -> None:
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(_SERVER),
        data_converter=STRICT,
        identity="recorder",
    ) as environment:
        for (name, end), scenario in SCENARIOS.items():
            history = await (await scenario(environment.client)).fetch_history()
            file = HISTORIES / f"{name}-{version}-{end}.json"
            file.write_text(history.to_json() + "\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
