"""What the application needs from the outside: every port, each with its promise."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple, Protocol

from photo.domain.access import ApiKey, KeyId, Tenant
from photo.domain.files import Manifest
from photo.domain.infected import InfectedFile
from photo.domain.job import Job, JobId, Status
from photo.domain.media import MediaType
from photo.domain.text import Engine, Page, RecognizedText
from photo.domain.upload import Upload, UploadId

#: The present moment, with its time zone.
Clock = Callable[[], datetime]
#: Seconds since some moment or other, which no setting of the clock changes.
Stopwatch = Callable[[], float]
#: A new identifier, time-ordered: `new_id("job")` is `job_01k…`.
NewId = Callable[[str], str]


class StoredObject(NamedTuple):
    size_bytes: int
    content_type: str


class ListedObject(NamedTuple):
    key: str
    size_bytes: int
    written_at: datetime


class ObjectStore(Protocol):
    """One bucket. Writes are all or nothing; a finished write is seen by every read."""

    async def head(self, key: str) -> StoredObject:
        """Say what lies under a key, or raise `ObjectNotFound`."""

    def read(self, key: str) -> AsyncGenerator[bytes, None]:
        """Stream an object in chunks of at most 1 MiB, or raise `ObjectNotFound`."""

    async def write(
        self, key: str, chunks: AsyncIterator[bytes], *, content_type: str
    ) -> None:
        """Store what the chunks add up to, replacing what was there.

        Memory stays bounded whatever the length. If `chunks` raises, its error goes
        on to the caller and nothing is stored.
        """

    async def delete(self, key: str) -> None:
        """Delete an object with all its versions; a missing one is no error."""

    async def list(self, *, after: str, limit: int) -> Sequence[ListedObject]:
        """Return the first objects whose keys come after this one, in their order."""

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


class UploadRepository(Protocol):
    async def add(self, upload: Upload) -> None:
        """Store a new upload."""

    async def get(self, upload_id: UploadId, *, tenant: Tenant) -> Upload:
        """Return the tenant's upload, or raise `NotFound`."""

    async def forget_unused(
        self, *, created_after: datetime, created_before: datetime, limit: int
    ) -> int:
        """Delete uploads of a span of time that no job has used; how many it was.

        An upload that a concurrent `JobRepository.add` uses either stays or is gone
        before: then that raises `NotFound`.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class JobQuery:
    """One page of a tenant's jobs, newest first. A filter of None lets all through."""

    tenant: Tenant
    limit: int
    #: Only jobs older than this one (keyset pagination).
    before: JobId | None = None
    status: Status | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    metadata: tuple[tuple[str, str], ...] = ()


class JobRepository(Protocol):
    """Jobs by id. Every method is one transaction."""

    async def add(self, job: Job) -> None:
        """Store a new job, or raise and change nothing.

        An upload serves one job: of concurrent calls exactly one wins, the others
        raise `UploadUsed`. Raises `NotFound` if there is no such upload any more.
        """

    async def get(self, job_id: JobId) -> Job:
        """Return the job, whosever it is, or raise `NotFound`. For the worker."""

    async def get_for(self, tenant: Tenant, job_id: JobId) -> Job:
        """Return the tenant's job, or raise `NotFound`."""

    async def for_upload(self, upload_id: UploadId) -> Job | None:
        """Return the job that used an upload, if one did."""

    async def update(self, job_id: JobId, change: Callable[[Job], Job]) -> Job:
        """Apply `change` to the stored job and return the result, or raise `NotFound`.

        Concurrent updates of one job happen one after the other. If `change` raises,
        nothing is stored. It must be pure: it may run more than once. Everyone who
        waits in `JobFeed` for this job is woken.
        """

    async def page(self, query: JobQuery) -> Sequence[Job]:
        """Return at most `limit` jobs, newest first."""

    async def unfinished_since(
        self, *, queued_before: datetime, running_before: datetime, limit: int
    ) -> Sequence[Job]:
        """Return jobs that have not moved since before a moment.

        Those queued before the one come first, then those that entered their step
        before the other; the oldest first.
        """

    async def unfinished_on(self, raw_keys: Sequence[str]) -> AbstractSet[str]:
        """Return those of the raw bucket's keys that an unfinished job is on."""


