"""Connections that show what the task may see, and transactions that tasks share."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from photo.adapters.postgres.database import translated
from photo.adapters.postgres.reading import Reader
from photo.adapters.postgres.statements import SHOW, Single, prepared
from photo.application.ports import Transactions
from photo.application.tenancy import NOBODY, acts_for
from photo.domain.access import Tenant
from photo.domain.errors import Internal, PhotoError

_SHOWN = "photo.tenant"


@dataclass(slots=True)
class _Open:
    """A transaction under way in this task."""

    connection: AsyncConnection
    driver: Any
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
            await self._show(connection, await _driver(connection))
            yield connection

    async def row(
        self,
        statement: Single,
        values: Mapping[str, object],
        refusals: Mapping[str, PhotoError] | None = None,
    ) -> Mapping[str, Any] | None:
        """The only row that a statement gives, if it gives one, with the least effort.

        Raises the errors of the database module: see `translated`.
        """
        run = prepared(statement)
        if current := self._current.get():
            with translated(refusals), _dooming(current):
                return await run.row(current.driver, values)
        if self._reader:
            tenant = acts_for(self._default)
            return await self._reader.row(tenant, run, values, refusals)
        with translated(refusals):
            async with self.connect() as connection:
                return await run.row(await _driver(connection), values)

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
                await _say(transaction, "ROLLBACK")
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
        """Begin: SQLAlchemy, which is to commit each statement, does not know of it."""
        with translated():
            connection = await self._autocommit.connect()
            try:
                driver = await _driver(connection)
                # Before the transaction: its end could undo the setting.
                await self._show(connection, driver)
                transaction = _Open(connection, driver)
                await _say(transaction, "BEGIN")
            except BaseException:
                await connection.close()
                raise
        return transaction

    async def _show(self, connection: AsyncConnection, driver: Any) -> None:
        tenant = acts_for(self._default)
        if connection.info.get(_SHOWN) != tenant:
            # If this is cut short, nobody knows what the connection shows.
            connection.info.pop(_SHOWN, None)
            await driver.execute(SHOW, tenant)
            connection.info[_SHOWN] = tenant


async def _driver(connection: AsyncConnection) -> Any:
    """The connection of asyncpg's, which has no types."""
    return (await connection.get_raw_connection()).driver_connection


async def _say(transaction: _Open, command: str) -> None:
    """Begin or end; where that fails, the connection must not be used again."""
    try:
        await transaction.driver.execute(command)
    except BaseException:
        transaction.driver.terminate()
        raise


async def _commit(transaction: _Open) -> None:
    if transaction.doomed:
        await _say(transaction, "ROLLBACK")
        raise Internal("An error inside a transaction was passed over.")
    await _say(transaction, "COMMIT")


class _dooming:  # noqa: N801 # used as a function
    """An error inside undoes the whole transaction, whoever catches it."""

    def __init__(self, transaction: _Open) -> None:
        self._transaction = transaction

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._transaction.doomed |= kind is not None
