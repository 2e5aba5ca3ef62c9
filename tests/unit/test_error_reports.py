"""What Sentry is told of bugs, and what it is not."""

import asyncio
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from litestar.exceptions import (
    HTTPException,
    InternalServerException,
    NotFoundException,
)
from structlog.contextvars import bound_contextvars

from photo import __version__
from photo.domain import errors
from photo.domain.errors import Internal, ObjectNotFound, PhotoError, Unavailable
from photo.entrypoints.error_reports import ErrorReports, reporting_errors
from photo.entrypoints.http.problems import narrower
from photo.entrypoints.levels import LogLevels
from photo.entrypoints.logging import configure_logging
from tests.logs import as_before
from tests.sentry import Sink, error_sink

CANARY = "c4n4ry-5ecret"
CONTEXT = {
    "request_id": "req-1",
    "trace_id": "0af7651916cd43dd8448eb211c80319c",
    "tenant": "acme",
    "job_id": "job_1",
    "step": "read-text",
    "route": "/v1/jobs/{job_id}",
}

Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    with as_before():
        yield


@pytest.fixture
def sink() -> Iterator[Sink]:
    with error_sink() as sink:
        yield sink


def configured(reports: ErrorReports) -> Any:
    configure_logging(LogLevels(), as_json=True, seen_by=[reports])
    return structlog.get_logger("photo.test")


def fail(message: str) -> None:
    a_local = message
    raise ValueError(a_local)


def fail_with_a_cause() -> None:
    try:
        fail(CANARY)
    except ValueError as error:
        error.add_note(CANARY)
        raise Internal(f"There is no object {CANARY}.") from error


def log_a_bug(log: Any, **about: Any) -> None:
    try:
        fail_with_a_cause()
    except Internal:
        log.exception("step_broke", **about)


def test_a_bug_that_is_logged_is_told(sink: Sink) -> None:
    with reporting_errors(sink.dsn, "staging") as reports:
        log = configured(reports)
        with bound_contextvars(**CONTEXT):
            log_a_bug(log)
    [event] = sink.events
    assert sink.paths == ["/api/42/envelope/"]
    assert "sentry_key=apublickey" in sink.keys[0]
    assert event["release"] == __version__
    assert event["environment"] == "staging"
    assert event["level"] == "error"
    assert event["tags"] == CONTEXT
    cause, raised = event["exception"]["values"]
    assert (cause["type"], raised["type"]) == ("ValueError", "Internal")
    assert raised["module"] == "photo.domain.errors"
    frames = [frame["function"] for frame in cause["stacktrace"]["frames"]]
    assert frames[-2:] == ["fail_with_a_cause", "fail"]
    assert cause["stacktrace"]["frames"][-1]["lineno"] > 0


def test_only_what_is_known_to_be_harmless_leaves(sink: Sink) -> None:
    with reporting_errors(sink.dsn, "staging") as reports:
        log = configured(reports)
        log.info(CANARY)
        with bound_contextvars(secret=CANARY, **CONTEXT):
            log_a_bug(log, text=CANARY, url=f"https://bucket/{CANARY}")
    [event] = sink.events
    assert CANARY.encode() not in b"".join(sink.raw)
    assert event.keys() == {
        *("event_id", "timestamp", "level", "platform", "sdk"),
        *("release", "environment", "tags", "exception"),
    }
    for raised in event["exception"]["values"]:
        assert raised.keys() == {"type", "module", "mechanism", "stacktrace"}
        assert raised["stacktrace"].keys() == {"frames"}
        for frame in raised["stacktrace"]["frames"]:
            assert frame.keys() <= {"filename", "module", "function", "lineno"} | {
                "in_app"
            }


@pytest.mark.parametrize("given", ["the error", "its tuple", "true"])
def test_an_exception_may_be_given_in_each_form(sink: Sink, given: str) -> None:
    with reporting_errors(sink.dsn, "staging") as reports:
        log = configured(reports)
        try:
            fail("x")
        except ValueError as error:
            forms = {"the error": error, "its tuple": sys.exc_info(), "true": True}
            log.error("unexpected_error", exc_info=forms[given])  # noqa: TRY400 - its forms
    assert len(sink.events) == 1


def test_a_bug_in_a_library_is_told(sink: Sink) -> None:
    with reporting_errors(sink.dsn, "staging") as reports:
        configured(reports)
        try:
            fail(CANARY)
        except ValueError:
            logging.getLogger("asyncio").exception("%s", CANARY)
    assert len(sink.events) == 1
    assert CANARY.encode() not in sink.raw[0]


def test_a_bug_that_is_logged_twice_is_told_once(sink: Sink) -> None:
    with (
        pytest.raises(ValueError, match="x"),
        reporting_errors(sink.dsn, "staging") as reports,
    ):
        log = configured(reports)
        try:
            fail("x")
        except ValueError:
            log.exception("broke")
            log.exception("broke_again")
            raise
    assert len(sink.events) == 1


