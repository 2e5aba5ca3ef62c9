"""A process that counts as an API and a worker do, with nothing behind it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from dishka import make_container
from prometheus_client import CollectorRegistry, generate_latest

from photo.adapters.metrics.gauges import ProcessMetrics
from photo.adapters.metrics.http import RequestMetrics
from photo.adapters.metrics.measures import PrometheusMeasures
from photo.adapters.metrics.repairs import PrometheusRepairLog
from photo.adapters.metrics.snapshot import SnapshotMetrics
from photo.application.health import Health
from photo.application.ports import Owed, Repair, Snapshot, Underway
from photo.domain.access import Tenant
from photo.domain.errors import Internal
from photo.domain.job import Failure, Job, JobId, Status, Step
from photo.domain.webhook import DeliveryStatus
from photo.entrypoints.registry import Registry
from photo.entrypoints.scraped import Scrape, parsed

BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class AProcess:
    """Counts as an API and a worker do."""

    def __init__(self) -> None:
        container = make_container(Registry(), skip_validation=True)
        self.registry = container.get(CollectorRegistry)
        self.measures = PrometheusMeasures(self.registry)
        self.requests = RequestMetrics(self.registry)
        self.repairs = PrometheusRepairLog(self.registry)
        self.seconds = 0.0
        self.process = ProcessMetrics(self.registry, lambda: self.seconds)
        self.process.watch_scratch(Path())
        self.snapshot = SnapshotMetrics(
            self.registry, lambda: BEGAN, lambda: self.seconds
        )

    def text(self) -> str:
        return generate_latest(self.registry).decode()

    def scrape(self, at: float) -> Scrape:
        return Scrape(at, {"http://a/metrics": parsed(self.text())})


def a_job() -> Job:
    job = Job(id=JobId("job_1"), tenant=Tenant("acme"), raw_key="raw", created_at=BEGAN)
    return job.enter(Step.VERIFY, at=BEGAN)


def work(process: AProcess) -> None:
    job, end = a_job(), BEGAN + timedelta(seconds=4)
    process.measures.ended(job.succeed(text_preview="", manifest_sha256="", at=end))
    failure = Failure.of(Internal("It broke."))
    process.measures.ended(job.fail(failure, at=end))
    process.measures.arrived(1_000)
    process.measures.waited("photo-images", 0.5)
    process.measures.delivered(DeliveryStatus.DELIVERED, 0.1)
    process.repairs.note(Repair.JOB_STARTED)
    for status in (200, 503):
        process.requests.begun()
        process.requests.ended("GET", "/v1/jobs", status, 0.007)
    process.process.note_health({"database": Health(None, 1)})
    process.process.note_health({"scanner": Health("no answer in 2 s", 2_000)})
    process.process.watch_circuit("raw_bucket", lambda: True)
    process.process.note_health({"raw_bucket": Health(None, 1)})
    process.snapshot.show(
        Snapshot(
            [
                Underway(Status.QUEUED, None, 1_234, BEGAN - timedelta(seconds=42)),
                Underway(
                    Status.RUNNING, Step.RECOGNIZE, 2, BEGAN - timedelta(minutes=5)
                ),
            ],
            Owed(7, BEGAN - timedelta(hours=2, minutes=3)),
        )
    )
