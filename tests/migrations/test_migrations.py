import asyncio
import os
import sys
from asyncio.subprocess import create_subprocess_exec
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from photo.adapters.postgres.check import PostgresCheck
from photo.adapters.postgres.database import create_engine
from photo.adapters.postgres.migrate import (
    config,
    is_migrated,
    migrate,
    on_connection,
)
from photo.adapters.postgres.schema import metadata
from photo.domain.errors import Unavailable
from photo.entrypoints.local.servers import Servers
from tests.services import fresh_database

ROOT = Path(__file__).parents[2]

RULES = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT table_name, column_name, concat_ws(' ', udt_name, is_nullable, collation_name)
FROM information_schema.columns WHERE table_schema = 'public'
ORDER BY 1, 2, 3
"""


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(database_url)
    yield engine
    await engine.dispose()


async def rules(engine: AsyncEngine) -> list[tuple[str, ...]]:
    async with engine.connect() as connection:
        found = (await connection.execute(text(RULES))).all()
    return [tuple(row) for row in found if row[0] != "alembic_version"]


async def test_every_migration_goes_up_down_and_up_again(
    database_url: str, engine: AsyncEngine
) -> None:
    def climb(connection: Connection) -> None:
        scripts = ScriptDirectory.from_config(config(connection))
        for script in reversed(list(scripts.walk_revisions())):
            command.upgrade(config(connection), script.revision)
            command.downgrade(config(connection), "-1")
            command.upgrade(config(connection), script.revision)

    await on_connection(database_url, climb)
    assert await is_migrated(engine)


async def test_downgraded_to_nothing_nothing_is_left(
    database_url: str, engine: AsyncEngine
) -> None:
    await migrate(database_url)
    await on_connection(
        database_url, lambda connection: command.downgrade(config(connection), "base")
    )
    functions = (
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    )
    async with engine.connect() as connection:
        assert (await connection.execute(text(functions))).all() == []
    assert await rules(engine) == []


async def test_the_migrations_build_what_the_tables_say(
    database_url: str, engine: AsyncEngine, servers: Servers
) -> None:
    await migrate(database_url)
    await on_connection(
        database_url, lambda connection: command.check(config(connection))
    )

    async with fresh_database(servers) as url:
        declared = create_engine(url)
        async with declared.begin() as connection:
            await connection.run_sync(metadata.create_all)
        try:
            assert await rules(engine) == await rules(declared)
        finally:
            await declared.dispose()


SHOW = "SELECT set_config('photo.tenant', '*', true)"
ANOTHER_DELIVERY = """
INSERT INTO webhook_deliveries (
    id, tenant, webhook_id, job_id, event, url, status, created_at, started_at,
    finished_at, attempts
)
VALUES (
    '{}', 'acme', 'whk_1', '{}', 'job.failed', '', 'delivered', now(), now(), now(),
    '[]'
)
"""
TWO_DELIVERIES = (
    SHOW,
    """
    INSERT INTO jobs (
        id, tenant, source_url, raw_key, created_at, metadata, status, entered
    )
    SELECT 'job_' || n, 'acme', 'https://a.b', 'acme/job_' || n, now(), '{}', 'queued',
        '{}'
    FROM generate_series(1, 2) AS n
    """,
    """
    INSERT INTO webhooks (id, tenant, events, secrets, created_at)
    VALUES ('whk_1', 'acme', '{}', '[]', now())
    """,
    *(
        ANOTHER_DELIVERY.format(f"msg_{number}", f"job_{1 + number // 4}")
        for number in range(1, 5)
    ),
)


@pytest.fixture
async def before(database_url: str, engine: AsyncEngine) -> str:
    """The URL of a database of the release before, with several deliveries."""
    await to(database_url, "0003")
    async with engine.begin() as connection:
        for statement in TWO_DELIVERIES:
            await connection.execute(text(statement))
    return database_url


async def to(database_url: str, revision: str) -> None:
    await on_connection(
        database_url, lambda connection: command.upgrade(config(connection), revision)
    )


async def deliveries(engine: AsyncEngine) -> list[str]:
    async with engine.begin() as connection:
        await connection.execute(text(SHOW))
        left = text("SELECT id FROM webhook_deliveries ORDER BY id")
        return [*(await connection.execute(left)).scalars()]


async def test_of_several_deliveries_of_one_end_the_oldest_stays(
    before: str, engine: AsyncEngine
) -> None:
    await migrate(before)
    assert await deliveries(engine) == ["msg_1", "msg_4"]


async def waits(engine: AsyncEngine, migrating: asyncio.Task[None]) -> None:
    """Until the migration waits for someone."""
    waiting = text(
        "SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE NOT granted AND datname = current_database()"
    )
    look = engine.execution_options(isolation_level="AUTOCOMMIT")
    async with asyncio.timeout(30), look.connect() as connection:
        while not (await connection.execute(waiting)).all():
            assert not migrating.done()


@pytest.mark.parametrize(
    ("first", "then", "left"),
    [
        pytest.param(
            "DELETE FROM webhook_deliveries WHERE job_id = 'job_1'",
            "DELETE FROM jobs WHERE id = 'job_1'",
            ["msg_4"],
            id="erasing",
        ),
        pytest.param(
            "UPDATE jobs SET version = version + 1 WHERE id = 'job_2'",
            "DELETE FROM webhook_deliveries WHERE job_id = 'job_2'",
            ["msg_1"],
            id="ending",
        ),
        pytest.param(
            ANOTHER_DELIVERY.format("msg_5", "job_2"),
            "UPDATE jobs SET version = version + 1 WHERE id = 'job_2'",
            ["msg_1", "msg_4"],
            id="one delivery too many",
        ),
    ],
)
async def test_nobody_who_writes_is_in_a_migrations_way(
    before: str, engine: AsyncEngine, first: str, then: str, left: list[str]
) -> None:
    async with engine.connect() as writer:
        for statement in (SHOW, first):
            await writer.execute(text(statement))
        migrating = asyncio.create_task(migrate(before))
        await waits(engine, migrating)
        await writer.execute(text(then))
        await writer.commit()
    await migrating
    assert await deliveries(engine) == left


async def test_an_index_that_could_not_be_finished_is_built_anew(
    before: str, engine: AsyncEngine
) -> None:
    build = (
        "CREATE UNIQUE INDEX CONCURRENTLY webhook_deliveries_once"
        " ON webhook_deliveries (job_id, webhook_id)"
    )
    valid = "SELECT bool_and(indisvalid) FROM pg_index"
    look = engine.execution_options(isolation_level="AUTOCOMMIT")
    async with look.connect() as connection:
        with pytest.raises(IntegrityError):
            await connection.execute(text(build))
        assert not await connection.scalar(text(valid))
        await migrate(before)
        assert await connection.scalar(text(valid))


async def test_a_table_that_is_long_in_use_can_be_changed_later(
    before: str, engine: AsyncEngine
) -> None:
    await to(before, "0004")
    async with engine.connect() as writer:
        await writer.execute(text(SHOW))
        await writer.execute(text("UPDATE jobs SET version = version + 1"))
        with pytest.raises(Unavailable, match="photo migrate"):
            await migrate(before)
        await writer.execute(text("UPDATE jobs SET version = version + 1"))
        await writer.commit()
    assert not await is_migrated(engine)
    await migrate(before)
    assert await is_migrated(engine)


async def python(*arguments: str, **environment: str) -> None:
    process = await create_subprocess_exec(
        sys.executable, *arguments, cwd=ROOT, env=os.environ | environment
    )
    assert await process.wait() == 0


async def test_of_several_migrators_one_works_and_the_others_wait(
    database_url: str, engine: AsyncEngine
) -> None:
    program = (
        "import asyncio, os; from photo.adapters.postgres.migrate import migrate;"
        "asyncio.run(migrate(os.environ['DATABASE_URL']))"
    )
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(python("-c", program, DATABASE_URL=database_url))
    await migrate(database_url)
    assert await is_migrated(engine)


async def test_only_the_newest_revision_or_a_newer_one_will_do(
    database_url: str, engine: AsyncEngine
) -> None:
    assert not await is_migrated(engine)
    with pytest.raises(Unavailable, match="photo migrate"):
        await PostgresCheck(engine).check()
    await migrate(database_url)
    await PostgresCheck(engine).check()
    for revision, enough in (("0000", False), ("9999", True)):
        mark = text("UPDATE alembic_version SET version_num = :revision")
        async with engine.begin() as connection:
            await connection.execute(mark, {"revision": revision})
        assert await is_migrated(engine) is enough


async def test_a_developer_migrates_with_alembic_itself(
    database_url: str, engine: AsyncEngine
) -> None:
    await python("-m", "alembic", "upgrade", "head", DATABASE_URL=database_url)
    await python("-m", "alembic", "check", DATABASE_URL=database_url)
    assert await is_migrated(engine)
