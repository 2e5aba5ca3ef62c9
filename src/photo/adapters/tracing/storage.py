"""The object store and the scanner, with a span for each call."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from datetime import datetime

from opentelemetry.trace import Tracer

from photo.adapters.tracing.calls import BYTES, calling, counted
from photo.application.ports import ListedObject, ObjectStore, Scanner, StoredObject


class TracedScanner(Scanner):
    """Asking whether it answers is a probe's business, and leaves no trace."""

    def __init__(self, scanner: Scanner, tracer: Tracer) -> None:
        self._scanner = scanner
        self._tracer = tracer

    async def scan(self, chunks: AsyncIterator[bytes]) -> str | None:
        with calling(self._tracer, "scanner", "scan") as span:
            async with aclosing(counted(chunks, span)) as given:
                found = await self._scanner.scan(given)
            span.set_attribute("photo.infected", found is not None)
            return found

    async def check(self) -> None:
        await self._scanner.check()


class TracedStore(ObjectStore):
    """Asking whether it answers is a probe's business, and leaves no trace."""

    def __init__(self, store: ObjectStore, bucket: str, tracer: Tracer) -> None:
        self._store = store
        self._bucket = bucket
        self._tracer = tracer

    async def head(self, key: str) -> StoredObject:
        with calling(self._tracer, self._bucket, "head") as span:
            found = await self._store.head(key)
            span.set_attribute(BYTES, found.size_bytes)
            return found

    async def read(self, key: str) -> AsyncGenerator[bytes, None]:
        with calling(self._tracer, self._bucket, "read") as span:
            async with (
                aclosing(self._store.read(key)) as chunks,
                aclosing(counted(chunks, span)) as given,
            ):
                async for chunk in given:
                    yield chunk

    async def write(
        self, key: str, chunks: AsyncIterator[bytes], *, content_type: str
    ) -> bool:
        with calling(self._tracer, self._bucket, "write") as span:
            async with aclosing(counted(chunks, span)) as given:
                first = await self._store.write(key, given, content_type=content_type)
            span.set_attribute("photo.written", first)
            return first

    async def delete(self, key: str) -> None:
        with calling(self._tracer, self._bucket, "delete"):
            await self._store.delete(key)

    async def list(self, *, after: str, limit: int) -> Sequence[ListedObject]:
        with calling(self._tracer, self._bucket, "list") as span:
            found = await self._store.list(after=after, limit=limit)
            span.set_attribute("photo.objects", len(found))
            return found

    async def abandon_writes(
        self, *, to: Callable[[str], bool], begun_before: datetime
    ) -> int:
        with calling(self._tracer, self._bucket, "abandon_writes"):
            return await self._store.abandon_writes(to=to, begun_before=begun_before)

    async def check(self) -> None:
        await self._store.check()
