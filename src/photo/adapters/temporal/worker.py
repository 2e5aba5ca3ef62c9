"""The workers of one process, one a task queue, started and stopped together."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import NamedTuple

import structlog
from temporalio.client import Client
from temporalio.worker import Worker

from photo.adapters.temporal.activities import ImageActivities, JobActivities
from photo.adapters.temporal.attempts import HEARTBEAT_INTERVAL, AttemptInterceptor
from photo.adapters.temporal.queues import (
    fetches_queue,
    images_queue,
    scans_queue,
    webhooks_queue,
)
from photo.adapters.temporal.repair_workflows import (
    CheckAll,
    StopStray,
    SweepProcessed,
)
from photo.adapters.temporal.webhook_activities import DeliveryActivities
from photo.adapters.temporal.webhook_workflows import DeliverWebhook
from photo.adapters.temporal.workflows import (
    ApplyRetention,
    ConfirmErasures,
    ProcessPhoto,
    StartForgotten,
    Sweep,
)
from photo.application.ports import Measures
from photo.application.processing import NoteWaiting

log = structlog.get_logger(__name__)

# Most steps end by themselves in this time, and orchestrators kill after 30 s; what is
# cut off is handed back, and another worker has it at once.
GRACE = timedelta(seconds=20)

# The grace, and time to hand back: a server that is silent then finds out by itself.
STOP_WITHIN = GRACE + timedelta(seconds=3)

# Light steps wait for the network most of the time.
LIGHT_STEPS = 20

# Each may hold 8 to 16 MiB of what it sends on to the bucket.
FETCHES = 16

# Each waits up to 15 s for somebody else's server, and holds a kilobyte or two.
DELIVERIES = 100

# As many as clamd works on at once by default.
SCANS = 10

_worker = partial(
    Worker,
    # How long a workflow waits for a worker that died with its history.
    sticky_queue_schedule_to_start_timeout=timedelta(seconds=2),
    max_heartbeat_throttle_interval=HEARTBEAT_INTERVAL,
    default_heartbeat_throttle_interval=HEARTBEAT_INTERVAL,
)


class Workers(NamedTuple):
    """One a task queue."""

    #: Workflows, and what neither waits long nor works hard.
    light: Worker
    fetches: Worker
    scans: Worker
    images: Worker
    webhooks: Worker


def make_workers(  # noqa: PLR0917 - the steps of every queue
    client: Client,
    task_queue: str,
    jobs: JobActivities,
    images: ImageActivities,
    deliveries: DeliveryActivities,
    note_waiting: NoteWaiting,
    measures: Measures,
    *,
    image_processes: int,
    grace: timedelta = GRACE,
) -> Workers:
    make = partial(
        _worker,
        client,
        interceptors=[AttemptInterceptor(note_waiting, measures)],
        graceful_shutdown_timeout=grace,
    )
    return Workers(
        light=make(
            task_queue=task_queue,
            workflows=[
                ApplyRetention,
                CheckAll,
                ConfirmErasures,
                DeliverWebhook,
                ProcessPhoto,
                StartForgotten,
                StopStray,
                Sweep,
                SweepProcessed,
            ],
            activities=[
                jobs.publish,
                jobs.fail,
                jobs.cancel,
                jobs.start_forgotten,
                jobs.stop_stray,
                jobs.sweep,
                jobs.sweep_processed,
                jobs.check_all,
                jobs.confirm,
                jobs.retain,
            ],
            max_concurrent_activities=LIGHT_STEPS,
        ),
        fetches=make(
            task_queue=fetches_queue(task_queue),
            activities=[jobs.fetch],
            max_concurrent_activities=FETCHES,
        ),
        scans=make(
            task_queue=scans_queue(task_queue),
            activities=[jobs.verify],
            max_concurrent_activities=SCANS,
        ),
        images=make(
            task_queue=images_queue(task_queue),
            activities=[images.normalize, images.recognize],
            max_concurrent_activities=image_processes,
        ),
        webhooks=make(
            task_queue=webhooks_queue(task_queue),
            activities=[deliveries.attempt],
            max_concurrent_activities=DELIVERIES,
        ),
    )


@asynccontextmanager
async def running(
    *workers: Worker, stop_within: timedelta = STOP_WITHIN
) -> AsyncIterator[Callable[[Worker], None]]:
    """Work meanwhile, then stop all at once; the death of one ends the others.

    Another worker can join them later.
    """
    started: dict[Worker, asyncio.Task[None]] = {}
    async with asyncio.TaskGroup() as group:

        def start(worker: Worker) -> None:
            started[worker] = group.create_task(worker.run())

        for worker in workers:
            start(worker)
        yield start
        try:
            async with asyncio.timeout(stop_within.total_seconds()):
                await asyncio.gather(*(worker.shutdown() for worker in started))
        except TimeoutError:
            log.warning("worker_stop_cut_short")
            for run in started.values():
                run.cancel()
