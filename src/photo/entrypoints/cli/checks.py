"""What `photo doctor` looks at beside what every job needs: only what is set up."""

import errno
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
from dishka import AsyncContainer
from temporalio.client import Client

from photo.adapters.limits.redis import redis_rate_limiter
from photo.adapters.oidc.issuer import Issuer
from photo.adapters.s3.buckets import is_unencrypted, is_unversioned
from photo.adapters.s3.clients import S3Clients
from photo.adapters.temporal.pollers import unheeded_queues
from photo.application.deliveries import LOST_AFTER
from photo.application.ports import Clock, DeliveryRepository, Snapshots
from photo.domain.errors import Unavailable
from photo.domain.job import Status
from photo.entrypoints.settings import Settings

_SECONDS = 5
#: Workers that run have found and started what is later than this.
_LATE = LOST_AFTER + timedelta(minutes=2)
_SOME = 100
_MINUTE = timedelta(minutes=1)
#: Jobs that wait or run for longer than this deserve a look.
_OLD = {Status.QUEUED: 2 * _MINUTE, Status.RUNNING: 15 * _MINUTE}


class Check(NamedTuple):
    name: str
    #: Raises unless it works, and returns what there is to say all the same. What it
    #: needs is made inside: that may fail as well.
    run: Callable[[AsyncContainer], Awaitable[str | None]]
    mend: str
    #: The checks without which this one would only fail as they do.
    needs: tuple[str, ...] = ()


#: Which must work before anything can be asked of both.
BUCKETS = ("raw_bucket", "processed_bucket")


def demanded_of_buckets(settings: Settings) -> Iterator[Check]:
    if settings.s3_require_encryption:
        yield Check(
            "encryption",
            partial(_both_buckets, settings, is_unencrypted, "stores as it comes"),
            "let the bucket encrypt by default (SSE-S3 or SSE-KMS), or unset"
            " S3_REQUIRE_ENCRYPTION",
            BUCKETS,
        )
    if settings.s3_require_versioning:
        yield Check(
            "versioning",
            partial(_both_buckets, settings, is_unversioned, "keeps no versions"),
            "enable versioning of the bucket, or unset S3_REQUIRE_VERSIONING",
            BUCKETS,
        )


def around_the_service(settings: Settings) -> Iterator[Check]:
    yield Check("jobs", _jobs_go_on, "see to the database", ("database",))
    yield Check("workers", _workers_ask, "see to Temporal", ("workflows",))
    yield Check("webhooks", _deliveries_go_out, "see to the database", ("database",))
    if not settings.rate_limit_storage.startswith("memory:"):
        yield Check(
            "rate_limits",
            partial(_limits_are_shared, settings.rate_limit_storage),
            "start Redis or Valkey, correct RATE_LIMIT_STORAGE and its password",
        )
    if settings.oidc_issuer:
        yield Check(
            "issuer",
            partial(_issuer_shows_keys, settings.oidc_issuer),
            "correct OIDC_ISSUER, to the letter as its tokens have it; let this"
            " machine reach it",
        )
    if settings.metrics_port:
        yield Check(
            "metrics_port",
            partial(_port_is_free, settings.host, settings.metrics_port),
            "choose a METRICS_PORT and HOST that this process may listen on",
        )
    if endpoint := settings.otel_exporter_otlp_endpoint:
        yield Check(
            "traces",
            partial(_takes_traces, f"{endpoint.rstrip('/')}/v1/traces"),
            "start the collector with its OTLP receiver for HTTP (usually port 4318),"
            " correct OTEL_EXPORTER_OTLP_ENDPOINT",
        )
    if settings.sentry_dsn:
        parts = urlsplit(settings.sentry_dsn)
        _, _, host = parts.netloc.rpartition("@")
        yield Check(
            "error_reports",
            partial(_is_there, f"{parts.scheme}://{host}/"),
            "correct SENTRY_DSN, let this machine reach its host",
        )


async def _both_buckets(
    settings: Settings,
    is_at_fault: Callable[[S3Clients, str], Awaitable[bool]],
    fault: str,
    container: AsyncContainer,
) -> None:
    clients = await container.get(S3Clients)
    for bucket in (settings.s3_bucket_raw, settings.s3_bucket_processed):
        if await is_at_fault(clients, bucket):
            raise Unavailable(f"The bucket {bucket} {fault}.")


async def _jobs_go_on(container: AsyncContainer) -> str | None:
    snapshot = await (await container.get(Snapshots)).take(at_most=_SOME)
    now = (await container.get(Clock))()
    late = [
        f"the oldest {group.status} job is {(now - group.since) // _MINUTE} minutes old"
        for group in snapshot.jobs
        if now - group.since > _OLD[group.status]
    ]
    return f"{', '.join(late)}: see docs/runbooks/photo-jobs-stuck.md" if late else None


async def _workers_ask(container: AsyncContainer) -> str | None:
    settings = await container.get(Settings)
    client = await container.get(Client)
    if unheeded := await unheeded_queues(client, settings.temporal_task_queue):
        return (
            f"nobody asks for the work in {', '.join(unheeded)}: start `photo worker`"
        )
    return None


async def _deliveries_go_out(container: AsyncContainer) -> str | None:
    deliveries = await container.get(DeliveryRepository)
    now = await container.get(Clock)
    late = await deliveries.overdue(since=now() - _LATE, limit=_SOME)
    if not late:
        return None
    minutes = _LATE // timedelta(minutes=1)
    many = f"{len(late)}{' or more' if len(late) == _SOME else ''}"
    return (
        f"{many} deliveries are more than {minutes} minutes late:"
        " do workers run, and do their logs say why?"
    )


async def _limits_are_shared(url: str, _: AsyncContainer) -> None:
    async with redis_rate_limiter(url, silence_seconds=_SECONDS) as limiter:
        await limiter.spend((), 0)


async def _issuer_shows_keys(url: str, _: AsyncContainer) -> None:
    if not await Issuer(url, seconds=_SECONDS).keys():
        raise Unavailable("The issuer shows no key that is of use here.")


async def _port_is_free(host: str, port: int, _: AsyncContainer) -> str | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return f"{port} is taken: by this service, if it runs here"
            raise Unavailable(
                f"It cannot listen on {host}:{port}.", reason=error.strerror
            ) from None
    return None


async def _takes_traces(url: str, _: AsyncContainer) -> None:
    """Nothing is sent: a collector says that it takes no GET, or who may send."""
    if await _status(url) == HTTPStatus.NOT_FOUND:
        raise Unavailable("Nothing takes traces there.", reason="status 404")


async def _is_there(url: str, _: AsyncContainer) -> None:
    await _status(url)


async def _status(url: str) -> int:
    try:
        async with httpx.AsyncClient(timeout=_SECONDS) as client:
            answer = await client.get(url)
    except (OSError, httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unavailable(
            "It cannot be reached.", reason=type(error).__name__
        ) from None
    if answer.is_server_error:
        raise Unavailable("It is not well.", reason=f"status {answer.status_code}")
    return answer.status_code
