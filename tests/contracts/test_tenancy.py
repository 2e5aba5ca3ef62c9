"""Row-level security: whatever a statement asks for, it gets its own tenant's rows."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from photo.adapters.postgres.check import PostgresCheck
from photo.adapters.postgres.database import create_engine
from photo.adapters.postgres.jobs import PostgresJobRepository
from photo.adapters.postgres.reading import Reader
from photo.adapters.postgres.schema import infected_files, metadata
from photo.adapters.postgres.transactions import Database
from photo.adapters.postgres.uploads import PostgresUploadRepository
from photo.application.tenancy import EVERYONE, acting_for
from photo.domain.access import Tenant
from photo.domain.errors import Internal, NotFound
from photo.domain.job import Job
from photo.entrypoints.local.servers import Servers
from tests.makers import ACME, a_job, an_upload

OTHER = Tenant("other")


@pytest.fixture
async def job(database: Database) -> Job:
    upload = an_upload(tenant=ACME)
    job = a_job(upload)
    await PostgresUploadRepository(database).add(upload)
    await PostgresJobRepository(database).add(job)
    return job


@pytest.fixture
async def api(engine: AsyncEngine, migrated_url: str) -> AsyncIterator[Database]:
    """As in a process where nobody is acted for unless it is said."""
    reader = Reader(migrated_url)
    yield Database(engine, reader=reader)
    await reader.close()


async def count(database: Database, table: str = "jobs") -> int:
    async with database.connect() as connection:
        found = await connection.execute(text(f"SELECT count(*) FROM {table}"))  # noqa: S608 - a constant
        return int(found.scalar_one())


async def test_a_forgotten_filter_shows_nothing(api: Database, job: Job) -> None:
    assert await count(api) == 0
    with acting_for(OTHER):
        assert await count(api) == 0
    with acting_for(job.tenant):
        assert await count(api) == 1
    with acting_for(EVERYONE):
        assert await count(api) == 1
    assert await count(api) == 0


async def test_a_transaction_shows_no_more(api: Database, job: Job) -> None:
    for tenant, visible in ((OTHER, 0), (job.tenant, 1), (OTHER, 0)):
        with acting_for(tenant):
            async with api.begin():
                assert await count(api) == visible


async def test_an_undone_transaction_leaves_its_tenant_with_the_connection(
    api: Database, job: Job
) -> None:
    with acting_for(job.tenant):
        with pytest.raises(ZeroDivisionError):
            async with api.begin():
                raise ZeroDivisionError
        assert await count(api) == 1
    with acting_for(OTHER):
        assert await count(api) == 0


async def test_what_a_method_for_workers_finds_in_a_route_is_the_tenants_own(
    api: Database, job: Job
) -> None:
    jobs = PostgresJobRepository(api)
    with acting_for(OTHER), pytest.raises(NotFound):
        await jobs.get(job.id)
    with acting_for(OTHER), pytest.raises(NotFound):
        await jobs.update(job.id, lambda job: job)
    with acting_for(job.tenant):
        assert await jobs.get(job.id) == job


async def test_nothing_is_stored_in_another_tenants_name(api: Database) -> None:
    with acting_for(OTHER), pytest.raises(Internal):
        await PostgresUploadRepository(api).add(an_upload(tenant=ACME))


async def test_every_table_with_tenants_keeps_them_apart(engine: AsyncEngine) -> None:
    forced = text(
        "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity"
    )
    async with engine.connect() as connection:
        protected = {*(await connection.execute(forced)).scalars()}
    assert protected == {*metadata.tables} - {infected_files.name}


async def test_a_role_that_no_policy_holds_for_is_known(
    engine: AsyncEngine, servers: Servers
) -> None:
    assert not await PostgresCheck(engine).is_above_policies()
    superusers = create_engine(servers.admin_database_url)
    try:
        assert await PostgresCheck(superusers).is_above_policies()
    finally:
        await superusers.dispose()


@pytest.mark.parametrize("turns", range(12))
async def test_a_task_that_is_cut_short_leaves_no_connection_to_others(
    engine: AsyncEngine, job: Job, turns: int
) -> None:
    pool = Database(engine)
    with acting_for(OTHER):
        assert await count(pool) == 0

    async def look_at_all() -> None:
        with acting_for(EVERYONE):
            await count(pool)

    task = asyncio.create_task(look_at_all())
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    with acting_for(OTHER):
        assert await count(pool) == 0
