"""Connections for single statements, past the pool that most statements can bear."""

from asyncio import Semaphore, timeout
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from photo.adapters.postgres.database import LIMITS, Limits, connect, translated
from photo.adapters.postgres.statements import SHOW, Prepared
from photo.domain.access import Tenant
from photo.domain.errors import PhotoError

CONNECTIONS = 8


class Reader:
    """Some connections, each for one statement at a time, opened when needed."""

    def __init__(self, database_url: str, limits: Limits = LIMITS) -> None:
        self._database_url = database_url
        self._limits = limits
        self._slots = Semaphore(CONNECTIONS)
        self._free: list[_Connection] = []
        self._busy = 0
        self._tell: Callable[[Any], None] | None = None

    def tell(self, of_statement: Callable[[Any], None]) -> None:
        """Call it after every statement, with what asyncpg has to say of it."""
        self._tell = of_statement

    def census(self) -> Mapping[str, int]:
        """How many connections there are, by state: also from another thread."""
        return {"busy": self._busy, "idle": len(self._free)}

    async def row(
        self,
        tenant: Tenant,
        statement: Prepared,
        values: Mapping[str, object],
        refusals: Mapping[str, PhotoError] | None = None,
    ) -> Mapping[str, Any] | None:
        """The only row, or None, of those that the tenant may see.

        Raises the errors of the database module.
        """
        with translated(refusals):
            async with self._slot():
                connection = self._take(tenant) or await self._open()
                try:
                    await connection.show(tenant)
                    row = await statement.row(connection.driver, values)
                except BaseException:
                    connection.driver.terminate()
                    raise
                self._free.append(connection)
                return row

    async def close(self) -> None:
        for connection in self._free:
            connection.driver.terminate()
        self._free.clear()

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        async with timeout(self._limits.connect):
            await self._slots.acquire()
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1
            self._slots.release()

    def _take(self, tenant: Tenant) -> "_Connection | None":
        """The connection used last, better still one that shows this tenant's rows."""
        while self._free:
            best = next(
                (each for each in reversed(self._free) if each.shown == tenant),
                self._free[-1],
            )
            self._free.remove(best)
            if not best.driver.is_closed():
                return best
        return None

    async def _open(self) -> "_Connection":
        driver = await connect(self._database_url, self._limits)
        try:
            for kind in ("json", "jsonb"):
                # As on SQLAlchemy's connections: statements encode, connections decode.
                await driver.set_type_codec(
                    kind, schema="pg_catalog", encoder=str, decoder=msgspec.json.decode
                )
        except BaseException:
            driver.terminate()
            raise
        if self._tell:
            driver.add_query_logger(self._tell)
        return _Connection(driver)


class _Connection:
    def __init__(self, driver: Any) -> None:
        self.driver = driver
        self.shown: Tenant | None = None

    async def show(self, tenant: Tenant) -> None:
        if self.shown != tenant:
            await self.driver.execute(SHOW, tenant)
            self.shown = tenant
