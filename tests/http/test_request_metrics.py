"""Requests are counted by their routes, and nothing that clients choose is a label."""

import random
from datetime import timedelta

from litestar import get
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from photo.adapters.metrics.http import RequestMetrics
from photo.entrypoints.http.app import HttpConfig, operations
from photo.entrypoints.http.slowness import Patience
from tests.http.conftest import Run
from tests.http.service import Service
from tests.makers import SteppableStopwatch

REQUESTS = "photo_http_requests_total"
JOB = "/v1/jobs/{id}"


class Counts:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def of(self, method: str, route: str, status: int) -> float | None:
        labels = {"method": method, "route": route, "status": str(status)}
        return self._registry.get_sample_value(REQUESTS, labels)

    def value(self, name: str, **labels: str) -> float | None:
        return self._registry.get_sample_value(name, labels)

    def labels(self, name: str) -> set[tuple[str, ...]]:
        return {
            tuple(sample.labels.values())
            for family in self._registry.collect()
            for sample in family.samples
            if sample.name == name
        }


async def counts_of(service: Service) -> Counts:
    return Counts(await service.container.get(CollectorRegistry))


async def test_a_request_counts_by_its_route(run: Run) -> None:
    service = await run()
    api = await service.client()
    for _ in range(3):
        await api.get("/v1/jobs/job_1")
    counts = await counts_of(service)
    assert counts.of("GET", JOB, 404) == 3
    name = "photo_http_request_duration_seconds_count"
    assert counts.value(name, method="GET", route=JOB) == 3


async def test_head_is_told_from_get(run: Run) -> None:
    service = await run()
    await (await service.anyone()).head("/healthz")
    assert (await counts_of(service)).of("HEAD", "/healthz", 200) == 1


async def test_what_is_refused_at_the_edge_is_counted(run: Run) -> None:
    service = await run(config=HttpConfig(version="1", allowed_hosts=("here",)))
    await (await service.anyone()).get("/v1/jobs")
    assert (await counts_of(service)).of("GET", "none", 400) == 1


async def test_a_bug_is_counted(run: Run) -> None:
    service = await run()

    @get("/v1/fails")
    async def fails() -> None:
        raise RuntimeError

    service.app.register(fails)
    assert (await (await service.anyone()).get("/v1/fails")).is_server_error
    assert (await counts_of(service)).of("GET", "/v1/fails", 500) == 1


async def test_requests_under_way_are_in_flight(run: Run) -> None:
    service = await run()
    seen: list[float | None] = []

    @get("/v1/look")
    async def look() -> None:
        counts = await counts_of(service)
        seen.append(counts.value("photo_http_requests_in_flight"))

    service.app.register(look)
    await (await service.anyone()).get("/v1/look")
    assert seen == [1]
    assert (await counts_of(service)).value("photo_http_requests_in_flight") == 0


def test_what_the_caller_took_is_not_counted() -> None:
    stopwatch = SteppableStopwatch()
    patience = Patience(stopwatch)
    with patience.sending():
        stopwatch.step(timedelta(seconds=30))
    stopwatch.step(timedelta(seconds=12))
    patience.answer_begins()
    stopwatch.step(timedelta(seconds=100))
    assert patience.ours({"wished_to_wait": 10.0}) == 2


def strange_paths(chance: random.Random) -> list[str]:
    names = ["v1", "jobs", "uploads", "..", "healthz", "docs", "webhooks", "keys"]

    def part() -> str:
        word = "".join(chance.choices("abcdefgh0123456789_-.~%C3", k=9))
        return chance.choice([*names, word, f"job_{word}"])

    return [
        "/" + "/".join(part() for _ in range(chance.randint(1, 5))) for _ in range(200)
    ]


async def test_whatever_is_asked_for_there_are_only_so_many_series(run: Run) -> None:
    service = await run()
    api = await service.client()
    chance = random.Random(6)  # noqa: S311 - a seed
    methods = ["GET", "POST", "DELETE", "OPTIONS", "PATCH", "BREW", "get", "X" * 40]
    for path in strange_paths(chance):
        await api.request(chance.choice(methods), path)
    counts = await counts_of(service)
    found = counts.labels(REQUESTS)
    routes = {route.path_format for route in service.app.routes} | {"none"}
    assert {route for _, route, _ in found} <= routes
    assert {method for method, _, _ in found} <= {
        "GET", "POST", "DELETE", "OPTIONS", "PATCH", "other",
    }  # fmt: skip
    assert (
        sum(
            counts.of(method, route, int(status)) or 0
            for method, route, status in found
        )
        == 200
    )
    # Beside those of known routes: a few methods by a few refusals.
    assert len({each for each in found if each[1] == "none"}) <= 6 * 4


async def test_failures_of_known_routes_begin_at_zero(run: Run) -> None:
    service = await run()
    requests = await service.container.get(RequestMetrics)
    requests.expect(operations(service.app))
    counts = await counts_of(service)
    for status in (500, 503):
        assert counts.of("POST", "/v1/jobs", status) == 0
        assert counts.of("GET", "/v1/jobs/{id}", status) == 0


async def test_outside_production_anyone_may_read_it(run: Run) -> None:
    service = await run(config=HttpConfig(version="1", show_metrics=True))
    anyone = await service.anyone()
    await anyone.get("/healthz")
    answer = (await anyone.get("/metrics")).raise_for_status()
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    families = {it.name: it for it in text_string_to_metric_families(answer.text)}
    assert "photo_http_requests" in families
    assert "process_resident_memory_bytes" in families
    assert "python_gc_collections" in families
    assert "photo_build_info" in families


async def test_otherwise_there_is_no_such_route(run: Run) -> None:
    anyone = await (await run()).anyone()
    assert (await anyone.get("/metrics")).status_code == 404
