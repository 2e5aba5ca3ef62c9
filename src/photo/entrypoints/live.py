"""The container of the running service: Postgres, S3, Temporal and an OCR engine."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import NewType

from dishka import (
    AsyncContainer,
    Provider,
    Scope,
    from_context,
    make_async_container,
    provide,
    provide_all,
)
from temporalio.client import Client

from photo.adapters.clamav import ClamdScanner
from photo.adapters.limits.memory import MemoryRateLimiter
from photo.adapters.limits.redis import redis_rate_limiter
from photo.adapters.limits.steady import SteadyRateLimiter
from photo.adapters.postgres.check import PostgresCheck
from photo.adapters.s3.clients import S3Clients, open_clients
from photo.adapters.s3.links import S3ObjectLinks
from photo.adapters.s3.store import S3ObjectStore
from photo.adapters.temporal.activities import ImageActivities, JobActivities
from photo.adapters.temporal.client import TemporalServer
from photo.adapters.temporal.courier import TemporalCourier
from photo.adapters.temporal.engine import TemporalWorkflowEngine
from photo.adapters.temporal.webhook_activities import DeliveryActivities
from photo.adapters.vault import AesVault
from photo.adapters.web.client import GuardedClient
from photo.adapters.web.client import Limits as WebLimits
from photo.adapters.web.fetcher import HttpPhotoFetcher
from photo.adapters.web.sender import HttpWebhookSender
from photo.application.admission import MaxUnfinished
from photo.application.health import CheckHealth
from photo.application.limits import RateLimits
from photo.application.ports import (
    Buckets,
    Check,
    Clock,
    Courier,
    ObjectLinks,
    PhotoFetcher,
    RateLimiter,
    Scanner,
    Stopwatch,
    Vault,
    WebhookSender,
    WorkflowEngine,
)
from photo.application.retention import Retention
from photo.application.tenancy import EVERYONE
from photo.domain.access import Tenant
from photo.domain.addresses import WebPolicy
from photo.domain.media import ByteLimits
from photo.domain.usage import DailyQuota
from photo.entrypoints.container import Application
from photo.entrypoints.cpus import usable_cpus
from photo.entrypoints.identity import Identity
from photo.entrypoints.metrics import Metrics
from photo.entrypoints.readiness import tell_of_bug
from photo.entrypoints.reading import ImageProcesses, Imaging
from photo.entrypoints.registry import Registry, SdkAddress
from photo.entrypoints.rows import ActsFor, Rows
from photo.entrypoints.settings import Settings

#: How often a request to S3 is tried: once where Temporal repeats the whole step.
S3Attempts = NewType("S3Attempts", int)

#: How long a receiver of a webhook may take to answer.
WEBHOOK_SECONDS = 15


class Storage(Provider):
    scope = Scope.APP

    attempts = from_context(S3Attempts)

    @provide
    async def clients(
        self, settings: Settings, attempts: S3Attempts
    ) -> AsyncIterator[S3Clients]:
        async with open_clients(
            region=settings.aws_region,
            attempts=attempts,
            endpoint=settings.aws_endpoint_url_s3,
            public_endpoint=settings.s3_public_endpoint,
            access_key_id=settings.aws_access_key_id,
            secret_access_key=settings.aws_secret_access_key,
            session_token=settings.aws_session_token,
        ) as clients:
            yield clients

    @provide
    def buckets(self, clients: S3Clients, settings: Settings) -> Buckets:
        return Buckets(
            raw=S3ObjectStore(clients, bucket=settings.s3_bucket_raw),
            processed=S3ObjectStore(clients, bucket=settings.s3_bucket_processed),
        )

    @provide
    def links(self, clients: S3Clients, settings: Settings, now: Clock) -> ObjectLinks:
        return S3ObjectLinks(
            clients,
            raw=settings.s3_bucket_raw,
            processed=settings.s3_bucket_processed,
            now=now,
        )


class Intake(Provider):
    scope = Scope.APP

    @provide
    def vault(self, settings: Settings) -> Vault:
        return AesVault(settings.secret_key)

    @provide
    def limits(self, settings: Settings) -> ByteLimits:
        return settings.max_bytes

    @provide
    def scanner(self, settings: Settings, limits: ByteLimits) -> Scanner | None:
        if settings.clamd_url is None:
            return None
        return ClamdScanner(settings.clamd_url, max_bytes=limits.largest)

    @provide
    def policy(self, settings: Settings) -> WebPolicy:
        return WebPolicy(
            allow_http=settings.url_allow_http, networks=settings.url_networks
        )

    @provide
    def fetcher(self, policy: WebPolicy) -> PhotoFetcher:
        return HttpPhotoFetcher(GuardedClient(policy))

    @provide
    def sender(self, policy: WebPolicy, now: Clock) -> WebhookSender:
        limits = WebLimits(total=WEBHOOK_SECONDS)
        return HttpWebhookSender(GuardedClient(policy, limits=limits), now)


class Limits(Provider):
    scope = Scope.APP

    @provide
    async def limiter(
        self, settings: Settings, stopwatch: Stopwatch
    ) -> AsyncIterator[RateLimiter]:
        own = MemoryRateLimiter(stopwatch)
        if settings.rate_limit_storage.startswith("memory:"):
            yield own
            return
        async with redis_rate_limiter(settings.rate_limit_storage) as shared:
            yield SteadyRateLimiter(shared, own, stopwatch)

    @provide
    def rate_limits(self, settings: Settings) -> RateLimits:
        return RateLimits.per_minute(
            key=settings.rate_limit_per_key,
            tenant=settings.rate_limit_per_tenant,
            address=settings.rate_limit_per_address,
        )

    @provide
    def quota(self, settings: Settings) -> DailyQuota:
        return DailyQuota(jobs=settings.daily_jobs, bytes=settings.daily_bytes)

    @provide
    def retention(self, settings: Settings) -> Retention:
        days = settings.retention_days
        return Retention(None if days is None else timedelta(days=days))

    @provide
    def max_unfinished(self, settings: Settings) -> MaxUnfinished:
        return MaxUnfinished(settings.max_queued_jobs)


class Workflows(Provider):
    scope = Scope.APP

    activities = provide_all(DeliveryActivities, ImageActivities, JobActivities)

    @provide
    def server(self, settings: Settings, sdk: SdkAddress) -> TemporalServer:
        return TemporalServer(
            target=settings.temporal_target,
            namespace=settings.temporal_namespace,
            api_key=settings.temporal_api_key,
            tls_cert=_pem(settings.temporal_tls_cert),
            tls_key=_pem(settings.temporal_tls_key),
            metrics_address=sdk or None,
        )

    @provide
    async def client(self, server: TemporalServer) -> Client:
        return await server.client()

    @provide
    def workflow_engine(self, client: Client, settings: Settings) -> WorkflowEngine:
        return TemporalWorkflowEngine(client, settings.temporal_task_queue)

    @provide
    def courier(self, client: Client, settings: Settings) -> Courier:
        return TemporalCourier(client, settings.temporal_task_queue)


class Health(Provider):
    scope = Scope.APP

    @provide
    def health(
        self,
        database: PostgresCheck,
        buckets: Buckets,
        engine: WorkflowEngine,
        scanner: Scanner | None,
    ) -> CheckHealth:
        checks: dict[str, Check] = {
            "database": database,
            "raw_bucket": buckets.raw,
            "processed_bucket": buckets.processed,
            "workflows": engine,
        }
        if scanner:
            checks["scanner"] = scanner
        return CheckHealth(checks, on_bug=tell_of_bug)


def live_container(
    settings: Settings,
    *overrides: Provider,
    acts_for: Tenant = EVERYONE,
    s3_attempts: int = 2,
    image_processes: int | None = None,
) -> AsyncContainer:
    """Nothing is connected or started before it is asked for.

    By default tasks act for everyone, as is right for workers and operators, and there
    is an image process for every processor.
    """
    return make_async_container(
        Application(),
        Rows(),
        Storage(),
        Intake(),
        Limits(),
        Workflows(),
        Imaging(),
        Health(),
        Registry(),
        Metrics(),
        Identity(),
        *overrides,
        context={
            Settings: settings,
            ActsFor: ActsFor(acts_for),
            S3Attempts: S3Attempts(s3_attempts),
            ImageProcesses: ImageProcesses(image_processes or usable_cpus()),
        },
    )


def _pem(text: str | None) -> bytes | None:
    return text.encode() if text else None