class InfectedFiles(Protocol):
    """What the scanner found, by the SHA-256 of the whole file."""

    async def add(self, file: InfectedFile) -> None:
        """Remember a file; one that is known stays as it was."""

    async def find(self, sha256: str) -> InfectedFile | None:
        """Return what is known of a file, if it is known as infected."""

    async def all(self, *, limit: int) -> Sequence[InfectedFile]:
        """Return the files that were found last, newest first. For operators."""

    async def forget(self, sha256: str) -> None:
        """Accept a file again, or raise `NotFound`. For operators."""


class Changes(Protocol):
    """The changes of one job since the subscription began."""

    async def wait(self, up_to: timedelta) -> None:
        """Return at the next change, or when the time is over, or, rarely, for nothing.

        A change between two calls is not lost: the next call returns at once.
        """


class JobFeed(Protocol):
    """Tells who waits when a job has changed, whichever process changed it."""

    def subscribe(self, job_id: JobId) -> AbstractAsyncContextManager[Changes]:
        """Listen for changes; those after entering the context are not missed."""


class KeyRepository(Protocol):
    async def add(self, key: ApiKey) -> None:
        """Store a new key."""

    async def get(self, key_id: KeyId) -> ApiKey:
        """Return the key, revoked or not, or raise `NotFound`."""

    async def update(self, key_id: KeyId, change: Callable[[ApiKey], ApiKey]) -> ApiKey:
        """Apply `change` to the key and return it, or raise `NotFound`."""

    async def all(self) -> Sequence[ApiKey]:
        """Return every key of every tenant, newest first. For operators."""


class WorkflowEngine(Protocol):
    """Moves jobs. Both calls may be repeated, for any job, in any state."""

    async def start(self, job: Job) -> None:
        """Set a job going, or do nothing if it is under way or came to its end."""

    async def cancel(self, job_id: JobId) -> None:
        """Stop work on a job soon; nothing if there is none."""

    async def check(self) -> None:
        """Raise `Unavailable` unless the engine answers."""


class PhotoFetcher(Protocol):
    """Fetches from the internet what a client points at, and from nowhere else."""

    def check(self, url: str) -> None:
        """Raise `UrlRefused` if the URL's form alone forbids to fetch it."""

    def fetch(self, url: str, *, max_bytes: int) -> AsyncGenerator[bytes, None]:
        """Stream the file behind a URL, redirects followed, as it was stored there.

        Every address is checked before it is connected to. Raises `UrlRefused`,
        `UrlUnreachable` (retryable if it may be passing), or `FileTooLarge` as soon
        as more than `max_bytes` are announced or sent.
        """


class Scanner(Protocol):
    async def scan(self, chunks: AsyncIterator[bytes]) -> str | None:
        """Return the name of the first harmful thing found in a file, if there is any.

        May return or raise before all chunks are read. What `chunks` raises goes on
        to the caller. Raises `Unscannable` if the scanner could not look at all of
        it, `Unavailable` if there is no verdict.
        """

    async def check(self) -> None:
        """Raise `Unavailable` unless the scanner answers."""


class PageImage(NamedTuple):
    """An upright page as a JPEG file, and the upright original's size in pixels."""

    path: Path
    width: int
    height: int


class ImageNormalizer(Protocol):
    async def normalize(
        self, photo: Path, content_type: MediaType, *, into: Path
    ) -> Sequence[PageImage]:
        """Decode an untrusted photo and write safe copies into a folder.

        One upright JPEG a page (`normalized.jpg`, then `normalized-2.jpg`, …) and
        `thumbnail.webp` of the first, made of pixels alone: no metadata, sRGB,
        orientation applied whatever the EXIF said. Pages larger than a recogniser
        can use are made smaller; `PageImage` keeps the original's size.

        Raises `CorruptImage`, `ImageTooLarge`, or `ContentMismatch` if the decoder
        finds another type than `content_type`.
        """


class TextRecognizer(Protocol):
    @property
    def engine(self) -> Engine:
        """Who reads, for the record."""

    async def recognize(self, page: Path) -> Page:
        """Read one normalised page: lines in reading order, in the image's pixels.

        Cancelling the call stops the work. Raises `RecognitionFailed` if this page
        cannot be read at all, `Unavailable` if the recogniser cannot be reached.
        """


class Documents(Protocol):
    """The JSON files of a job."""

    def result(self, job_id: JobId, text: RecognizedText) -> bytes:
        """The result as CONTRACT has it."""

    def manifest(self, manifest: Manifest) -> bytes:
        """The list of a job's files."""

    def read_manifest(self, data: bytes) -> Manifest:
        """The manifest that was written."""


class Check(Protocol):
    """A dependency that can be asked whether it works."""

    async def check(self) -> None:
        """Raise `Unavailable` if it does not."""
