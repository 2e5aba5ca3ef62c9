"""The process that works on jobs."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import structlog
from dishka import AsyncContainer, Provider
from temporalio.worker import Worker

from photo.adapters.temporal.activities import ImageActivities, JobActivities
from photo.adapters.temporal.client import TemporalServer
from photo.adapters.temporal.schedule import schedule_all
from photo.adapters.temporal.webhook_activities import DeliveryActivities
from photo.adapters.temporal.worker import Workers, make_workers, running
from photo.application.ports import Scanner
from photo.application.processing import NoteWaiting
from photo.entrypoints.live import live_container
from photo.entrypoints.reading import ImageProcesses
from photo.entrypoints.scanner_probes import blind_spots
from photo.entrypoints.settings import Settings
from photo.entrypoints.waiting import patiently, refuse_public_buckets

log = structlog.get_logger(__name__)


async def run_worker(settings: Settings, *overrides: Provider) -> None:
    """Until SIGTERM or Ctrl-C."""
    queue = settings.temporal_task_queue
    async with live_container(settings, *overrides, s3_attempts=1) as container:
        await refuse_public_buckets(container, settings)
        client = await (await container.get(TemporalServer)).connected()
        await patiently(lambda: schedule_all(client, queue))
        workers = make_workers(
            client,
            queue,
            await container.get(JobActivities),
            await container.get(ImageActivities),
            await container.get(DeliveryActivities),
            await container.get(NoteWaiting),
            image_processes=await container.get(ImageProcesses),
        )
        stop = asyncio.Event()
        for ending in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(ending, stop.set)
        log.info("worker_started", task_queue=queue)
        if await work(workers, partial(_blind_spots, container, settings), stop):
            sys.exit(1)


async def work(
    workers: Workers, probe: Callable[[], Awaitable[Sequence[str]]], stop: asyncio.Event
) -> Sequence[str]:
    """Work until told to stop, or until the probe of the scanner finds faults.

    Photos are scanned, and go on, only after it has found none.
    """
    faults: Sequence[str] = ()

    async def scan_if_safe(start: Callable[[Worker], None]) -> None:
        nonlocal faults
        if faults := await probe():
            log.error("scanner_is_blind", faults=faults)
            stop.set()
        else:
            start(workers.scans)

    async with (
        running(
            workers.light, workers.fetches, workers.images, workers.webhooks
        ) as start,
        asyncio.TaskGroup() as group,
    ):
        probing = group.create_task(scan_if_safe(start))
        await stop.wait()
        log.info("worker_stopping")
        probing.cancel()
    return faults


async def _blind_spots(container: AsyncContainer, settings: Settings) -> Sequence[str]:
    """In production, what the scanner passes unseen, once it can be asked."""
    scanner = await container.get(Scanner | None)
    if settings.environment != "production" or scanner is None:
        return ()
    largest = settings.max_bytes.largest
    return await patiently(partial(blind_spots, scanner, largest=largest))
