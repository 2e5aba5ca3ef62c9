"""What a process has at hand, looked up whenever Prometheus asks."""

import shutil
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge

from photo.application.health import Health
from photo.application.ports import Stopwatch

#: How many there are, by state.
Census = Callable[[], Mapping[str, int]]


class ProcessMetrics:
    """What is watched must be readable from another thread, at once."""

    def __init__(self, registry: CollectorRegistry, elapsed: Stopwatch) -> None:
        def gauge(name: str, about: str, *labels: str) -> Gauge:
            return Gauge(name, about, labels, registry=registry)

        self._registry = registry
        self._elapsed = elapsed
        self._asked_at = elapsed()
        self._connections = gauge(
            "photo_database_connections",
            "Connections to the database: to `transactions` or single `reads`.",
            "pool",
            "state",
        )
        self._most_connections = gauge(
            "photo_database_connections_max",
            "As many connections as there may be at once.",
            "pool",
        )
        self._imaging = gauge(
            "photo_imaging_processes",
            "Child processes that decode and read photos.",
            "state",
        )
        self._circuits = gauge(
            "photo_circuit_open",
            "1 while a dependency is left alone, for it failed again and again.",
            "dependency",
        )
        self._up = gauge(
            "photo_dependency_up",
            "1 if a dependency answered when it was asked last.",
            "dependency",
        )
        gauge(
            "photo_dependency_asked_age_seconds",
            "Since dependencies were asked last, or the process began.",
        ).set_function(lambda: self._elapsed() - self._asked_at)
        self._certificates = gauge(
            "photo_tls_certificate_expiry_timestamp_seconds",
            "When a certificate ends that this process shows to others.",
            "of",
        )

    def watch_connections(self, pool: str, most: int, census: Census) -> None:
        self._most_connections.labels(pool).set(most)
        for state in census():
            self._connections.labels(pool, state).set_function(_count(census, state))

    def watch_imaging(self, census: Census) -> None:
        for state in census():
            self._imaging.labels(state).set_function(_count(census, state))

    def watch_circuit(self, dependency: str, is_open: Callable[[], bool]) -> None:
        self._circuits.labels(dependency).set_function(is_open)

    def note_health(self, healths: Mapping[str, Health]) -> None:
        for dependency, health in healths.items():
            self._up.labels(dependency).set(not health.failure)
        self._asked_at = self._elapsed()

    def watch_scratch(self, folder: Path) -> None:
        """Only where there is one: to others the disk does not matter."""
        Gauge(
            "photo_scratch_free_bytes",
            "Room for the photos that are being worked on.",
            registry=self._registry,
        ).set_function(lambda: _free_bytes(folder))

    def ends(self, certificate: str, at: datetime) -> None:
        self._certificates.labels(certificate).set(at.timestamp())


def _count(census: Census, state: str) -> Callable[[], float]:
    return lambda: census()[state]


def _free_bytes(folder: Path) -> float:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return float("nan")
