"""The process that works on jobs."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, nullcontext
from functools import partial
from pathlib import Path

import structlog
from dishka import AsyncContainer, Provider
from temporalio.worker import Worker

from photo import __version__
from photo.adapters.metrics.exposition import Exposition
from photo.adapters.metrics.gauges import ProcessMetrics
from photo.adapters.postgres.check import PostgresCheck
from photo.adapters.temporal.activities import ImageActivities, JobActivities
from photo.adapters.temporal.client import TemporalServer
from photo.adapters.temporal.polling import Polling
from photo.adapters.temporal.schedule import schedule_all
from photo.adapters.temporal.webhook_activities import DeliveryActivities
from photo.adapters.temporal.worker import Workers, make_workers, running
from photo.application.draining import Draining
from photo.application.ports import Measures, RepairLog, Scanner
from photo.application.processing import NoteWaiting
from photo.entrypoints.circuits import Circuits
from photo.entrypoints.live import live_container
from photo.entrypoints.metrics_server import serving_metrics
from photo.entrypoints.probes import Probes, probe_pages
from photo.entrypoints.readiness import AskReadiness
from photo.entrypoints.reading import ImageProcesses
from photo.entrypoints.scanner_probes import blind_spots
from photo.entrypoints.scratch import own_scratch, scratch_place
from photo.entrypoints.settings import Settings
from photo.entrypoints.start import keep_for_good
from photo.entrypoints.stopping import closing, told_to_stop
from photo.entrypoints.traced import traced
from photo.entrypoints.waiting import patiently, refuse_unsafe_buckets
from photo.entrypoints.watching import watching

log = structlog.get_logger(__name__)


async def run_worker(settings: Settings, *overrides: Provider) -> None:
    """Until SIGTERM or Ctrl-C."""
    with traced(settings, service="photo-worker") as tracing:
        # Within the circuits: what they do not let through is no call.
        await _run(settings, *tracing.providers, Circuits(), Probes(), *overrides)


async def _run(settings: Settings, *providers: Provider) -> None:
    async with closing(
        live_container(settings, *providers, s3_attempts=1)
    ) as container:
        draining = await container.get(Draining)
        with (
            told_to_stop(draining.begin),
            ExitStack() as held,
            serving_metrics(
                await container.get(Exposition),
                settings,
                probe_pages(await container.get(AskReadiness)),
            ),
        ):
            watched = settings.metrics_port is not None
            async with watching(container) if watched else nullcontext():
                workers = await draining.cut_short(_workers(container, settings, held))
                if workers is None:
                    return
                (await container.get(Polling)).watch(workers)
                keep_for_good()
                log.info(
                    "worker_started",
                    version=__version__,
                    environment=settings.environment,
                    task_queue=settings.temporal_task_queue,
                )
                probe = partial(_blind_spots, container, settings)
                if await work(workers, probe, draining):
                    sys.exit(1)


async def _workers(
    container: AsyncContainer, settings: Settings, held: ExitStack
) -> Workers:
    """With all that they need, as soon as that may be used."""
    queue = settings.temporal_task_queue
    repairs = await container.get(RepairLog)

    async def scratch() -> Path:
        return held.enter_context(own_scratch(scratch_place(), repairs))

    await refuse_unsafe_buckets(container, settings)
    await patiently((await container.get(PostgresCheck)).check)
    client = await patiently((await container.get(TemporalServer)).connected)
    await patiently(lambda: schedule_all(client, queue))
    folder = await patiently(scratch)
    (await container.get(ProcessMetrics)).watch_scratch(folder)
    return make_workers(
        client,
        queue,
        await container.get(JobActivities),
        await container.get(ImageActivities),
        await container.get(DeliveryActivities),
        await container.get(NoteWaiting),
        await container.get(Measures),
        image_processes=await container.get(ImageProcesses),
    )


async def work(
    workers: Workers,
    probe: Callable[[], Awaitable[Sequence[str]]],
    draining: Draining,
) -> Sequence[str]:
    """Work until told to stop, or until the probe of the scanner finds faults.

    Photos are scanned, and go on, only after it has found none.
    """
    faults: Sequence[str] = ()

    async def scan_if_safe(start: Callable[[Worker], None]) -> None:
        nonlocal faults
        if faults := await probe():
            log.error("scanner_is_blind", faults=faults)
            draining.begin()
        else:
            start(workers.scans)

    async with (
        running(
            workers.light, workers.fetches, workers.images, workers.webhooks
        ) as start,
        asyncio.TaskGroup() as group,
    ):
        probing = group.create_task(scan_if_safe(start))
        await draining.beginning()
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
