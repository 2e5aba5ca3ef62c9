"""Rows, and news of them."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from photo.domain.access import ApiKey, KeyId, Tenant
from photo.domain.infected import InfectedFile
from photo.domain.job import Job, JobId, Status
from photo.domain.upload import Upload, UploadId


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
        nothing is stored; nor if it changes how a job ended: that raises `JobFinished`.
        It must be pure: it may run more than once. What it changed
        is the next version for `JobEvents`, and everyone who waits in `JobFeed` for
        this job is woken; a change that changes nothing is none.
        """

    async def page(self, query: JobQuery) -> Sequence[Job]:
        """Return at most `limit` jobs, newest first."""

    async def find(self, job_ids: Sequence[JobId]) -> Mapping[JobId, Job]:
        """Return those of the jobs that there are, whosever they are."""

    async def unfinished_since(
        self,
        *,
        queued_before: datetime,
        running_before: datetime,
        ahead_of: datetime,
        but_for: AbstractSet[JobId] = frozenset(),
        limit: int,
    ) -> Sequence[Job]:
        """Return jobs, but for some, that have not moved since before a moment.

        Those queued before the one come first, then those that entered their step
        before the other; the oldest first. What lies ahead of a moment was written by
        a clock that is wrong: nobody knows how old it is, so it counts.
        """

    async def succeeded(
        self, *, after: tuple[Tenant, JobId], limit: int
    ) -> Sequence[Job]:
        """Return the next jobs that succeeded: of one tenant, the oldest first.

        When there are no more of a tenant's, those of the next tenant come.
        """

    async def needed_on(
        self, raw_keys: Sequence[str], *, crashed_after: datetime
    ) -> AbstractSet[str]:
        """Return those of the raw bucket's keys that are still needed.

        By an unfinished job, or by people who are to look at a photo whose job failed
        since then because processes crashed on it.
        """


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


class KeyRepository(Protocol):
    async def add(self, key: ApiKey) -> None:
        """Store a new key."""

    async def get(self, key_id: KeyId) -> ApiKey:
        """Return the key, whosever it is, revoked or not, or raise `NotFound`."""

    async def get_for(self, tenant: Tenant, key_id: KeyId) -> ApiKey:
        """Return the tenant's key, revoked or not, or raise `NotFound`."""

    async def update(self, key_id: KeyId, change: Callable[[ApiKey], ApiKey]) -> ApiKey:
        """Apply `change` to the key and return it, or raise `NotFound`."""

    async def note_use(self, key_id: KeyId, *, at: datetime, secret_hmac: str) -> None:
        """Note a use of a key, if it is one that counts: see `ApiKey.used`.

        Waits for nobody: nothing is noted while someone else changes the key.
        """

    async def page(
        self, tenant: Tenant, *, limit: int, before: KeyId | None = None
    ) -> Sequence[ApiKey]:
        """Return at most `limit` of a tenant's keys, newest first."""

    async def all(self) -> Sequence[ApiKey]:
        """Return every key of every tenant, newest first. For operators."""


class Changes(Protocol):
    """The changes of one job since the subscription began."""

    async def wait(self, up_to: timedelta) -> bool:
        """Return at the next change, or when the time is over: then false.

        A change between two calls is not lost: the next call returns at once. There
        may, rarely, have been none.
        """


class JobFeed(Protocol):
    """Tells who waits when a job has changed, whichever process changed it."""

    def subscribe(self, job_id: JobId) -> AbstractAsyncContextManager[Changes]:
        """Listen for changes; those after entering the context are not missed."""
