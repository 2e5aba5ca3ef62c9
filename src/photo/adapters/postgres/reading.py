"""Single rows by prepared statements, past the machinery that most statements can bear.

SQLAlchemy builds the statement, once; asyncpg runs it: an eighth of the CPU, for what
clients ask for most often (docs/decisions/0012).
"""

from asyncio import Semaphore
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from photo.adapters.postgres.database import connect, translated
from photo.domain.access import Tenant

_CONNECTIONS = 8
_SHOW = "SELECT set_config('photo.tenant', $1, false)"
_DIALECT = dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy gives it no types


class _Prepared(NamedTuple):
    sql: str
    #: The names of its parameters, in their order.
    parameters: tuple[str, ...]


class Reader:
    """Some connections, each for one statement at a time, opened when needed."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._slots = Semaphore(_CONNECTIONS)
        self._free: list[_Connection] = []

    async def row(
        self, tenant: Tenant, statement: Select[Any], values: Mapping[str, object]
    ) -> Mapping[str, Any] | None:
        """The only row, or None, of those that the tenant may see.

        Raises the errors of the database module.
        """
        prepared = _prepared(statement)
        arguments = [values[name] for name in prepared.parameters]
        async with self._slots:
            with translated():
                connection = self._take(tenant) or await self._open()
                try:
                    row = await connection.row(tenant, prepared.sql, arguments)
                except BaseException:
                    connection.driver.terminate()
                    raise
            self._free.append(connection)
            return row

    async def close(self) -> None:
        for connection in self._free:
            connection.driver.terminate()
        self._free.clear()

    def _take(self, tenant: Tenant) -> "_Connection | None":
        """The connection used last, better still one that shows this tenant's rows."""
        self._free = [each for each in self._free if not each.driver.is_closed()]
        for index in range(len(self._free) - 1, -1, -1):
            if self._free[index].shown == tenant:
                return self._free.pop(index)
        return self._free.pop() if self._free else None

    async def _open(self) -> "_Connection":
        driver = await connect(self._database_url)
        for kind in ("json", "jsonb"):
            await driver.set_type_codec(
                kind,
                schema="pg_catalog",
                encoder=lambda value: msgspec.json.encode(value).decode(),
                decoder=msgspec.json.decode,
            )
        return _Connection(driver)


class _Connection:
    def __init__(self, driver: Any) -> None:
        self.driver = driver
        self.shown: Tenant | None = None

    async def row(
        self, tenant: Tenant, sql: str, arguments: list[object]
    ) -> Mapping[str, Any] | None:
        if self.shown != tenant:
            await self.driver.execute(_SHOW, tenant)
            self.shown = tenant
        found = await self.driver.fetchrow(sql, *arguments)
        return None if found is None else dict(found)


@cache
def _prepared(statement: Select[Any]) -> _Prepared:
    compiled = statement.compile(dialect=_DIALECT)
    return _Prepared(str(compiled), tuple(compiled.positiontup or ()))
