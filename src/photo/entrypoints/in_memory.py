"""The container of tests: all that is outside the process is in its memory."""

from dishka import (
    AnyOf,
    AsyncContainer,
    Provider,
    Scope,
    make_async_container,
    provide,
)

from photo.adapters.limits.memory import MemoryRateLimiter
from photo.adapters.memory import (
    MemoryAgedRecords,
    MemoryAuditLog,
    MemoryCourier,
    MemoryDatabase,
    MemoryDeliveryRepository,
    MemoryErasures,
    MemoryIdempotencyKeys,
    MemoryInfectedFiles,
    MemoryJobFeed,
    MemoryJobRepository,
    MemoryKeyRepository,
    MemoryMeasures,
    MemoryNormalizer,
    MemoryObjectLinks,
    MemoryObjectStore,
    MemoryPhotoFetcher,
    MemoryRecognizer,
    MemoryRepairLog,
    MemoryScanner,
    MemorySnapshots,
    MemoryTextIndex,
    MemoryUploadRepository,
    MemoryUsage,
    MemoryWebhookRepository,
    MemoryWebhookSender,
    MemoryWorkflowEngine,
)
from photo.adapters.vault import AesVault
from photo.application.admission import MaxUnfinished
from photo.application.health import CheckHealth
from photo.application.limits import RateLimits
from photo.application.ports import (
    AgedRecords,
    AuditLog,
    Backlog,
    Buckets,
    Courier,
    DeliveryRepository,
    Erasures,
    IdempotencyKeys,
    ImageNormalizer,
    InfectedFiles,
    JobEvents,
    JobFeed,
    JobRepository,
    KeyRepository,
    Measures,
    ObjectLinks,
    PhotoFetcher,
    RateLimiter,
    RepairLog,
    Scanner,
    Snapshots,
    Stopwatch,
    TextIndex,
    TextRecognizer,
    TokenVerifier,
    Transactions,
    UploadRepository,
    UsageRecords,
    Vault,
    WebhookRepository,
    WebhookSender,
    WorkflowEngine,
)
from photo.application.retention import Retention
from photo.domain.media import ByteLimits
from photo.domain.usage import DailyQuota
from photo.entrypoints.container import Application
from photo.entrypoints.readiness import tell_of_bug
from photo.entrypoints.registry import Registry


class MemoryAdapters(Provider):
    scope = Scope.APP

    links = provide(MemoryObjectLinks, provides=ObjectLinks)
    database = provide(MemoryDatabase)
    infected = provide(
        MemoryInfectedFiles, provides=AnyOf[MemoryInfectedFiles, InfectedFiles]
    )
    feed = provide(MemoryJobFeed)
    engine = provide(MemoryWorkflowEngine, provides=WorkflowEngine)
    normalizer = provide(MemoryNormalizer, provides=ImageNormalizer)
    sender = provide(MemoryWebhookSender)
    erasures = provide(MemoryErasures, provides=Erasures)
    usage = provide(MemoryUsage, provides=UsageRecords)
    aged = provide(MemoryAgedRecords, provides=AgedRecords)
    courier = provide(MemoryCourier, provides=Courier)
    measures = provide(MemoryMeasures, provides=AnyOf[MemoryMeasures, Measures])
    snapshots = provide(MemorySnapshots, provides=Snapshots)
    repairs = provide(MemoryRepairLog, provides=AnyOf[MemoryRepairLog, RepairLog])

    @provide
    def transactions(self, database: MemoryDatabase) -> Transactions:
        return database

    @provide
    def uploads(self, database: MemoryDatabase) -> MemoryUploadRepository:
        return MemoryUploadRepository(database)

    @provide
    def jobs(
        self,
        uploads: MemoryUploadRepository,
        feed: MemoryJobFeed,
        database: MemoryDatabase,
    ) -> AnyOf[MemoryJobRepository, JobRepository, JobEvents, Backlog]:
        return MemoryJobRepository(uploads, feed, database)

    @provide
    def texts(self, database: MemoryDatabase) -> AnyOf[MemoryTextIndex, TextIndex]:
        return MemoryTextIndex(database)

    @provide
    def limiter(self, stopwatch: Stopwatch) -> RateLimiter:
        return MemoryRateLimiter(stopwatch)

    @provide
    def rate_limits(self) -> RateLimits:
        return RateLimits.per_minute(key=10**6, tenant=10**6, address=10**6)

    @provide
    def max_unfinished(self) -> MaxUnfinished:
        return MaxUnfinished(10**6)

    @provide
    def keys(self, database: MemoryDatabase) -> KeyRepository:
        return MemoryKeyRepository(database)

    @provide
    def tokens(self) -> TokenVerifier | None:
        return None

    @provide
    def idempotency_keys(
        self, database: MemoryDatabase
    ) -> AnyOf[MemoryIdempotencyKeys, IdempotencyKeys]:
        return MemoryIdempotencyKeys(database)

    @provide
    def quota(self) -> DailyQuota:
        return DailyQuota()

    @provide
    def retention(self) -> Retention:
        return Retention()

    @provide
    def vault(self) -> Vault:
        return AesVault("nobody else's")

    @provide
    def webhook_sender(self, sender: MemoryWebhookSender) -> WebhookSender:
        return sender

    @provide
    def deliveries(self, database: MemoryDatabase) -> MemoryDeliveryRepository:
        return MemoryDeliveryRepository(database)

    @provide
    def delivery_repository(
        self, deliveries: MemoryDeliveryRepository
    ) -> DeliveryRepository:
        return deliveries

    @provide
    def webhooks(
        self, deliveries: MemoryDeliveryRepository, database: MemoryDatabase
    ) -> WebhookRepository:
        return MemoryWebhookRepository(deliveries, database)

    @provide
    def audit(self, database: MemoryDatabase) -> AuditLog:
        return MemoryAuditLog(database)

    @provide
    def upload_repository(self, uploads: MemoryUploadRepository) -> UploadRepository:
        return uploads

    @provide
    def limits(self) -> ByteLimits:
        return ByteLimits()

    @provide
    def scanner(self) -> Scanner | None:
        return MemoryScanner()

    @provide
    def fetcher(self) -> PhotoFetcher:
        return MemoryPhotoFetcher()

    @provide
    def job_feed(self, feed: MemoryJobFeed) -> JobFeed:
        return feed

    @provide
    def buckets(self) -> Buckets:
        return Buckets(raw=MemoryObjectStore(), processed=MemoryObjectStore())

    @provide
    def recognizer(self) -> TextRecognizer:
        return MemoryRecognizer()

    @provide
    def health(self, buckets: Buckets, engine: WorkflowEngine) -> CheckHealth:
        return CheckHealth(
            {
                "raw_bucket": buckets.raw,
                "processed_bucket": buckets.processed,
                "workflows": engine,
            },
            on_bug=tell_of_bug,
        )


def memory_container(*overrides: Provider) -> AsyncContainer:
    return make_async_container(Application(), Registry(), MemoryAdapters(), *overrides)
