"""Which revision the database has, and the way to the newest."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from photo.adapters.postgres.database import (
    LOCK_NOT_AVAILABLE,
    Limits,
    create_engine,
    translated,
)
from photo.domain.errors import Unavailable

_MIGRATIONS = Path(__file__).with_name("migrations")


async def migrate(database_url: str) -> None:
    """Bring the database to the newest revision; of several at once one does it."""
    try:
        await on_connection(
            database_url, lambda connection: command.upgrade(config(connection), "head")
        )
    except Unavailable as error:
        if error.reason == LOCK_NOT_AVAILABLE:
            raise Unavailable(
                "A table was in use for too long to be changed. What is missing can be "
                "done at any time: run `photo migrate` again.",
                reason=error.reason,
            ) from error
        raise


async def on_connection(database_url: str, do: Callable[[Connection], None]) -> None:
    """Do something that may take its time: a migration may rewrite a table."""
    engine = create_engine(database_url, Limits(command=None, idle=None))
    try:
        with translated():
            async with engine.connect() as connection:
                await connection.run_sync(do)
    finally:
        await engine.dispose()


def config(connection: Connection) -> Config:
    """What alembic's commands need to work on a connection."""
    prepared = Config(attributes={"connection": connection})
    prepared.set_main_option("script_location", str(_MIGRATIONS))
    return prepared


async def is_migrated(engine: AsyncEngine) -> bool:
    """Whether the database is at this version's revision.

    Or at a newer one's, as in a rolling deployment. Revisions are numbered.
    """
    with translated():
        async with engine.connect() as connection:
            revision = await connection.run_sync(_revision)
    return revision is not None and revision >= _newest()


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


@cache
def _newest() -> str:
    return ScriptDirectory(_MIGRATIONS).get_current_head() or ""
