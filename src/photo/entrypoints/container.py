"""Which adapter stands behind which port."""

import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from time import monotonic

from dishka import (
    AnyOf,
    AsyncContainer,
    Provider,
    Scope,
    make_async_container,
    provide,
    provide_all,
)
from ulid import ULID

from photo.adapters.documents import JsonDocuments
from photo.adapters.formats import FormatRenderer
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
    MemoryNormalizer,
    MemoryObjectLinks,
    MemoryObjectStore,
    MemoryPhotoFetcher,
    MemoryRecognizer,
    MemoryRepairLog,
    MemoryScanner,
    MemoryTextIndex,
    MemoryUploadRepository,
    MemoryUsage,
    MemoryWebhookRepository,
    MemoryWebhookSender,
    MemoryWorkflowEngine,
)
from photo.adapters.vault import AesVault
from photo.application.admission import AdmitJob, MaxUnfinished
from photo.application.attempts import AttemptDelivery
from photo.application.audit import RecordChange
from photo.application.authentication import Authenticate, CheckKey
from photo.application.deliveries import (
    AnnounceEnd,
    ReplayDelivery,
    StartLostDeliveries,
)
from photo.application.draining import Draining
from photo.application.endings import EndJob, FinishJob
from photo.application.erasing import ConfirmErasures, EraseJob
from photo.application.following import FollowJob
from photo.application.health import CheckHealth
from photo.application.holdings import Holdings
from photo.application.idempotency import AnswerOnce
from photo.application.inspecting import DescribePoison, InspectJob, SavePhoto
from photo.application.intake import FetchPhoto, VerifyPhoto
from photo.application.jobs import (
    AwaitJob,
    CancelJob,
    SubmitJob,
)
from photo.application.keys import CreateKey, MintKey, NewSecret, RevokeKey
from photo.application.limits import ChargeCaller, ChargeStranger, RateLimits
from photo.application.linking import ListFiles
from photo.application.ports import (
    AgedRecords,
    AuditLog,
    Backlog,
    Buckets,
    Clock,
    Courier,
    DeliveryRepository,
    Documents,
    Erasures,
    IdempotencyKeys,
    ImageNormalizer,
    InfectedFiles,
    JobEvents,
    JobFeed,
    JobRepository,
    KeyRepository,
    NewId,
    ObjectLinks,
    PhotoFetcher,
    RateLimiter,
    RenderEvent,
    RepairLog,
    ResultRenderer,
    Scanner,
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
from photo.application.processing import (
    NormalizePhoto,
    NoteWaiting,
    PublishResult,
    RecognizeText,
)
from photo.application.reconciling import CheckResults, RemoveFiles, SweepArtifacts
from photo.application.results import OpenResult
from photo.application.retention import ApplyRetention, Retention
from photo.application.retrying import RetryJob
from photo.application.searching import SearchTexts
from photo.application.starting import Starter, StartForgottenJobs, StopStrayWork
from photo.application.sweeping import SweepUploads
from photo.application.uploads import GrantUpload, LookUpUpload, ReceivePhoto
from photo.application.usage import CountJob, DescribePhoto, ShowUsage
from photo.application.webhooks import (
    CreateWebhook,
    DefaultWebhook,
    DeleteWebhook,
    EnableWebhook,
    MakeWebhook,
    RotateSecret,
)
from photo.domain.media import ByteLimits
from photo.domain.usage import DailyQuota
from photo.entrypoints.http.webhook_views import WebhookEvent


class Application(Provider):
    """The use cases: the same in production, in the worker and in tests."""

    scope = Scope.APP

    use_cases = provide_all(
        AdmitJob,
        AnnounceEnd,
        AnswerOnce,
        ApplyRetention,
        AttemptDelivery,
        Authenticate,
        AwaitJob,
        CancelJob,
        ChargeCaller,
        ChargeStranger,
        CheckKey,
        CheckResults,
        ConfirmErasures,
        CountJob,
        CreateKey,
        CreateWebhook,
        DefaultWebhook,
        DeleteWebhook,
        DescribePhoto,
        DescribePoison,
        Draining,
        EnableWebhook,
        EndJob,
        EraseJob,
        FetchPhoto,
        FinishJob,
        FollowJob,
        GrantUpload,
        Holdings,
        InspectJob,
        ListFiles,
        LookUpUpload,
        MakeWebhook,
        MintKey,
        NormalizePhoto,
        NoteWaiting,
        OpenResult,
        PublishResult,
        ReceivePhoto,
        RecognizeText,
        RecordChange,
        RemoveFiles,
        ReplayDelivery,
        RetryJob,
        RevokeKey,
        SearchTexts,
        RotateSecret,
        SavePhoto,
        ShowUsage,
        StartForgottenJobs,
        StartLostDeliveries,
        StopStrayWork,
        SubmitJob,
        SweepArtifacts,
        SweepUploads,
        VerifyPhoto,
    )
    documents = provide(JsonDocuments, provides=Documents)
    renderer = provide(FormatRenderer, provides=ResultRenderer)

    @provide
    async def starter(self, engine: WorkflowEngine) -> AsyncIterator[Starter]:
        starter = Starter(engine)
        yield starter
        await starter.close()

    @provide
    def clock(self) -> Clock:
        return lambda: datetime.now(UTC)

    @provide
    def stopwatch(self) -> Stopwatch:
        return monotonic

    @provide
    def new_id(self) -> NewId:
        return lambda prefix: f"{prefix}_{str(ULID()).lower()}"

    @provide
    def render_event(self) -> RenderEvent:
        return WebhookEvent.render

    @provide
    def new_secret(self) -> NewSecret:
        return lambda: secrets.token_hex(32)


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
            }
        )


def memory_container(*overrides: Provider) -> AsyncContainer:
    return make_async_container(Application(), MemoryAdapters(), *overrides)
