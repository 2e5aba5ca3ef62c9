"""A job: one photo on its way to text, and the moves between its states."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import NewType, Self

from photo.domain.access import Tenant
from photo.domain.errors import (
    Cancelled,
    ChecksumMismatch,
    Infected,
    JobFailed,
    JobFinished,
    JobNotFinished,
    PhotoError,
)
from photo.domain.media import MediaType
from photo.domain.upload import Upload, UploadId

JobId = NewType("JobId", str)


class Status(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Step(StrEnum):
    FETCH = "fetch"
    VERIFY = "verify"
    SCAN = "scan"
    NORMALIZE = "normalize"
    RECOGNIZE = "recognize"
    PUBLISH = "publish"


ENDED = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """What the bytes turned out to be; width and height once it is upright."""

    content_type: MediaType
    size_bytes: int
    sha256: str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    code: str
    detail: str
    #: Whether a new job on the same photo may fare better.
    retryable: bool
    #: Why processes died of the photo. For those who run the service.
    crashes: tuple[str, ...] = ()

    @classmethod
    def of(cls, error: PhotoError) -> Self:
        crashes = (error.crash,) if error.crash else ()
        return cls(error.code, error.detail, error.retryable, crashes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Queued, then running, then ended once: succeeded, failed or cancelled.

    Transitions return a new job and may be repeated, because the worker that calls
    them is retried. Every move out of an ended state raises `JobFinished`.
    """

    id: JobId
    tenant: Tenant
    #: Where the photo comes from: one of the two.
    upload_id: UploadId | None = None
    source_url: str | None = None
    #: Where the photo lies in the raw bucket.
    raw_key: str
    created_at: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)
    status: Status = Status.QUEUED
    step: Step | None = None
    #: Why the present step is being tried again.
    step_error: Failure | None = None
    #: When each step was first entered.
    entered: Mapping[Step, datetime] = field(default_factory=dict)
    started_at: datetime | None = None
    finished_at: datetime | None = None
    photo: Photo | None = None
    text_preview: str | None = None
    manifest_sha256: str | None = None
    error: Failure | None = None
    #: The job whose photo is read once more.
    retry_of: JobId | None = None
    #: Who is told of this job's end, beside the tenant's webhooks.
    webhook_url: str | None = None
    #: Counted up by every change that is stored.
    version: int = 1

    @classmethod
    def on(
        cls, upload: Upload, *, id: JobId, metadata: Mapping[str, str], now: datetime
    ) -> Self:
        return cls(
            id=id,
            tenant=upload.tenant,
            upload_id=upload.id,
            raw_key=upload.key,
            created_at=now,
            metadata=metadata,
        )

    @classmethod
    def at(
        cls,
        url: str,
        *,
        id: JobId,
        tenant: Tenant,
        metadata: Mapping[str, str],
        now: datetime,
    ) -> Self:
        return cls(
            id=id,
            tenant=tenant,
            source_url=url,
            raw_key=f"{tenant}/{id}",
            created_at=now,
            metadata=metadata,
        )

    def again(self, *, id: JobId, now: datetime) -> Self:
        """A new job on the same photo, of which it has a copy of its own."""
        if not self.ended:
            raise JobNotFinished(f"The job is {self.status}. Retry it afterwards.")
        if self.error and self.error.code == Infected.code:
            raise Infected("The photo is harmful, and was deleted. Send another.")
        return type(self)(
            id=id,
            tenant=self.tenant,
            upload_id=self.upload_id,
            source_url=self.source_url,
            raw_key=f"{self.tenant}/{id}",
            created_at=now,
            metadata=self.metadata,
            retry_of=self.id,
            webhook_url=self.webhook_url,
        )

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def verified_photo(self) -> Photo:
        if self.photo is None:
            raise ValueError(f"{self.id} has not been verified")
        return self.photo

    @property
    def last_step(self) -> Step | None:
        """The step that the job is in, or ended in."""
        return max(self.entered, key=[*Step].index, default=None)

    def artifact_key(self, name: str) -> str:
        """Where a file made of this job's photo lies in the processed bucket."""
        return f"{self.tenant}/{self.id}/{name}"

    def enter(self, step: Step, *, at: datetime) -> Self:
        self._must_go_on()
        if step in self.entered:
            return self
        return replace(
            self,
            status=Status.RUNNING,
            step=step,
            step_error=None,
            entered={**self.entered, step: at},
            started_at=self.started_at or at,
        )

    def wait(self, reason: Failure) -> Self:
        """Say why the present step could not be done yet, if it is in one."""
        self._must_go_on()
        if self.step is None:
            return self
        return replace(self, step_error=reason)

    def describe(self, photo: Photo) -> Self:
        """Say what the bytes are, or raise if they have become others since."""
        self._must_go_on()
        if self.photo is None:
            return replace(self, photo=photo)
        if self.photo.sha256 != photo.sha256:
            raise ChecksumMismatch("The photo was changed after it had been verified.")
        return self

    def measure(self, *, width: int, height: int) -> Self:
        self._must_go_on()
        photo = replace(self.verified_photo, width=width, height=height)
        return replace(self, photo=photo)

    def succeed(self, *, text_preview: str, manifest_sha256: str, at: datetime) -> Self:
        if self.status is Status.SUCCEEDED:
            return self
        self._must_go_on()
        return replace(
            self._end(Status.SUCCEEDED, at),
            text_preview=text_preview,
            manifest_sha256=manifest_sha256,
        )

    def fail(self, failure: Failure, *, at: datetime) -> Self:
        if self.status is Status.FAILED:
            return self
        self._must_go_on()
        return replace(self._end(Status.FAILED, at), error=failure)

    def cancel(self, *, at: datetime) -> Self:
        self._must_go_on()
        cancelled = Failure(Cancelled.code, "The job was cancelled.", retryable=True)
        return replace(self._end(Status.CANCELLED, at), error=cancelled)

    def must_have_succeeded(self) -> None:
        if not self.ended:
            raise JobNotFinished(f"The job is {self.status}. Ask again later.")
        if self.status is not Status.SUCCEEDED:
            reason = f" ({self.error.code})" if self.error else ""
            raise JobFailed(f"The job is {self.status}{reason}, so there is no text.")

    def durations(self) -> dict[Step, float]:
        """Seconds from each step's start to the next one's, or to the end."""
        moments = [(step, self.entered[step]) for step in Step if step in self.entered]
        spans = {
            step: (after - before).total_seconds()
            for (step, before), (_, after) in pairwise(moments)
        }
        if moments and self.finished_at:
            last, since = moments[-1]
            spans[last] = (self.finished_at - since).total_seconds()
        return spans

    def _end(self, status: Status, at: datetime) -> Self:
        return replace(self, status=status, step=None, step_error=None, finished_at=at)

    def _must_go_on(self) -> None:
        if self.ended:
            raise JobFinished(f"The job has already ended: it is {self.status}.")
