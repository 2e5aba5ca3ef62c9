from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from photo.application.draining import Draining
from photo.application.health import CheckHealth
from photo.application.ports import Check, WorkflowEngine
from photo.domain.errors import Unavailable
from photo.entrypoints.readiness import AskReadiness, tell_of_bug
from tests.http.conftest import Run
from tests.http.service import Service
from tests.http.stand_ins import BrokenEngine, instead


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    with capture_logs(processors=[merge_contextvars]) as logs:
        yield logs


async def test_health_is_ok_with_every_check(service: Service) -> None:
    anyone = await service.anyone()
    assert (await anyone.get("/healthz")).json() == {"status": "ok", "version": "1.2.3"}
    ready = await anyone.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["status"] == "ok"
    checks = ready.json()["checks"]
    assert checks["scanner"] == {"status": "disabled"}
    assert checks["raw_bucket"].keys() == {"status", "latency_ms"}


async def test_health_fails_with_one_check_and_keeps_the_reason(
    run: Run, logs: list[Any]
) -> None:
    service = await run(instead(WorkflowEngine, BrokenEngine))
    anyone = await service.anyone()
    ready = await anyone.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["status"] == "failing"
    assert ready.json()["checks"]["workflows"]["status"] == "failing"
    assert ready.json()["checks"]["raw_bucket"]["status"] == "ok"
    assert "10.0.0.7" not in ready.text
    assert logs[0]["failures"] == {"workflows": "connect to 10.0.0.7:7233 refused"}


async def test_what_fails_is_logged_when_it_begins_and_ends(logs: list[Any]) -> None:
    class Shaky(Check):
        async def check(self) -> None:
            if self.failing:
                raise Unavailable("away", reason="ECONNREFUSED")

        failing = True

    shaky = Shaky()
    check_health = CheckHealth(
        {"database": shaky}, fresh_for=timedelta(), on_bug=tell_of_bug
    )
    ask_readiness = AskReadiness(check_health, Draining())
    for shaky.failing in (False, True, True, False, False):
        readiness = await ask_readiness()
        assert (readiness.status == "failing") is shaky.failing
    events = [(log["event"], log.get("failures")) for log in logs]
    assert events == [
        ("not_ready", {"database": "ECONNREFUSED"}),
        ("ready_again", None),
    ]


async def test_a_process_that_stops_lives_and_is_not_ready(run: Run) -> None:
    service = await run()
    anyone = await service.anyone()
    ready = (await anyone.get("/readyz")).json()
    (await service.container.get(Draining)).begin()
    stopping = await anyone.get("/readyz")
    assert stopping.status_code == 503
    assert stopping.json()["status"] == "draining"
    assert stopping.json()["checks"].keys() == ready["checks"].keys()
    assert (await anyone.get("/healthz")).status_code == 200
