"""The workers of one process, one a task queue, started and stopped together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from temporalio.client import Client
from temporalio.worker import Worker

from photo.adapters.temporal.activities import ImageActivities, JobActivities
from photo.adapters.temporal.attempts import HEARTBEAT_INTERVAL, AttemptInterceptor
from photo.adapters.temporal.queues import images_queue
from photo.adapters.temporal.workflows import ProcessPhoto, StartForgotten, Sweep
from photo.application.processing import NoteWaiting

# Most steps end by themselves in this time, and orchestrators kill after 30 s; what is
# cut off is tried again by another worker.
GRACE = timedelta(seconds=20)

# Light steps wait for the network most of the time.
LIGHT_STEPS = 20

_worker = partial(
    Worker,
    graceful_shutdown_timeout=GRACE,
    # How long a workflow waits for a worker that died with its history.
    sticky_queue_schedule_to_start_timeout=timedelta(seconds=2),
    max_heartbeat_throttle_interval=HEARTBEAT_INTERVAL,
    default_heartbeat_throttle_interval=HEARTBEAT_INTERVAL,
)


def make_workers(
    client: Client,
    task_queue: str,
    jobs: JobActivities,
    images: ImageActivities,
    note_waiting: NoteWaiting,
    *,
    image_processes: int,
) -> tuple[Worker, Worker]:
    """One worker for workflows and light steps, one for as many images as fit."""
    interceptors = [AttemptInterceptor(note_waiting)]
    return (
        _worker(
            client,
            interceptors=interceptors,
            task_queue=task_queue,
            workflows=[ProcessPhoto, StartForgotten, Sweep],
            activities=[
                jobs.fetch,
                jobs.verify,
                jobs.publish,
                jobs.fail,
                jobs.cancel,
                jobs.start_forgotten,
                jobs.sweep,
            ],
            max_concurrent_activities=LIGHT_STEPS,
        ),
        _worker(
            client,
            interceptors=interceptors,
            task_queue=images_queue(task_queue),
            activities=[images.normalize, images.recognize],
            max_concurrent_activities=image_processes,
        ),
    )


@asynccontextmanager
async def running(*workers: Worker) -> AsyncIterator[None]:
    """Work meanwhile, then stop all at once; the death of one ends the others."""
    async with asyncio.TaskGroup() as group:
        for worker in workers:
            group.create_task(worker.run())
        yield
        await asyncio.gather(*(worker.shutdown() for worker in workers))
