"""The way to the database: connections, pool, and what its errors mean."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import asyncpg
import msgspec
from sqlalchemy import event
from sqlalchemy.exc import (
    DBAPIError,
    DisconnectionError,
    SQLAlchemyError,
    StatementError,
)
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from photo.domain.errors import Internal, PhotoError, Unavailable, ValidationFailed

_CONNECT_SECONDS = 5
_COMMAND_SECONDS = 10

#: SQLSTATE classes that say something of the server's state, not of the statement.
_SERVER_STATES = {"08", "25", "28", "3D", "40", "53", "55", "57", "58", "XX"}
LOCK_NOT_AVAILABLE = "55P03"
_DATA_EXCEPTION = "22"
_DRIVER_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


async def connect(
    database_url: str, *, command_seconds: float | None = _COMMAND_SECONDS
) -> Any:
    """Open a connection of asyncpg's, which has no types."""
    return await asyncpg.connect(
        database_url.replace("postgresql+asyncpg://", "postgresql://", 1),
        timeout=_CONNECT_SECONDS,
        command_timeout=command_seconds,
        server_settings={"application_name": "photo-api"},
    )


def create_engine(
    database_url: str, *, command_seconds: float | None = _COMMAND_SECONDS
) -> AsyncEngine:
    """A pool of connections; none is opened before the first use.

    The URL may be `postgresql://` with libpq's parameters or `postgresql+asyncpg://`.
    """
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: connect(database_url, command_seconds=command_seconds),
        hide_parameters=True,
        json_serializer=lambda value: msgspec.json.encode(value).decode(),
        json_deserializer=msgspec.json.decode,
        pool_size=10,
        max_overflow=10,
        pool_timeout=_CONNECT_SECONDS,
        pool_recycle=1800,
        pool_use_lifo=True,
        # Every use is one statement or one transaction that ends itself.
        pool_reset_on_return=None,
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def _refuse_closed(connection: Any, _record: object, _proxy: object) -> None:
    """Have the pool replace a connection that the server ended: no ping needed."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


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
