"""What happened to photos, jobs and deliveries."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram

from photo.application.ports import Measures, Outcome, Verdict
from photo.domain.errors import (
    ChecksumMismatch,
    ContentMismatch,
    CorruptImage,
    FileTooLarge,
    ImageTooLarge,
    Infected,
    Internal,
    PhotoError,
    RecognitionFailed,
    TimedOut,
    Unavailable,
    Unscannable,
    UnsupportedMediaType,
    UploadMissing,
    UrlRefused,
    UrlUnreachable,
)
from photo.domain.job import Job, Status, Step
from photo.domain.text import Page
from photo.domain.upload import Upload
from photo.domain.webhook import DeliveryStatus

# From a photo that is refused at once to one that waited for a dependency for hours;
# half of them take 1 to 4 s, and 60 s are promised.
_JOB = (0.25, 0.5, 1, 2, 3, 4, 6, 8, 12, 20, 30, 60, 120, 300, 900, 3600, 14400)
# From a light step, some database round trips, to the same hours.
_STEP = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 300, 900, 3600)
# A poll in flight takes an attempt in milliseconds; a backlog may last for hours.
_WAIT = (0.005, 0.01, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
# Most pages take 0.5 to 3 s; no child may work on one for more than 60 s.
_RECOGNIZE = (0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 9, 15, 30, 60)
# What is read right is close to 1: below .8 hardly any line is, above .995 nearly all.
_CONFIDENCE = (0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 1)
# The photo is sent meanwhile: milliseconds here, seconds from afar, a minute at most.
_SCAN = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
# Receivers are anywhere, and have 15 s.
_DELIVERY = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30)

#: What a job may end with: there from the start, so that the first is an increase.
_FAILURES: tuple[type[PhotoError], ...] = (
    ChecksumMismatch,
    ContentMismatch,
    CorruptImage,
    FileTooLarge,
    ImageTooLarge,
    Infected,
    Internal,
    RecognitionFailed,
    TimedOut,
    Unavailable,
    Unscannable,
    UnsupportedMediaType,
    UploadMissing,
    UrlRefused,
    UrlUnreachable,
)
_CODES = frozenset(kind.code for kind in _FAILURES)
_OTHER = "other"

_OUTCOMES = {
    DeliveryStatus.DELIVERED: "delivered",
    DeliveryStatus.PENDING: "retried",
    DeliveryStatus.FAILED: "failed",
}


class PrometheusMeasures(Measures):
    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, about: str, *labels: str) -> Counter:
            return Counter(name, about, labels, registry=registry)

        def histogram(
            name: str, about: str, buckets: tuple[float, ...], *labels: str
        ) -> Histogram:
            return Histogram(name, about, labels, buckets=buckets, registry=registry)

        self._granted = counter(
            "photo_uploads_granted", "Uploads to the bucket that clients were granted."
        )
        self._arrived = counter(
            "photo_uploads_arrived", "Photos that were uploaded and given a job."
        )
        self._bytes = counter("photo_upload_bytes", "Bytes of the photos that arrived.")
        self._expired = counter(
            "photo_uploads_expired",
            "Uploads that were forgotten: no job used them.",
        )
        self._ended = counter(
            "photo_jobs_ended",
            "Jobs by how they ended; those that failed by their error's code.",
            "status",
            "code",
        )
        for status, code in _endings():
            self._ended.labels(status, code)
        self._duration = histogram(
            "photo_job_duration_seconds",
            "From a job's acceptance to its end.",
            _JOB,
            "status",
        )
        for status in _ENDS:
            self._duration.labels(status)
        self._step = histogram(
            "photo_step_duration_seconds",
            "From a step's beginning to the next one's, all its attempts and waiting "
            "included; counted when the job ends.",
            _STEP,
            "step",
        )
        for step in Step:
            self._step.labels(step)
        self._attempts = counter(
            "photo_step_attempts",
            "Attempts at steps, and at what the service does by itself.",
            "step",
            "outcome",
        )
        for step in _ATTEMPTED:
            for outcome in Outcome:
                self._attempts.labels(step, outcome)
        self._waits = histogram(
            "photo_step_wait_seconds",
            "How long attempts waited for a worker, by the task queue they waited in.",
            _WAIT,
            "queue",
        )
        self._recognize = histogram(
            "photo_recognize_seconds", "Reading one page.", _RECOGNIZE
        )
        self._confidence = histogram(
            "photo_recognize_confidence", "How sure lines were read.", _CONFIDENCE
        )
        self._scans = counter(
            "photo_scans", "Photos sent to the scanner, by its verdict.", "verdict"
        )
        for verdict in Verdict:
            self._scans.labels(verdict)
        self._scan_duration = histogram(
            "photo_scan_duration_seconds",
            "From a photo's first byte to the scanner's answer.",
            _SCAN,
        )
        self._deliveries = counter(
            "photo_webhook_deliveries",
            "Attempts at deliveries, by what came of the delivery.",
            "outcome",
        )
        for name in _OUTCOMES.values():
            self._deliveries.labels(name)
        self._delivery_duration = histogram(
            "photo_webhook_attempt_duration_seconds",
            "Until a receiver answered, or it was given up.",
            _DELIVERY,
        )

    def granted(self, upload: Upload) -> None:  # noqa: ARG002 # counted alone
        self._granted.inc()

    def arrived(self, size_bytes: int) -> None:
        self._arrived.inc()
        self._bytes.inc(size_bytes)

    def expired(self, count: int) -> None:
        self._expired.inc(count)

    def ended(self, job: Job) -> None:
        code = ""
        if job.status is Status.FAILED and job.error:
            code = job.error.code if job.error.code in _CODES else _OTHER
        self._ended.labels(job.status, code).inc()
        if job.finished_at:
            taken = (job.finished_at - job.created_at).total_seconds()
            self._duration.labels(job.status).observe(max(0, taken))
        for step, seconds in job.durations().items():
            self._step.labels(step).observe(max(0, seconds))

    def scanned(self, verdict: Verdict, seconds: float) -> None:
        self._scans.labels(verdict).inc()
        self._scan_duration.observe(seconds)

    def recognized(self, page: Page, seconds: float) -> None:
        self._recognize.observe(seconds)
        for line in page.lines:
            self._confidence.observe(line.confidence)

    def delivered(self, status: DeliveryStatus, seconds: float | None) -> None:
        self._deliveries.labels(_OUTCOMES[status]).inc()
        if seconds is not None:
            self._delivery_duration.observe(seconds)

    def waited(self, queue: str, seconds: float) -> None:
        self._waits.labels(queue).observe(max(0, seconds))

    def attempted(self, step: str, outcome: Outcome) -> None:
        self._attempts.labels(step, outcome).inc()


_ENDS = (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED)

#: Steps of Temporal's, which hold those of a job: verify scans as well.
_ATTEMPTED = [step for step in Step if step is not Step.SCAN]


def _endings() -> Iterator[tuple[str, str]]:
    yield Status.SUCCEEDED, ""
    yield Status.CANCELLED, ""
    for code in sorted(_CODES | {_OTHER}):
        yield Status.FAILED, code
