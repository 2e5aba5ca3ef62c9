"""A request is slow by the time that it took of ours."""

from typing import Any

import pytest
from litestar import Request
from structlog.testing import capture_logs
from structlog.typing import EventDict

from photo.entrypoints.http.slowness import SLOW_SECONDS, Patience, as_wished


class Watch:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def step(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def watch() -> Watch:
    return Watch()


def complaints(patience: Patience, state: dict[str, Any]) -> list[EventDict]:
    with capture_logs() as logs:
        patience.complain(state, route="/v1/jobs")
    return [*logs]


def test_a_late_answer_is_complained_about_with_all_that_took_time(
    watch: Watch,
) -> None:
    patience = Patience(watch)
    with patience.sending():
        watch.step(3)
    watch.step(SLOW_SECONDS)
    patience.answer_begins()
    assert complaints(patience, {}) == [
        {
            "event": "slow_request",
            "log_level": "warning",
            "ours_ms": SLOW_SECONDS * 1000,
            "sending_ms": 3000,
            "wished_ms": 0,
            "route": "/v1/jobs",
        }
    ]


def test_a_quick_answer_is_not(watch: Watch) -> None:
    patience = Patience(watch)
    watch.step(SLOW_SECONDS / 2)
    patience.answer_begins()
    assert complaints(patience, {}) == []


def test_neither_is_one_that_the_caller_takes_long_to_ask_for_or_to_read(
    watch: Watch,
) -> None:
    patience = Patience(watch)
    with patience.sending():
        watch.step(60)
    patience.answer_begins()
    with patience.sending():
        watch.step(60)
    assert complaints(patience, {}) == []
    assert patience.elapsed == 120


@pytest.mark.parametrize(("seconds", "late"), [(60, False), (62, True)])
def test_nor_one_that_was_to_wait_so_long(
    watch: Watch, seconds: float, *, late: bool
) -> None:
    request: Request[Any, Any, Any] = Request({"type": "http", "state": {}})  # type: ignore[arg-type] # all that is looked at
    patience = Patience(watch)
    with as_wished(request, 60, watch):
        watch.step(seconds)
    patience.answer_begins()
    assert bool(complaints(patience, request.scope["state"])) is late


def test_what_is_never_answered_is_judged_by_its_end(watch: Watch) -> None:
    patience = Patience(watch)
    watch.step(SLOW_SECONDS * 2)
    assert len(complaints(patience, {})) == 1
