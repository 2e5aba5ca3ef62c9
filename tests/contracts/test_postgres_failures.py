"""Postgres goes away, and comes back."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import insert, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine

from photo.adapters.postgres.check import PostgresCheck
from photo.adapters.postgres.database import create_engine
from photo.adapters.postgres.feed import PostgresJobFeed
from photo.adapters.postgres.jobs import PostgresJobRepository
from photo.adapters.postgres.keys import PostgresKeyRepository
from photo.adapters.postgres.migrate import migrate
from photo.adapters.postgres.rows import to_row
from photo.adapters.postgres.schema import jobs as job_rows
from photo.adapters.postgres.transactions import Database
from photo.adapters.postgres.uploads import PostgresUploadRepository
from photo.application.ports import Changes, JobQuery
from photo.domain.errors import Unavailable
from photo.domain.job import Job, JobId, Step
from photo.domain.upload import UploadId
from photo.entrypoints.local.servers import Servers
from tests.makers import ACME, NOW, a_job, a_key, an_upload

_OTHERS = (
    "pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
)

FOR_EVERYONE = text("SELECT set_config('photo.tenant', '*', true)")


@pytest.fixture
def dead_url() -> Iterator[str]:
    """Where nothing listens, because the port is held by a socket that does not."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"postgresql://photo:hush@127.0.0.1:{held.getsockname()[1]}/photo"


