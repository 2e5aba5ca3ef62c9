"""Connections that show what the task may see, and transactions that tasks share."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from photo.adapters.postgres.database import translated
from photo.adapters.postgres.reading import Reader
from photo.application.ports import Transactions
from photo.application.tenancy import NOBODY, acts_for
from photo.domain.access import Tenant
from photo.domain.errors import Internal, PhotoError

_SHOW = "SELECT set_config('photo.tenant', $1, false)"
_SHOWN = "photo.tenant"


@dataclass(slots=True)
class _Open:
    """A transaction under way in this task."""

    connection: AsyncConnection
    then: list[Callable[[], Awaitable[object]]] = field(default_factory=list)
    doomed: bool = False


class Database(Transactions):
    """Row-level security shows each connection the rows of whom the task acts for.

    The setting stays with the connection and is made again only for another tenant.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        acts_for: Tenant = NOBODY,
        reader: Reader | None = None,
    ) -> None:
        self._engine = engine
        self._reader = reader
        self._autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._default = acts_for
        self._current: ContextVar[_Open | None] = ContextVar("current", default=None)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """The transaction under way, or a connection where each statement is its own.

        What goes wrong with statements inside leaves as errors of ours only if the
        caller translates it: see `translated`.
        """
        if current := self._current.get():
            with _dooming(current):
                yield current.connection
            return
        async with self._autocommit.connect() as connection:
            await self._show(connection)
            yield connection

    async def find(
        self, statement: Select[Any], **values: object
    ) -> Mapping[Any, Any] | None:
        """The only row that a statement finds, if it finds one.

        Raises the errors of the database module.
        """
        if self._reader and not self._current.get():
            return await self._reader.row(acts_for(self._default), statement, values)
        with translated():
            async with self.connect() as connection:
                found = await connection.execute(statement, values)
                row: Mapping[Any, Any] | None = found.mappings().one_or_none()
                return row

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[None]:
        if current := self._current.get():
            with _dooming(current):
                yield
            return
        transaction = await self._open()
        token = self._current.set(transaction)
        try:
            yield
        except BaseException:
            with suppress(PhotoError), translated():
                await transaction.connection.rollback()
            raise
        else:
            with translated():
                await _commit(transaction)
        finally:
            self._current.reset(token)
            await transaction.connection.close()
        for act in transaction.then:
            await act()

    async def then(self, act: Callable[[], Awaitable[object]]) -> None:
        if current := self._current.get():
            current.then.append(act)
        else:
            await act()

    async def _open(self) -> _Open:
        with translated():
            connection = await self._engine.connect()
            try:
                await self._show(connection)
                _ = await connection.begin()
            except BaseException:
                await connection.close()
                raise
        return _Open(connection)

    async def _show(self, connection: AsyncConnection) -> None:
        tenant = acts_for(self._default)
        if connection.info.get(_SHOWN) == tenant:
            return
        # Before a transaction: its end could undo the setting.
        raw = await connection.get_raw_connection()
        await raw.driver_connection.execute(_SHOW, tenant)  # type: ignore[union-attr]  # asyncpg's has no types
        connection.info[_SHOWN] = tenant


async def _commit(transaction: _Open) -> None:
    if transaction.doomed:
        await transaction.connection.rollback()
        raise Internal("An error inside a transaction was passed over.")
    await transaction.connection.commit()


class _dooming:  # noqa: N801 # used as a function
    """An error inside undoes the whole transaction, whoever catches it."""

    def __init__(self, transaction: _Open) -> None:
        self._transaction = transaction

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._transaction.doomed |= kind is not None