EXPECTED = [
    kind("What to do about it.")
    for kind in narrower(PhotoError)
    if not issubclass(kind, Internal)
]


@pytest.mark.parametrize(
    "error",
    [
        *EXPECTED,
        HTTPException(status_code=429),
        NotFoundException(),
        asyncio.CancelledError(),
        ExceptionGroup("all", [Unavailable("x"), ExceptionGroup("", EXPECTED)]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_is_expected_is_not_told(sink: Sink, error: BaseException) -> None:
    with reporting_errors(sink.dsn, "staging") as reports:
        configured(reports).error("expected", exc_info=error)
    assert sink.raw == []


@pytest.mark.parametrize(
    "error",
    [
        Internal("x"),
        ObjectNotFound("x"),
        InternalServerException(),
        OSError(),
        ExceptionGroup("one of them", [Unavailable("x"), OSError()]),
    ],
)
def test_what_is_nobodys_intention_is_told(sink: Sink, error: Exception) -> None:
    with reporting_errors(sink.dsn, "staging") as reports:
        configured(reports).error("unexpected_error", exc_info=error)
    assert len(sink.events) == 1


def test_an_error_without_an_exception_is_for_the_log_alone(sink: Sink) -> None:
    with reporting_errors(sink.dsn, "staging") as reports:
        configured(reports).error("artifacts_without_rows", count=3)
        configured(reports).error("odd", exc_info=None)
        configured(reports).error("nothing_is_handled", exc_info=True)
    assert sink.raw == []


def test_a_warning_is_for_the_log_alone(sink: Sink) -> None:
    with reporting_errors(sink.dsn, "staging") as reports:
        configured(reports).warning("odd", exc_info=ValueError("x"))
    assert sink.raw == []


def test_the_log_has_what_it_had(sink: Sink, capsys: Output) -> None:
    with reporting_errors(sink.dsn, "staging") as reports:
        log_a_bug(configured(reports))
    [line] = map(json.loads, capsys.readouterr().err.splitlines())
    assert line["event"] == "step_broke"
    assert line["exception"][0]["exc_type"] == "Internal"


def test_a_silent_server_does_not_hold_up_the_end(sink: Sink) -> None:
    sink.may_answer.clear()
    with reporting_errors(sink.dsn, "staging") as reports:
        log_a_bug(configured(reports))
    assert sink.raw == []


def test_an_absent_server_breaks_nothing_and_is_told_of_once(capsys: Output) -> None:
    with reporting_errors(f"http://{CANARY}@127.0.0.1:1/42", "staging") as reports:
        log = configured(reports)
        for _ in range(2):
            log.error("unexpected_error", exc_info=ValueError("x"))
            reports._client.flush(timeout=10)
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in told] == [
        "unexpected_error",
        "telemetry_lost",
        "unexpected_error",
    ]
    assert CANARY not in json.dumps(told)


def test_a_server_that_is_back_is_told_of(sink: Sink, capsys: Output) -> None:
    with reporting_errors(sink.dsn, "staging") as reports:
        log = configured(reports)
        for sink.status in (500, 503, 200, 200):
            log.error("unexpected_error", exc_info=ValueError("x"))
            reports._client.flush(timeout=10)
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    outage = [line for line in told if line["event"] != "unexpected_error"]
    assert [(line["event"], line["of"], line.get("lost")) for line in outage] == [
        ("telemetry_lost", "error_reports", None),
        ("telemetry_sent_again", "error_reports", 2),
    ]


def test_what_cannot_be_told_breaks_nothing(sink: Sink, capsys: Output) -> None:
    class Unspeakable:
        def __str__(self) -> str:
            raise ZeroDivisionError

    with reporting_errors(sink.dsn, "staging") as reports:
        reports.tell(ValueError("x"), {"job_id": Unspeakable()})
    assert sink.raw == []
    assert capsys.readouterr().err == ""


def test_variables_of_the_sdks_own_turn_nothing_on(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    with error_sink() as spotlight:
        monkeypatch.setenv("SENTRY_SPOTLIGHT", spotlight.dsn.replace("apublickey@", ""))
        monkeypatch.setenv("SENTRY_DEBUG", "true")
        monkeypatch.setenv("SENTRY_ENVIRONMENT", CANARY)
        monkeypatch.setenv("SENTRY_RELEASE", CANARY)
        with reporting_errors(sink.dsn, "staging") as reports:
            log_a_bug(configured(reports))
    assert spotlight.raw == []
    assert CANARY.encode() not in sink.raw[0]


def test_every_kind_of_error_was_thought_of() -> None:
    assert {type(error) for error in EXPECTED} >= {
        errors.Unavailable,
        errors.NotFound,
        errors.Infected,
    }