@pytest.fixture
async def dead_engine(dead_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(dead_url)
    yield engine
    await engine.dispose()


@pytest.fixture
async def operator(migrated_url: str) -> AsyncIterator[AsyncEngine]:
    """The connections of somebody else, to see and do what an operator may."""
    engine = create_engine(migrated_url)
    yield engine.execution_options(isolation_level="AUTOCOMMIT")
    await engine.dispose()


async def terminate(operator: AsyncEngine, condition: str = "true") -> int:
    """End other connections to the test's database; say how many."""
    found = f"SELECT pid FROM {_OTHERS} AND {condition}"  # noqa: S608 - constants
    kill = text(f"SELECT pg_terminate_backend(pid, 5000) FROM ({found}) AS other")  # noqa: S608 - constants
    async with operator.connect() as connection:
        return len((await connection.execute(kill)).all())


async def eventually(operator: AsyncEngine, condition: str) -> None:
    """Wait until another connection to the test's database is in some state."""
    look = text(f"SELECT pid FROM {_OTHERS} AND {condition}")  # noqa: S608 - constants
    async with asyncio.timeout(60), operator.connect() as connection:
        while (await connection.execute(look)).first() is None:
            pass


async def stored(database: Database) -> Job:
    """A job, and the upload that it is on."""
    upload = an_upload()
    job = a_job(upload)
    await PostgresUploadRepository(database).add(upload)
    await PostgresJobRepository(database).add(job)
    return job


async def test_a_dead_server_is_unavailable_whatever_is_asked(
    dead_engine: AsyncEngine, dead_url: str
) -> None:
    uploads = PostgresUploadRepository(Database(dead_engine))
    jobs = PostgresJobRepository(Database(dead_engine))
    keys = PostgresKeyRepository(Database(dead_engine))
    attempts = [
        uploads.add(an_upload()),
        uploads.get(UploadId("upl_1"), tenant=ACME),
        jobs.add(a_job()),
        jobs.get(JobId("job_1")),
        jobs.get_for(ACME, JobId("job_1")),
        jobs.for_upload(UploadId("upl_1")),
        jobs.update(JobId("job_1"), lambda job: job),
        jobs.page(JobQuery(tenant=ACME, limit=1)),
        jobs.find([]),
        jobs.unfinished_since(
            queued_before=NOW, running_before=NOW, ahead_of=NOW, limit=1
        ),
        jobs.succeeded(after=(ACME, JobId("")), limit=1),
        jobs.needed_on([], crashed_after=NOW),
        keys.add(a_key()),
        keys.get(a_key().id),
        keys.update(a_key().id, lambda key: key),
        keys.all(),
        PostgresCheck(dead_engine).check(),
        migrate(dead_url),
    ]
    for outcome in await asyncio.gather(*attempts, return_exceptions=True):
        assert isinstance(outcome, Unavailable)
        assert "127.0.0.1" not in str(outcome)
        assert "hush" not in str(outcome)


async def test_connections_ended_by_the_server_are_replaced_unnoticed(
    database: Database, operator: AsyncEngine
) -> None:
    keys = PostgresKeyRepository(database)
    await asyncio.gather(*(keys.all() for _ in range(5)))
    assert await terminate(operator) >= 1
    await asyncio.gather(*(keys.all() for _ in range(5)))


async def test_readers_connections_are_replaced_unnoticed_as_well(
    database: Database, operator: AsyncEngine
) -> None:
    jobs, job = PostgresJobRepository(database), await stored(database)
    await asyncio.gather(*(jobs.get(job.id) for _ in range(20)))
    assert await terminate(operator) >= 1
    found = await asyncio.gather(*(jobs.get(job.id) for _ in range(20)))
    assert found == [job] * 20


async def test_a_statement_that_the_server_ends_is_unavailable(
    engine: AsyncEngine, database: Database, operator: AsyncEngine
) -> None:
    jobs, job = PostgresJobRepository(database), await stored(database)
    lock = text("SELECT FROM jobs WHERE id = :id FOR UPDATE")
    async with engine.begin() as holder:
        await holder.execute(FOR_EVERYONE)
        await holder.execute(lock, {"id": job.id})
        waiting = asyncio.create_task(
            jobs.update(job.id, lambda job: job.enter(Step.FETCH, at=NOW))
        )
        await eventually(operator, "wait_event_type = 'Lock'")
        await terminate(operator, "wait_event_type = 'Lock'")
        with pytest.raises(Unavailable):
            await waiting
    assert await jobs.get(job.id) == job


async def test_a_server_without_a_free_connection_is_unavailable(
    servers: Servers, migrated_url: str
) -> None:
    crowded = make_url(migrated_url).set(username="crowded", password="hush")
    crowd = create_engine(crowded.render_as_string(hide_password=False))
    admin = create_engine(servers.admin_database_url)
    async with admin.begin() as connection:
        role = "CREATE ROLE crowded LOGIN PASSWORD 'hush' CONNECTION LIMIT 0"
        await connection.execute(text(role))
    try:
        with pytest.raises(Unavailable) as refusal:
            await PostgresKeyRepository(Database(crowd)).all()
    finally:
        async with admin.begin() as connection:
            await connection.execute(text("DROP ROLE crowded"))
        await admin.dispose()
    assert refusal.value.reason == "53300"


class Follower:
    """Somebody who waits for a job, and must be woken."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def is_woken(self) -> None:
        async with asyncio.timeout(60):
            await self._changes.wait(timedelta(hours=1))


async def test_an_upload_that_is_just_being_used_is_waited_for(
    engine: AsyncEngine, database: Database, operator: AsyncEngine
) -> None:
    uploads, upload = PostgresUploadRepository(database), an_upload()
    await uploads.add(upload)
    async with engine.begin() as submission:
        await submission.execute(FOR_EVERYONE)
        await submission.execute(insert(job_rows), to_row(a_job(upload)))
        forgetting = asyncio.create_task(
            uploads.forget_unused(
                created_after=NOW, created_before=NOW + timedelta(days=1), limit=9
            )
        )
        await eventually(operator, "wait_event_type = 'Lock'")
    assert await forgetting == 0
    assert await uploads.get(upload.id, tenant=upload.tenant) == upload


async def test_the_feed_survives_the_end_of_its_connection(
    database: Database, operator: AsyncEngine, migrated_url: str
) -> None:
    listening = "query LIKE 'LISTEN%'"
    jobs = PostgresJobRepository(database)
    # It does not find out by looking.
    never = timedelta(hours=1)
    async with PostgresJobFeed(migrated_url, heartbeat=never) as feed:
        await eventually(operator, listening)
        job = await stored(database)
        async with feed.subscribe(job.id) as changes:
            follower = Follower(changes)
            assert await terminate(operator, listening) == 1
            await follower.is_woken()
            await eventually(operator, listening)
            await jobs.update(job.id, lambda job: job.enter(Step.FETCH, at=NOW))
            await follower.is_woken()


async def test_without_a_server_the_feed_waits_and_closes(dead_url: str) -> None:
    async with PostgresJobFeed(dead_url) as feed:
        async with asyncio.timeout(60), feed.subscribe(JobId("job_1")) as changes:
            await changes.wait(timedelta(seconds=0.3))
        assert not feed._subscribers
