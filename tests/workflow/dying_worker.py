"""A worker for images that takes a step and is killed: `TARGET NAMESPACE QUEUE`."""

import asyncio
import sys

from temporalio import activity
from temporalio.worker import Worker

from photo.adapters.temporal.client import TemporalServer
from photo.adapters.temporal.messages import JobRef
from photo.adapters.temporal.queues import images_queue


@activity.defn(name="normalize")
async def normalize(job: JobRef) -> None:
    print(job.job_id, flush=True)  # noqa: T201 - tells the test that it may kill
    await asyncio.Event().wait()


async def main(target: str, namespace: str, queue: str) -> None:
    client = await TemporalServer(target=target, namespace=namespace).connected()
    await Worker(client, task_queue=images_queue(queue), activities=[normalize]).run()


asyncio.run(main(*sys.argv[1:]))
