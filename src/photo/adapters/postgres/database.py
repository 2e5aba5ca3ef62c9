"""The way to the database: connections, pool, and what its errors mean."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import msgspec
from sqlalchemy import ExceptionContext, event
from sqlalchemy.exc import (
    DBAPIError,
    DisconnectionError,
    SQLAlchemyError,
    StatementError,
)
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from photo.domain.errors import Internal, PhotoError, Unavailable, ValidationFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds. None: no limit."""

    #: For each of: a place in the pool, a new connection.
    connect: float = 5
    #: For a statement, which the server ends as well: its client may be gone.
    command: float | None = 10
    #: For a transaction to do nothing, while others wait for the rows it has locked.
    idle: float | None = 5


LIMITS = Limits()
_KEPT = 10
CONNECTIONS = 20
#: What a client that was cut off holds is free again after a minute.
_NOTICE_DEAD_CLIENTS = {
    "tcp_keepalives_idle": 30,
    "tcp_keepalives_interval": 10,
    "tcp_keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}

#: SQLSTATE classes that say something of the server's state, not of the statement.
_SERVER_STATES = {"08", "25", "28", "3D", "40", "53", "55", "57", "58", "XX"}
LOCK_NOT_AVAILABLE = "55P03"
_DATA_EXCEPTION = "22"
_DRIVER_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


async def connect(database_url: str, limits: Limits) -> Any:
    """Open a connection of asyncpg's, which has no types."""
    async with asyncio.timeout(limits.connect):
        connection = await asyncpg.connect(
            database_url.replace("postgresql+asyncpg://", "postgresql://", 1),
            command_timeout=limits.command,
            server_settings={"application_name": "photo-api"},
        )
        try:
            # Not at its start: poolers refuse to pass such settings on.
            await connection.execute(_limiting(limits))
        except BaseException:
            connection.terminate()
            raise
        return connection


def create_engine(database_url: str, limits: Limits = LIMITS) -> AsyncEngine:
    """A pool of connections; none is opened before the first use.

    The URL may be `postgresql://` with libpq's parameters or `postgresql+asyncpg://`.
    """
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: connect(database_url, limits),
        hide_parameters=True,
        json_serializer=lambda value: msgspec.json.encode(value).decode(),
        json_deserializer=msgspec.json.decode,
        pool_size=_KEPT,
        max_overflow=CONNECTIONS - _KEPT,
        pool_timeout=limits.connect,
        pool_recycle=1800,
        pool_use_lifo=True,
        # Every use is one statement or one transaction that ends itself.
        pool_reset_on_return=None,
    )
    event.listen(engine.sync_engine, "handle_error", _discard_silent)
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    event.listen(engine.sync_engine, "close", _hang_up)
    return engine


def census(engine: AsyncEngine) -> Mapping[str, int]:
    """How many connections there are, by state: also from another thread."""
    pool: Any = engine.pool
    return {"busy": pool.checkedout(), "idle": pool.checkedin()}


def _refuse_closed(connection: Any, _record: object, _proxy: object) -> None:
    """Have the pool replace a connection that the server ended: no ping needed."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def _hang_up(connection: Any, _record: object) -> None:
    """Do not wait for the server to say goodbye: it may never do."""
    connection.driver_connection.terminate()


def _discard_silent(context: ExceptionContext) -> None:
    """Have the pool replace them all when one gave no answer in time.

    The others may be as dead, and would each cost a time-out.
    """
    if isinstance(context.original_exception, TimeoutError):
        context.invalidate_pool_on_disconnect = True


def _limiting(limits: Limits) -> str:
    idle = "idle_in_transaction_session_timeout"
    settings = {
        "statement_timeout": round((limits.command or 0) * 1000),
        idle: round((limits.idle or 0) * 1000),
        **_NOTICE_DEAD_CLIENTS,
    }
    return ";".join(f"SET {name} = {value}" for name, value in settings.items())


@contextmanager
def translated(refusals: Mapping[str, PhotoError] | None = None) -> Iterator[None]:
    """Let no error of the drivers out: their messages may quote a whole row.

    `refusals` says what the violation of a constraint means, by its name.
    """
    try:
        yield
    except StatementError as error:
        raise _meaning(_cause(error), refusals or {}) from None
    except (OSError, SQLAlchemyError, UnicodeError, *_DRIVER_ERRORS) as error:
        raise _meaning(error, refusals or {}) from None


def _cause(error: StatementError) -> BaseException | None:
    return error.driver_exception if isinstance(error, DBAPIError) else error.orig


def _meaning(
    error: BaseException | None, refusals: Mapping[str, PhotoError]
) -> PhotoError:
    state = getattr(error, "sqlstate", None) or ""
    constraint = getattr(error, "constraint_name", None) or ""
    if constraint in refusals:
        return refusals[constraint]
    if (
        isinstance(error, (asyncpg.DataError, UnicodeError))
        or state[:2] == _DATA_EXCEPTION
    ):
        return ValidationFailed("A text holds a character that cannot be stored.")
    if not state or state[:2] in _SERVER_STATES:
        return Unavailable(
            "The database cannot be reached at the moment. Try again.",
            reason=state or type(error).__name__,
        )
    return Internal(
        "The database refused a statement.", reason=f"{state} {constraint}".rstrip()
    )
