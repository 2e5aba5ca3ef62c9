"""Which adapter stands behind which port."""

import secrets
from datetime import UTC, datetime
from time import monotonic

from dishka import (
    AsyncContainer,
    Provider,
    Scope,
    make_async_container,
    provide,
    provide_all,
)
from ulid import ULID

from photo.adapters.documents import JsonDocuments
from photo.adapters.memory import (
    MemoryAuditLog,
    MemoryDatabase,
    MemoryInfectedFiles,
    MemoryJobFeed,
    MemoryJobRepository,
    MemoryKeyRepository,
    MemoryNormalizer,
    MemoryObjectLinks,
    MemoryObjectStore,
    MemoryPhotoFetcher,
    MemoryRecognizer,
    MemoryScanner,
    MemoryUploadRepository,
    MemoryWorkflowEngine,
)
from photo.adapters.vault import AesVault
from photo.application.health import CheckHealth
from photo.application.intake import FetchPhoto, VerifyPhoto
from photo.application.jobs import (
    AwaitJob,
    CancelJob,
    ListFiles,
    OpenArtifact,
    StartForgottenJobs,
    SubmitJob,
)
from photo.application.keys import Authenticate, CreateKey, NewSecret, RevokeKey
from photo.application.ports import (
    AuditLog,
    Buckets,
    Clock,
    Documents,
    ImageNormalizer,
    InfectedFiles,
    JobFeed,
    JobRepository,
    KeyRepository,
    NewId,
    ObjectLinks,
    PhotoFetcher,
    Scanner,
    Stopwatch,
    TextRecognizer,
    Transactions,
    UploadRepository,
    Vault,
    WorkflowEngine,
)
from photo.application.processing import (
    EndJob,
    NormalizePhoto,
    NoteWaiting,
    PublishResult,
    RecognizeText,
)
from photo.application.sweeping import SweepUploads
from photo.application.uploads import GrantUpload, LookUpUpload, ReceivePhoto
from photo.domain.media import ByteLimits


class Application(Provider):
    """The use cases: the same in production, in the worker and in tests."""

    scope = Scope.APP

    use_cases = provide_all(
        Authenticate,
        AwaitJob,
        CancelJob,
        CreateKey,
        EndJob,
        FetchPhoto,
        GrantUpload,
        ListFiles,
        LookUpUpload,
        NormalizePhoto,
        NoteWaiting,
        OpenArtifact,
        PublishResult,
        ReceivePhoto,
        RecognizeText,
        RevokeKey,
        StartForgottenJobs,
        SubmitJob,
        SweepUploads,
        VerifyPhoto,
    )
    documents = provide(JsonDocuments, provides=Documents)

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
    def new_secret(self) -> NewSecret:
        return lambda: secrets.token_hex(32)


class MemoryAdapters(Provider):
    scope = Scope.APP

    links = provide(MemoryObjectLinks, provides=ObjectLinks)
    database = provide(MemoryDatabase)
    infected = provide(MemoryInfectedFiles, provides=InfectedFiles)
    feed = provide(MemoryJobFeed)
    engine = provide(MemoryWorkflowEngine, provides=WorkflowEngine)
    normalizer = provide(MemoryNormalizer, provides=ImageNormalizer)

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
    ) -> JobRepository:
        return MemoryJobRepository(uploads, feed, database)

    @provide
    def keys(self, database: MemoryDatabase) -> KeyRepository:
        return MemoryKeyRepository(database)

    @provide
    def vault(self) -> Vault:
        return AesVault("nobody else's")

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
