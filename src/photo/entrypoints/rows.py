"""Postgres behind every port that keeps something."""

from collections.abc import AsyncIterator
from typing import NewType

from dishka import (
    Provider,
    Scope,
    from_context,
    provide,
)
from sqlalchemy.ext.asyncio import AsyncEngine

from photo.adapters.postgres.aged import PostgresAgedRecords
from photo.adapters.postgres.audit import PostgresAuditLog
from photo.adapters.postgres.backlog import PostgresBacklog
from photo.adapters.postgres.check import PostgresCheck
from photo.adapters.postgres.database import create_engine
from photo.adapters.postgres.deliveries import PostgresDeliveryRepository
from photo.adapters.postgres.erasures import PostgresErasures
from photo.adapters.postgres.events import PostgresJobEvents
from photo.adapters.postgres.feed import PostgresJobFeed
from photo.adapters.postgres.idempotency import PostgresIdempotencyKeys
from photo.adapters.postgres.infected import PostgresInfectedFiles
from photo.adapters.postgres.jobs import PostgresJobRepository
from photo.adapters.postgres.keys import PostgresKeyRepository
from photo.adapters.postgres.reading import Reader
from photo.adapters.postgres.snapshots import PostgresSnapshots
from photo.adapters.postgres.texts import PostgresTextIndex
from photo.adapters.postgres.transactions import Database
from photo.adapters.postgres.uploads import PostgresUploadRepository
from photo.adapters.postgres.usage import PostgresUsage
from photo.adapters.postgres.webhooks import PostgresWebhookRepository
from photo.application.ports import (
    AgedRecords,
    AuditLog,
    Backlog,
    DeliveryRepository,
    Erasures,
    IdempotencyKeys,
    InfectedFiles,
    JobEvents,
    JobFeed,
    JobRepository,
    KeyRepository,
    Snapshots,
    TextIndex,
    Transactions,
    UploadRepository,
    UsageRecords,
    WebhookRepository,
)
from photo.domain.access import Tenant
from photo.entrypoints.settings import Settings

#: How often a request to S3 is tried: once where Temporal repeats the whole step.

#: Whose rows a task sees that has not said for whom it acts.
ActsFor = NewType("ActsFor", str)


class Rows(Provider):
    scope = Scope.APP

    settings = from_context(Settings)
    acts_for = from_context(ActsFor)
    uploads = provide(PostgresUploadRepository, provides=UploadRepository)
    jobs = provide(PostgresJobRepository, provides=JobRepository)
    keys = provide(PostgresKeyRepository, provides=KeyRepository)
    webhooks = provide(PostgresWebhookRepository, provides=WebhookRepository)
    deliveries = provide(PostgresDeliveryRepository, provides=DeliveryRepository)
    audit = provide(PostgresAuditLog, provides=AuditLog)
    texts = provide(PostgresTextIndex, provides=TextIndex)
    events = provide(PostgresJobEvents, provides=JobEvents)
    erasures = provide(PostgresErasures, provides=Erasures)
    usage = provide(PostgresUsage, provides=UsageRecords)
    aged = provide(PostgresAgedRecords, provides=AgedRecords)
    backlog = provide(PostgresBacklog, provides=Backlog)
    snapshots = provide(PostgresSnapshots, provides=Snapshots)
    idempotency = provide(PostgresIdempotencyKeys, provides=IdempotencyKeys)
    infected = provide(PostgresInfectedFiles, provides=InfectedFiles)
    check = provide(PostgresCheck)

    @provide
    async def engine(self, settings: Settings) -> AsyncIterator[AsyncEngine]:
        engine = create_engine(settings.database_url)
        yield engine
        await engine.dispose()

    @provide
    async def reader(self, settings: Settings) -> AsyncIterator[Reader]:
        reader = Reader(settings.database_url)
        yield reader
        await reader.close()

    @provide
    def database(
        self, engine: AsyncEngine, reader: Reader, acts_for: ActsFor
    ) -> Database:
        return Database(engine, acts_for=Tenant(acts_for), reader=reader)

    @provide
    def transactions(self, database: Database) -> Transactions:
        return database

    @provide
    async def feed(self, settings: Settings) -> AsyncIterator[JobFeed]:
        async with PostgresJobFeed(settings.database_url) as feed:
            yield feed
