"""Every metric moves when it should, and none has more series than are known."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from photo.adapters.metrics.gauges import ProcessMetrics
from photo.adapters.metrics.measures import PrometheusMeasures
from photo.adapters.metrics.snapshot import SnapshotMetrics
from photo.application.health import Health
from photo.application.ports import Outcome, Owed, Snapshot, Underway, Verdict
from photo.domain.errors import CorruptImage
from photo.domain.job import Failure, Job, Status, Step
from photo.domain.text import Line, Page
from photo.domain.webhook import DeliveryStatus
from tests.makers import (
    NOW,
    SteppableClock,
    SteppableStopwatch,
    a_box,
    a_job,
    an_upload,
)

SECOND = timedelta(seconds=1)


class Counted:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.measures = PrometheusMeasures(self.registry)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)

    def series(self) -> int:
        families = self.registry.collect()
        return sum(len(family.samples) for family in families)


@pytest.fixture
def counted() -> Counted:
    return Counted()


def failed(code: str) -> Job:
    running = a_job(now=NOW).enter(Step.VERIFY, at=NOW + SECOND)
    failure = Failure(code, "It did not work.", retryable=False)
    return running.fail(failure, at=NOW + 9 * SECOND)


MOVES: dict[str, Callable[[PrometheusMeasures], None]] = {
    "photo_uploads_granted_total": lambda it: it.granted(an_upload()),
    "photo_uploads_arrived_total": lambda it: it.arrived(7),
    "photo_upload_bytes_total": lambda it: it.arrived(7),
    "photo_uploads_expired_total": lambda it: it.expired(3),
    "photo_recognize_seconds_count": lambda it: it.recognized(Page(9, 9), 1.5),
    "photo_scan_duration_seconds_sum": lambda it: it.scanned(Verdict.CLEAN, 0.5),
    "photo_webhook_attempt_duration_seconds_sum": lambda it: it.delivered(
        DeliveryStatus.PENDING, 2
    ),
}


def test_what_is_given_up_unsent_took_no_time(counted: Counted) -> None:
    counted.measures.delivered(DeliveryStatus.FAILED, None)
    assert counted.value("photo_webhook_deliveries_total", outcome="failed") == 1
    assert counted.value("photo_webhook_attempt_duration_seconds_count") == 0


@pytest.mark.parametrize(
    ("name", "by"),
    [*zip(MOVES, [1, 1, 7, 3, 1, 0.5, 2], strict=True)],
)
def test_it_counts_from_zero(counted: Counted, name: str, by: float) -> None:
    assert counted.value(name) == 0
    MOVES[name](counted.measures)
    assert counted.value(name) == by


def test_a_job_that_failed_counts_by_its_code(counted: Counted) -> None:
    labels = {"status": "failed", "code": CorruptImage.code}
    assert counted.value("photo_jobs_ended_total", **labels) == 0
    counted.measures.ended(failed(CorruptImage.code))
    assert counted.value("photo_jobs_ended_total", **labels) == 1
    assert counted.value("photo_job_duration_seconds_sum", status="failed") == 9
    assert counted.value("photo_step_duration_seconds_sum", step="verify") == 8


def test_other_ends_have_no_code(counted: Counted) -> None:
    counted.measures.ended(a_job(now=NOW).cancel(at=NOW + SECOND))
    ended = counted.value("photo_jobs_ended_total", status="cancelled", code="")
    assert ended == 1


def test_codes_that_nobody_knows_are_one(counted: Counted) -> None:
    known = counted.series()
    counted.measures.ended(failed("timed_out"))
    assert counted.series() == known
    for number in range(50):
        counted.measures.ended(failed(f"code_{number}"))
    assert counted.series() == known
    other = counted.value("photo_jobs_ended_total", status="failed", code="other")
    assert other == 50


def test_a_clock_that_was_set_back_makes_no_negative_durations(
    counted: Counted,
) -> None:
    counted.measures.ended(a_job(now=NOW).cancel(at=NOW - SECOND))
    assert counted.value("photo_job_duration_seconds_sum", status="cancelled") == 0


def test_every_line_counts_by_its_confidence(counted: Counted) -> None:
    lines = tuple(Line("text", sure, a_box()) for sure in (0.2, 0.96, 1.0))
    counted.measures.recognized(Page(9, 9, lines), 1)
    name = "photo_recognize_confidence_bucket"
    within = [counted.value(name, le=le) for le in ("0.3", "0.95", "0.98", "1.0")]
    assert within == [1, 1, 2, 3]


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_counts(counted: Counted, verdict: Verdict) -> None:
    assert counted.value("photo_scans_total", verdict=verdict) == 0
    counted.measures.scanned(verdict, 1)
    assert counted.value("photo_scans_total", verdict=verdict) == 1


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (DeliveryStatus.DELIVERED, "delivered"),
        (DeliveryStatus.PENDING, "retried"),
        (DeliveryStatus.FAILED, "failed"),
    ],
)
def test_attempts_at_deliveries_count(
    counted: Counted, status: DeliveryStatus, outcome: str
) -> None:
    name = "photo_webhook_deliveries_total"
    assert counted.value(name, outcome=outcome) == 0
    counted.measures.delivered(status, 1)
    assert counted.value(name, outcome=outcome) == 1


@pytest.mark.parametrize("outcome", Outcome)
def test_attempts_at_steps_count(counted: Counted, outcome: Outcome) -> None:
    labels = {"step": "normalize", "outcome": str(outcome)}
    assert counted.value("photo_step_attempts_total", **labels) == 0
    counted.measures.attempted("normalize", outcome)
    assert counted.value("photo_step_attempts_total", **labels) == 1


def test_waits_count_by_queue(counted: Counted) -> None:
    counted.measures.waited("photo-images", 2)
    assert counted.value("photo_step_wait_seconds_sum", queue="photo-images") == 2


class Shown:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.clock, self.stopwatch = SteppableClock(NOW), SteppableStopwatch()
        self.metrics = SnapshotMetrics(self.registry, self.clock, self.stopwatch)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)

    def step(self) -> None:
        self.clock.step(SECOND)
        self.stopwatch.step(SECOND)


def test_a_snapshot_is_shown_and_its_ages_go_on() -> None:
    shown = Shown()
    queued = {"status": "queued", "step": ""}
    assert shown.value("photo_jobs_unfinished", **queued) == 0
    jobs = [Underway(Status.QUEUED, None, 4, NOW - 8 * SECOND)]
    shown.metrics.show(Snapshot(jobs, Owed(2, NOW - 5 * SECOND)))
    shown.step()
    assert shown.value("photo_jobs_unfinished", **queued) == 4
    assert shown.value("photo_jobs_oldest_age_seconds", **queued) == 9
    assert shown.value("photo_webhook_deliveries_pending") == 2
    assert shown.value("photo_webhook_deliveries_overdue_seconds") == 6
    assert shown.value("photo_snapshot_age_seconds") == 1


def test_what_is_no_longer_there_is_none() -> None:
    shown = Shown()
    running = {"status": "running", "step": "verify"}
    jobs = [Underway(Status.RUNNING, Step.VERIFY, 4, NOW - SECOND)]
    shown.metrics.show(Snapshot(jobs, Owed(1, NOW + SECOND)))
    assert shown.value("photo_webhook_deliveries_overdue_seconds") == 0
    shown.metrics.show(Snapshot([], Owed(0, None)))
    assert shown.value("photo_jobs_unfinished", **running) == 0
    assert shown.value("photo_jobs_oldest_age_seconds", **running) == 0
    assert shown.value("photo_webhook_deliveries_pending") == 0


def test_the_age_of_the_snapshot_goes_on_from_the_start() -> None:
    shown = Shown()
    shown.step()
    assert shown.value("photo_snapshot_age_seconds") == 1


def test_dependencies_are_up_or_not() -> None:
    registry = CollectorRegistry()
    elapsed = SteppableStopwatch()
    process = ProcessMetrics(registry, elapsed)
    process.note_health({"database": Health(None, 1), "scanner": Health("gone", 2)})
    elapsed.step(SECOND)
    up, age = "photo_dependency_up", "photo_dependency_asked_age_seconds"
    assert registry.get_sample_value(age) == 1
    assert registry.get_sample_value(up, {"dependency": "database"}) == 1
    assert registry.get_sample_value(up, {"dependency": "scanner"}) == 0
