"""What goes out as JSON."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Self

from msgspec import Struct, field

from photo.application.health import Health
from photo.application.linking import LinkedFile
from photo.application.ports import UploadForm
from photo.application.uploads import UploadReport, UploadState
from photo.domain.job import Failure, Job, JobId, Photo, Status, Step
from photo.domain.media import MediaType
from photo.domain.text import Engine, Page
from photo.domain.upload import Upload, UploadId
from photo.entrypoints.http.bodies import UploadSource, UrlSource


class UploadGrant(Struct, frozen=True, kw_only=True):
    """Send the fields, then the file, to the url as `multipart/form-data`."""

    id: UploadId
    method: Literal["POST"] = "POST"
    url: str
    fields: dict[str, str]
    max_bytes: int
    expires_at: datetime

    @classmethod
    def of(cls, upload: Upload, form: UploadForm) -> Self:
        return cls(
            id=upload.id,
            url=form.url,
            fields=form.fields,
            max_bytes=upload.max_bytes,
            expires_at=upload.expires_at,
        )


class UploadView(Struct, frozen=True, kw_only=True):
    id: UploadId
    status: UploadState
    content_type: MediaType
    size_bytes: int | None
    sha256: str | None
    filename: str | None
    max_bytes: int
    created_at: datetime
    expires_at: datetime
    job_id: JobId | None

    @classmethod
    def of(cls, report: UploadReport) -> Self:
        upload = report.upload
        return cls(
            id=upload.id,
            status=report.state,
            content_type=upload.content_type,
            size_bytes=upload.size_bytes,
            sha256=upload.sha256,
            filename=upload.filename,
            max_bytes=upload.max_bytes,
            created_at=upload.created_at,
            expires_at=upload.expires_at,
            job_id=report.job_id,
        )


class JobLinks(Struct, frozen=True):
    """Paths, relative to the service's root."""

    itself: str = field(name="self")
    events: str
    result: str
    files: str

    @classmethod
    def of(cls, job_id: JobId) -> Self:
        path = job_path(job_id)
        return cls(path, f"{path}/events", f"{path}/result", f"{path}/files")


class FailureView(Struct, frozen=True):
    code: str
    detail: str
    #: Whether a new job on the same photo may fare better.
    retryable: bool

    @classmethod
    def of(cls, failure: Failure | None) -> Self | None:
        """Its crashes are not the client's business."""
        if failure is None:
            return None
        return cls(failure.code, failure.detail, failure.retryable)


class JobView(Struct, frozen=True, kw_only=True):
    id: JobId
    status: Status
    step: Step | None
    #: Why the present step is being tried again, if it is.
    step_error: FailureView | None
    source: UploadSource | UrlSource
    #: The job whose photo is read once more.
    retry_of: JobId | None
    photo: Photo | None
    text_preview: str | None
    error: FailureView | None
    metadata: Mapping[str, str]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    #: Milliseconds by step, for the steps that are over.
    timings_ms: dict[Step, int]
    links: JobLinks

    @classmethod
    def of(cls, job: Job) -> Self:
        return cls(
            id=job.id,
            status=job.status,
            step=job.step,
            step_error=FailureView.of(job.step_error),
            source=_source(job),
            retry_of=job.retry_of,
            photo=job.photo,
            text_preview=job.text_preview,
            error=FailureView.of(job.error),
            metadata=job.metadata,
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
            timings_ms={
                step: round(seconds * 1000) for step, seconds in job.durations().items()
            },
            links=JobLinks.of(job.id),
        )


def _source(job: Job) -> UploadSource | UrlSource:
    if job.upload_id:
        return UploadSource(upload_id=job.upload_id)
    return UrlSource(url=job.source_url or "")


class JobPage(Struct, frozen=True):
    items: list[JobView]
    next_cursor: str | None


class FileView(Struct, frozen=True, kw_only=True):
    name: str
    content_type: str
    size_bytes: int
    sha256: str
    url: str
    expires_at: datetime

    @classmethod
    def of(cls, linked: LinkedFile) -> Self:
        file = linked.file
        return cls(
            name=file.name,
            content_type=file.content_type,
            size_bytes=file.size_bytes,
            sha256=file.sha256,
            url=linked.url,
            expires_at=linked.expires_at,
        )


class FileList(Struct, frozen=True):
    items: list[FileView]


class ResultView(Struct, frozen=True):
    """`text.json`, which is stored as it is sent: here for the documentation."""

    job_id: JobId
    engine: Engine
    text: str
    pages: list[Page]


class Liveness(Struct, frozen=True):
    status: Literal["ok"]
    version: str


class CheckView(Struct, frozen=True, omit_defaults=True):
    status: Literal["ok", "failing", "disabled"]
    latency_ms: float | None = None


class Readiness(Struct, frozen=True):
    status: Literal["ok", "failing", "draining"]
    checks: dict[str, CheckView]

    @classmethod
    def of(cls, healths: Mapping[str, Health], *, draining: bool) -> Self:
        checks = {"scanner": CheckView("disabled")} | {
            name: CheckView(
                "failing" if health.failure else "ok", round(health.latency_ms, 1)
            )
            for name, health in healths.items()
        }
        if draining:
            return cls("draining", checks)
        failing = any(check.status == "failing" for check in checks.values())
        return cls("failing" if failing else "ok", checks)


def job_path(job_id: JobId) -> str:
    return f"/v1/jobs/{job_id}"
