"""What is under way in the whole service, as it was a moment ago."""

from collections.abc import Callable
from datetime import datetime

from prometheus_client import CollectorRegistry, Gauge

from photo.application.ports import Clock, Snapshot, Stopwatch
from photo.domain.job import Status, Step

#: As many jobs of a status, or deliveries, are counted.
AT_MOST = 20_000

_Kind = tuple[Status, Step | None]
_KINDS: tuple[_Kind, ...] = (
    (Status.QUEUED, None),
    *((Status.RUNNING, step) for step in Step),
)


class SnapshotMetrics:
    """Every process tells the same: take the greatest of them.

    Ages go on between snapshots, also when there are no more of them.
    """

    def __init__(
        self, registry: CollectorRegistry, now: Clock, elapsed: Stopwatch
    ) -> None:
        self._now = now
        self._elapsed = elapsed
        self._taken_at = elapsed()
        self._oldest: dict[_Kind, datetime] = {}
        self._due_at: datetime | None = None

        def gauge(name: str, about: str, *labels: str) -> Gauge:
            return Gauge(name, about, labels, registry=registry)

        self._unfinished = gauge(
            "photo_jobs_unfinished",
            f"Jobs that have not ended, up to {AT_MOST} of a status; of all processes.",
            "status",
            "step",
        )
        ages = gauge(
            "photo_jobs_oldest_age_seconds",
            "How long ago the oldest of these jobs was accepted; 0 if there is none.",
            "status",
            "step",
        )
        self._pending = gauge(
            "photo_webhook_deliveries_pending",
            f"Deliveries still to be made, up to {AT_MOST}; of all processes.",
        )
        gauge(
            "photo_webhook_deliveries_overdue_seconds",
            "For how long the most urgent attempt at a delivery has been due.",
        ).set_function(lambda: self._age(self._due_at))
        gauge(
            "photo_snapshot_age_seconds",
            "Since jobs and deliveries were counted last, or the process began.",
        ).set_function(lambda: self._elapsed() - self._taken_at)
        for kind in _KINDS:
            self._unfinished.labels(*_labels(kind))
            ages.labels(*_labels(kind)).set_function(self._age_of(kind))

    def show(self, snapshot: Snapshot) -> None:
        counts = dict.fromkeys(_KINDS, 0)
        counts |= {(group.status, group.step): group.count for group in snapshot.jobs}
        for kind in _KINDS:
            self._unfinished.labels(*_labels(kind)).set(counts[kind])
        self._oldest = {
            (group.status, group.step): group.since for group in snapshot.jobs
        }
        self._pending.set(snapshot.deliveries.count)
        self._due_at = snapshot.deliveries.due_at
        self._taken_at = self._elapsed()

    def _age_of(self, kind: _Kind) -> Callable[[], float]:
        return lambda: self._age(self._oldest.get(kind))

    def _age(self, since: datetime | None) -> float:
        if since is None:
            return 0
        return max(0, (self._now() - since).total_seconds())


def _labels(kind: _Kind) -> tuple[str, str]:
    status, step = kind
    return status, step or ""
