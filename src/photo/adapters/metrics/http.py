"""Requests, by the routes that answer them."""

from collections.abc import Iterable
from functools import cache
from http import HTTPMethod

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# A look-up takes 2 to 10 ms, an intake some 50, a second is slow, 30 s nobody waits.
_DURATION = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

#: The route of what no route answers, and the status of what was never answered.
NONE = "none"
_OTHER = "other"
_METHODS = frozenset(HTTPMethod)
_FAILURES = ("500", "503")


class RequestMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        requests = Counter(
            "photo_http_requests",
            "Requests by the route that answered, and the answer's status.",
            ["method", "route", "status"],
            registry=registry,
        )
        durations = Histogram(
            "photo_http_request_duration_seconds",
            "Until an answer began, but for what its caller took: sending, `?wait=`.",
            ["method", "route"],
            buckets=_DURATION,
            registry=registry,
        )
        self._in_flight = Gauge(
            "photo_http_requests_in_flight",
            "Requests that are being answered, streams included.",
            registry=registry,
        )
        # Looking a child up takes longer than counting.
        self._requests = cache(requests.labels)
        self._durations = cache(durations.labels)

    def expect(self, operations: Iterable[tuple[str, str]]) -> None:
        """Have failures of methods on routes begin at 0: the first is an increase."""
        for method, route in operations:
            for status in _FAILURES:
                self._requests(method, route, status)

    def begun(self) -> None:
        self._in_flight.inc()

    def ended(
        self, method: str, route: str | None, status: int | None, seconds: float
    ) -> None:
        """The route is a template: never the path, of which there are any number."""
        method = method if method in _METHODS else _OTHER
        route = route or NONE
        self._in_flight.dec()
        self._requests(method, route, str(status or NONE)).inc()
        self._durations(method, route).observe(seconds)
