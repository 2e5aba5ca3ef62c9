"""Objects in memory."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta

from photo.application.ports import (
    Clock,
    ListedObject,
    ObjectLinks,
    ObjectStore,
    StoredObject,
    UploadForm,
)
from photo.domain.errors import ObjectNotFound
from photo.domain.upload import Upload

_CHUNK = 1 << 20


class MemoryObjectStore(ObjectStore):
    def __init__(self, now: Clock = lambda: datetime.now(UTC)) -> None:
        self._objects: dict[str, tuple[bytes, str]] = {}
        self._written_at: dict[str, datetime] = {}
        self._now = now

    async def head(self, key: str) -> StoredObject:
        data, content_type = self._find(key)
        return StoredObject(len(data), content_type)

    async def read(self, key: str) -> AsyncGenerator[bytes, None]:
        data, _ = self._find(key)
        for start in range(0, len(data), _CHUNK):
            yield data[start : start + _CHUNK]

    async def write(
        self, key: str, chunks: AsyncIterator[bytes], *, content_type: str
    ) -> bool:
        data = b"".join([chunk async for chunk in chunks])
        if key in self._objects:
            return False
        self._objects[key] = (data, content_type)
        self._written_at[key] = self._now()
        return True

    async def delete(self, key: str) -> None:
        self._objects.pop(key, None)

    async def list(self, *, after: str, limit: int) -> Sequence[ListedObject]:
        keys = sorted(key for key in self._objects if key > after)[:limit]
        return [
            ListedObject(key, len(self._objects[key][0]), self._written_at[key])
            for key in keys
        ]

    async def abandon_writes(
        self, *, to: Callable[[str], bool], begun_before: datetime
    ) -> int:
        return 0

    async def check(self) -> None:
        """Memory is always there."""

    def _find(self, key: str) -> tuple[bytes, str]:
        try:
            return self._objects[key]
        except KeyError:
            raise ObjectNotFound(f"There is no object {key}.") from None


class MemoryObjectLinks(ObjectLinks):
    """Forms and links of the right shape that lead nowhere."""

    async def grant_upload(self, upload: Upload) -> UploadForm:
        fields = {"key": upload.key, "Content-Type": str(upload.content_type)}
        return UploadForm("memory://raw", fields)

    async def link(
        self, key: str, *, filename: str, content_type: str, lifetime: timedelta
    ) -> str:
        return f"memory://processed/{key}?filename={filename}&type={content_type}"
