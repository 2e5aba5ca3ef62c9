"""Every port on every adapter: a new adapter is a new parameter here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from photo.adapters.circuits.breaker import Breaker
from photo.adapters.circuits.guarded import GuardedStore
from photo.adapters.memory import (
    MemoryAgedRecords,
    MemoryAuditLog,
    MemoryDatabase,
    MemoryDeliveryRepository,
    MemoryErasures,
    MemoryIdempotencyKeys,
    MemoryInfectedFiles,
    MemoryJobFeed,
    MemoryJobRepository,
    MemoryKeyRepository,
    MemoryObjectStore,
    MemorySnapshots,
    MemoryTextIndex,
    MemoryUploadRepository,
    MemoryUsage,
    MemoryWebhookRepository,
)
from photo.adapters.postgres.aged import PostgresAgedRecords
from photo.adapters.postgres.audit import PostgresAuditLog
from photo.adapters.postgres.backlog import PostgresBacklog
from photo.adapters.postgres.database import Limits, create_engine
from photo.adapters.postgres.deliveries import PostgresDeliveryRepository
from photo.adapters.postgres.erasures import PostgresErasures
from photo.adapters.postgres.events import PostgresJobEvents
from photo.adapters.postgres.feed import PostgresJobFeed
from photo.adapters.postgres.idempotency import PostgresIdempotencyKeys
from photo.adapters.postgres.infected import PostgresInfectedFiles
from photo.adapters.postgres.jobs import PostgresJobRepository
from photo.adapters.postgres.keys import PostgresKeyRepository
from photo.adapters.postgres.migrate import migrate
from photo.adapters.postgres.reading import Reader
from photo.adapters.postgres.schema import metadata
from photo.adapters.postgres.snapshots import PostgresSnapshots
from photo.adapters.postgres.texts import PostgresTextIndex
from photo.adapters.postgres.transactions import Database
from photo.adapters.postgres.uploads import PostgresUploadRepository
from photo.adapters.postgres.usage import PostgresUsage
from photo.adapters.postgres.webhooks import PostgresWebhookRepository
from photo.adapters.s3.clients import Limits as S3Limits
from photo.adapters.s3.clients import S3Clients, open_clients
from photo.adapters.s3.store import S3ObjectStore
from photo.application.ports import ObjectStore
from photo.application.tenancy import EVERYONE
from photo.domain.media import ByteLimits
from photo.entrypoints.local.servers import Servers
from tests.contracts.repositories import Repositories
from tests.services import fresh_bucket, fresh_database

#: Where time is not the matter, a machine may take its own.
UNHURRIED = Limits(connect=60, command=60, idle=60)


@pytest.fixture(scope="session")
async def migrated_url(servers: Servers) -> AsyncIterator[str]:
    """The URL of a database with tables."""
    async with fresh_database(servers) as url:
        await migrate(url)
        yield url


@pytest.fixture
async def engine(migrated_url: str) -> AsyncIterator[AsyncEngine]:
    """A pool on an empty database."""
    engine = create_engine(migrated_url, UNHURRIED)
    async with engine.begin() as connection:
        await connection.execute(text(f"TRUNCATE {', '.join(metadata.tables)}"))
    yield engine
    await engine.dispose()


@pytest.fixture
async def database(engine: AsyncEngine, migrated_url: str) -> AsyncIterator[Database]:
    """For whoever does not say for whom it acts, with everybody's rows."""
    reader = Reader(migrated_url, UNHURRIED)
    yield Database(engine, acts_for=EVERYONE, reader=reader)
    await reader.close()


@asynccontextmanager
async def memory_repositories(_: object, __: object) -> AsyncIterator[Repositories]:
    database, feed = MemoryDatabase(), MemoryJobFeed()
    uploads = MemoryUploadRepository(database)
    deliveries = MemoryDeliveryRepository(database)
    jobs = MemoryJobRepository(uploads, feed, database)
    texts, infected = MemoryTextIndex(database), MemoryInfectedFiles()
    answers = MemoryIdempotencyKeys(database)
    yield Repositories(
        uploads,
        jobs,
        MemoryKeyRepository(database),
        infected,
        feed,
        database,
        MemoryAuditLog(database),
        answers,
        jobs,
        texts,
        jobs,
        deliveries,
        MemoryWebhookRepository(deliveries, database),
        MemoryErasures(database, jobs, deliveries, texts, infected),
        MemoryUsage(database),
        MemoryAgedRecords(jobs, answers),
        MemorySnapshots(jobs, deliveries),
    )


@asynccontextmanager
async def postgres_repositories(
    database: Database, migrated_url: str
) -> AsyncIterator[Repositories]:
    async with PostgresJobFeed(migrated_url) as feed:
        yield Repositories(
            PostgresUploadRepository(database),
            PostgresJobRepository(database),
            PostgresKeyRepository(database),
            PostgresInfectedFiles(database),
            feed,
            database,
            PostgresAuditLog(database),
            PostgresIdempotencyKeys(database, ByteLimits()),
            PostgresJobEvents(database),
            PostgresTextIndex(database),
            PostgresBacklog(database),
            PostgresDeliveryRepository(database),
            PostgresWebhookRepository(database),
            PostgresErasures(database),
            PostgresUsage(database),
            PostgresAgedRecords(database),
            PostgresSnapshots(database),
        )


@pytest.fixture(params=[memory_repositories, postgres_repositories])
async def repositories(
    request: pytest.FixtureRequest, database: Database, migrated_url: str
) -> AsyncIterator[Repositories]:
    async with request.param(database, migrated_url) as repositories:
        yield repositories


@pytest.fixture(scope="session")
async def clients(servers: Servers) -> AsyncIterator[S3Clients]:
    async with open_clients(
        region=servers.s3.region,
        endpoint=servers.s3.endpoint,
        access_key_id=servers.s3.access_key_id,
        secret_access_key=servers.s3.secret_access_key,
        attempts=1,
        limits=S3Limits(connect=60, silence=60),
    ) as clients:
        yield clients


@pytest.fixture(scope="session")
async def shared_bucket(servers: Servers) -> AsyncIterator[str]:
    """For tests that choose their own keys: a new bucket takes its time."""
    async with fresh_bucket(servers) as name:
        yield name


@pytest.fixture(params=["memory", "guarded", "s3"])
def store(
    request: pytest.FixtureRequest, clients: S3Clients, shared_bucket: str
) -> ObjectStore:
    if request.param == "memory":
        return MemoryObjectStore()
    if request.param == "guarded":
        return GuardedStore(MemoryObjectStore(), Breaker("bucket", monotonic))
    return S3ObjectStore(clients, bucket=shared_bucket)
