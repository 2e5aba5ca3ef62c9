"""Objects, and what clients may do with them."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from photo.domain.upload import Upload


class StoredObject(NamedTuple):
    size_bytes: int
    content_type: str


class ListedObject(NamedTuple):
    key: str
    size_bytes: int
    written_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What a store is waited for, in seconds, before it counts as away."""

    #: Between two signs of life; and for a whole try of a request, to which comes the
    #: time for its bytes.
    silence: float = 10
    #: Bytes a second: a store that is slower is not waited for.
    slowest: float = 500_000

    def of(self, size: int) -> float:
        return self.silence + size / self.slowest


class ObjectStore(Protocol):
    """One bucket, where nothing is ever replaced: only deleted, and then written anew.

    Writes are all or nothing; a finished write is seen by every read.
    """

    async def head(self, key: str) -> StoredObject:
        """Say what lies under a key, or raise `ObjectNotFound`."""

    def read(self, key: str) -> AsyncGenerator[bytes, None]:
        """Stream an object in chunks of at most 1 MiB, or raise `ObjectNotFound`."""

    async def write(
        self, key: str, chunks: AsyncIterator[bytes], *, content_type: str
    ) -> bool:
        """Store what the chunks add up to, or leave what lies there: then False.

        Of several writers at once the first to finish wins. One that failed half-way
        and tries again may lose to itself. Memory stays bounded whatever the length.
        If `chunks` raises, its error goes on to the caller and nothing is stored.
        """

    async def delete(self, key: str) -> None:
        """Delete an object with all its versions; a missing one is no error."""

    async def list(self, *, after: str, limit: int) -> Sequence[ListedObject]:
        """Return the first objects whose keys come after this one, in their order."""

    async def abandon_writes(
        self, *, to: Callable[[str], bool], begun_before: datetime
    ) -> int:
        """Give up what is left of writes to such keys that never ended; how many."""

    async def check(self) -> None:
        """Raise `Unavailable` unless the bucket exists and answers."""


class UploadForm(NamedTuple):
    """A presigned POST: send the fields, then the file, as `multipart/form-data`."""

    url: str
    fields: dict[str, str]


class ObjectLinks(Protocol):
    """Presigned access for clients: the one way to a bucket without credentials."""

    async def grant_upload(self, upload: Upload) -> UploadForm:
        """A form that the store accepts only for this key, content type and size."""

    async def link(
        self, key: str, *, filename: str, content_type: str, lifetime: timedelta
    ) -> str:
        """A URL that downloads an object of the processed bucket under a file name.

        There is none for the raw bucket: what lies there may change any moment.
        """


@dataclass(frozen=True, slots=True)
class Buckets:
    raw: ObjectStore
    processed: ObjectStore
