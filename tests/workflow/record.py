"""Record the histories that `test_histories.py` replays.

Run `python -m tests.workflow.record VERSION` when a release changed a workflow on
purpose, with the version in the new files' names; those of releases that may still have
jobs under way stay, because their workflows must replay too.
"""

import asyncio
import sys
from pathlib import Path

from dishka import Provider, Scope
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from photo.adapters.memory import MemoryPhotoFetcher
from photo.adapters.temporal.converter import STRICT
from photo.adapters.temporal.schedule import INTERVALS
from photo.application.ports import PhotoFetcher, Receipt
from photo.domain.job import JobId
from tests.workflow.post import TellingSender, over, owed, staged, start
from tests.workflow.post import workflow as delivery_workflow
from tests.workflow.recognizers import SlowRecognizer
from tests.workflow.stage import NO_PHOTO, PHOTO, Stage

HISTORIES = Path(__file__).with_name("histories")
_SERVER = Path(sys.executable).with_name("temporal")
_URL = "https://example.com/photo.jpg"


async def succeeded(stage: Stage, recognizer: SlowRecognizer) -> JobId:
    recognizer.may_read.set()
    job_id = await stage.submit()
    await stage.workflow(job_id).result()
    return job_id


async def fetched(stage: Stage, recognizer: SlowRecognizer) -> JobId:
    recognizer.may_read.set()
    job_id = await stage.submit_url(_URL)
    await stage.workflow(job_id).result()
    return job_id


async def failed(stage: Stage, _: SlowRecognizer) -> JobId:
    return await _badly_ended(stage, await stage.submit(NO_PHOTO))


async def cancelled(stage: Stage, recognizer: SlowRecognizer) -> JobId:
    job_id = await stage.submit()
    await recognizer.busy.wait()
    await stage.workflow(job_id).cancel()
    return await _badly_ended(stage, job_id)


async def _badly_ended(stage: Stage, job_id: JobId) -> JobId:
    try:
        await stage.workflow(job_id).result()
    except WorkflowFailureError:
        return job_id
    raise AssertionError(job_id)


def stage_for(environment: WorkflowEnvironment, recognizer: SlowRecognizer) -> Stage:
    fetcher = Provider(scope=Scope.APP)
    fetcher.provide(lambda: MemoryPhotoFetcher({_URL: PHOTO}), provides=PhotoFetcher)
    return Stage(environment.client, recognizer, fetcher)


async def keep(workflow: WorkflowHandle[None, None], name: str) -> None:
    history = await workflow.fetch_history()
    (HISTORIES / f"{name}.json").write_text(history.to_json() + "\n")


async def main(version: str) -> None:
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(_SERVER),
        data_converter=STRICT,
        identity="recorder",
    ) as environment:
        for scenario in (succeeded, fetched, failed, cancelled):
            recognizer = SlowRecognizer()
            stage = stage_for(environment, recognizer)
            async with await stage.working():
                job_id = await scenario(stage, recognizer)
            name = f"process-photo-{version}-{scenario.__name__}"
            await keep(stage.workflow(job_id), name)
        stage = staged(environment.client, TellingSender(Receipt(503)))
        async with await stage.working():
            delivery_id = await owed(stage)
            await start(stage, delivery_id)
            await over(stage, delivery_id)
        name = f"deliver-webhook-{version}-delivered"
        await keep(delivery_workflow(stage, delivery_id), name)
        stage = stage_for(environment, SlowRecognizer())
        async with await stage.working():
            for name in INTERVALS:
                workflow = await stage.client.start_workflow(
                    name, id=name, task_queue=stage.queue
                )
                await workflow.result()
                await keep(workflow, f"{name}-{version}-succeeded")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
