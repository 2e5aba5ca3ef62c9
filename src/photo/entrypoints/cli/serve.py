"""`photo api` and `photo worker`: the processes of production."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

import click
import structlog
from dishka import AsyncContainer
from temporalio.worker import Worker

from photo import __version__
from photo.adapters.postgres.check import PostgresCheck
from photo.adapters.s3.buckets import is_public
from photo.adapters.s3.clients import S3Clients
from photo.adapters.temporal.activities import ImageActivities, JobActivities
from photo.adapters.temporal.client import TemporalServer
from photo.adapters.temporal.schedule import schedule_all
from photo.adapters.temporal.webhook_activities import DeliveryActivities
from photo.adapters.temporal.worker import Workers, make_workers, running
from photo.application.admission import AdmitJob
from photo.application.authentication import Authenticate
from photo.application.draining import Draining
from photo.application.health import CheckHealth
from photo.application.limits import ChargeCaller
from photo.application.ports import JobFeed, ObjectLinks, Scanner
from photo.application.processing import NoteWaiting
from photo.application.tenancy import NOBODY
from photo.domain.errors import Unavailable
from photo.entrypoints.http.app import HttpConfig, create_app
from photo.entrypoints.http.server import Server
from photo.entrypoints.live import live_container
from photo.entrypoints.reading import ImageProcesses
from photo.entrypoints.scanner_probes import blind_spots
from photo.entrypoints.settings import Settings
from photo.entrypoints.start import run

T = TypeVar("T")

log = structlog.get_logger(__name__)

_RETRY_SECONDS = 5


@click.command()
def api() -> None:
    """Serve the HTTP API until SIGTERM or Ctrl-C."""
    run(_serve_api)


@click.command()
def worker() -> None:
    """Work on jobs until SIGTERM or Ctrl-C."""
    run(_work)


async def _serve_api(settings: Settings) -> None:
    container = live_container(settings, acts_for=NOBODY)
    await _refuse_public_buckets(container, settings)
    await _refuse_role_above_policies(container, settings)
    # The first client of S3 blocks the loop: better now than under a request.
    for dependency in (CheckHealth, JobFeed, ObjectLinks, Authenticate, ChargeCaller):
        await container.get(dependency)
    app = create_app(
        container,
        HttpConfig(
            cors_origins=settings.cors_origins,
            allowed_hosts=settings.allowed_hosts,
            debug=settings.debug,
            https_only=settings.environment == "production",
            issuer=settings.oidc_issuer,
            proxies=settings.proxy_networks,
            version=__version__,
        ),
    )
    # So would the documentation.
    app.openapi_schema.to_schema()
    draining = await container.get(Draining)
    admit = await container.get(AdmitJob)
    server = Server(
        app,
        on_stop=draining.begin,
        on_lateness=admit.note_lateness,
        host=settings.host,
        port=settings.port,
    )
    await server.serve()
    if not server.started:
        sys.exit(1)


async def _work(settings: Settings) -> None:
    queue = settings.temporal_task_queue
    async with live_container(settings, s3_attempts=1) as container:
        await _refuse_public_buckets(container, settings)
        client = await (await container.get(TemporalServer)).connected()
        await _patiently(lambda: schedule_all(client, queue))
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


async def _refuse_public_buckets(container: AsyncContainer, settings: Settings) -> None:
    """In production, do not start before both buckets are known to be private."""
    if settings.environment != "production":
        return
    clients = await container.get(S3Clients)
    for bucket in (settings.s3_bucket_raw, settings.s3_bucket_processed):
        if await _patiently(partial(is_public, clients, bucket)):
            log.error("bucket_is_public", bucket=bucket)
            sys.exit(1)


async def _refuse_role_above_policies(
    container: AsyncContainer, settings: Settings
) -> None:
    """In production, do not serve with a role that sees every tenant's rows."""
    if settings.environment != "production":
        return
    check = await container.get(PostgresCheck)
    if await _patiently(check.is_above_policies):
        log.error("database_role_is_above_row_level_security")
        sys.exit(1)


async def _blind_spots(container: AsyncContainer, settings: Settings) -> Sequence[str]:
    """In production, what the scanner passes unseen, once it can be asked."""
    scanner = await container.get(Scanner | None)
    if settings.environment != "production" or scanner is None:
        return ()
    largest = settings.max_bytes.largest
    return await _patiently(partial(blind_spots, scanner, largest=largest))


async def _patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Wait for a dependency that is down at the start: not a reason to die."""
    while True:
        try:
            return await ask()
        except Unavailable as error:
            log.warning(
                "waiting_for_dependency", detail=error.detail, reason=error.reason
            )
        await asyncio.sleep(_RETRY_SECONDS)
