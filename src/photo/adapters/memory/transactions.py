"""Tables in memory, and transactions on all of them."""

from asyncio import Lock
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from photo.application.ports import Transactions
from photo.domain.errors import Internal


@dataclass(slots=True)
class _Open:
    then: list[Callable[[], Awaitable[object]]] = field(default_factory=list)
    doomed: bool = False

    def must_not_be_doomed(self) -> None:
        if self.doomed:
            raise Internal("An error inside a transaction was passed over.")


class MemoryDatabase(Transactions):
    """One transaction after the other; what takes part in none is never kept waiting.

    It knows no tenants beyond what repositories filter by.
    """

    def __init__(self) -> None:
        self._tables: list[dict[Any, Any]] = []
        self._turn = Lock()
        self._current: ContextVar[_Open | None] = ContextVar("current", default=None)

    def table(self) -> dict[Any, Any]:
        """A new table, which an error in a transaction resets to what it was."""
        table: dict[Any, Any] = {}
        self._tables.append(table)
        return table

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[None]:
        if current := self._current.get():
            try:
                yield
            except BaseException:
                current.doomed = True
                raise
            return
        transaction = _Open()
        async with self._turn:
            before = [table.copy() for table in self._tables]
            token = self._current.set(transaction)
            try:
                yield
                transaction.must_not_be_doomed()
            except BaseException:
                for table, content in zip(self._tables, before, strict=True):
                    table.clear()
                    table.update(content)
                raise
            finally:
                self._current.reset(token)
        for act in transaction.then:
            await act()

    async def then(self, act: Callable[[], Awaitable[object]]) -> None:
        if current := self._current.get():
            current.then.append(act)
        else:
            await act()
