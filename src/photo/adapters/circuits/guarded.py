"""The scanner and the object store, behind circuit breakers."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from datetime import datetime

from photo.adapters.circuits.breaker import Breaker, Call
from photo.application.ports import ListedObject, ObjectStore, Scanner, StoredObject


class GuardedScanner(Scanner):
    """Asking whether it answers is no call: that must find out."""

    def __init__(self, scanner: Scanner, breaker: Breaker) -> None:
        self._scanner = scanner
        self._breaker = breaker

    async def scan(self, chunks: AsyncIterator[bytes]) -> str | None:
        with self._breaker.calling() as call:
            async with aclosing(_callers(chunks, call)) as given:
                return await self._scanner.scan(given)

    async def check(self) -> None:
        await self._scanner.check()


class GuardedStore(ObjectStore):
    """Asking whether it answers is no call: that must find out."""

    def __init__(self, store: ObjectStore, breaker: Breaker) -> None:
        self._store = store
        self._breaker = breaker

    async def head(self, key: str) -> StoredObject:
        with self._breaker.calling():
            return await self._store.head(key)

    async def read(self, key: str) -> AsyncGenerator[bytes, None]:
        with self._breaker.calling() as call:
            async with aclosing(self._store.read(key)) as chunks:
                async for chunk in chunks:
                    # Who takes their time with it keeps nobody waiting.
                    call.goes_well()
                    yield chunk

    async def write(
        self, key: str, chunks: AsyncIterator[bytes], *, content_type: str
    ) -> bool:
        with self._breaker.calling() as call:
            async with aclosing(_callers(chunks, call)) as given:
                return await self._store.write(key, given, content_type=content_type)

    async def delete(self, key: str) -> None:
        with self._breaker.calling():
            await self._store.delete(key)

    async def list(self, *, after: str, limit: int) -> Sequence[ListedObject]:
        with self._breaker.calling():
            return await self._store.list(after=after, limit=limit)

    async def abandon_writes(
        self, *, to: Callable[[str], bool], begun_before: datetime
    ) -> int:
        with self._breaker.calling():
            return await self._store.abandon_writes(to=to, begun_before=begun_before)

    async def check(self) -> None:
        await self._store.check()


async def _callers(
    chunks: AsyncIterator[bytes], call: Call
) -> AsyncGenerator[bytes, None]:
    """The caller's chunks: what they raise is not the dependency's fault."""
    try:
        async for chunk in chunks:
            yield chunk
    except BaseException as error:
        call.others = error
        raise
