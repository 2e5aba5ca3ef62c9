import json
import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

import pytest
import structlog
from structlog.contextvars import bound_contextvars, merge_contextvars
from structlog.testing import capture_logs

from photo.entrypoints.levels import LogLevels, parse_levels
from photo.entrypoints.logging import configure_logging
from tests.http.service import running

CANARY = "c4n4ry-5ecret"
FORGERY = "a\nb\r\nc\x1b[2J\x9b\x00\u2028\x85\u202e\u2066\u200b\ud800{"

Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("photo")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
    structlog.reset_defaults()


def lines(output: Output) -> list[dict[str, Any]]:
    out, err = output.readouterr()
    assert out == ""
    return [json.loads(line) for line in err.splitlines()]


def fail(message: str) -> None:
    raise ValueError(message)


def fail_with_a_secret_in_a_local() -> None:
    secret = CANARY
    fail(f"{len(secret)} characters")


def test_an_event_is_one_line_of_json(capsys: Output) -> None:
    configure_logging(LogLevels(), as_json=True)
    structlog.get_logger("photo.test").info("job_submitted", job_id="job_1")
    (line,) = lines(capsys)
    assert datetime.fromisoformat(line.pop("timestamp")).tzinfo is not None
    assert line == {
        "event": "job_submitted",
        "job_id": "job_1",
        "level": "info",
        "logger": "photo.test",
    }


def test_a_librarys_record_has_the_same_form(capsys: Output) -> None:
    configure_logging(LogLevels(), as_json=True)
    logging.getLogger("a.library").warning("%d retries", 3)
    (line,) = lines(capsys)
    assert (line["event"], line["level"]) == ("3 retries", "warning")
    assert line["logger"] == "a.library"


def test_what_is_bound_is_on_every_line(capsys: Output) -> None:
    configure_logging(LogLevels(), as_json=True)
    with bound_contextvars(request_id="r1"):
        structlog.get_logger("photo.a").info("ours")
        logging.getLogger("photo.b").info("theirs")
    assert [line["request_id"] for line in lines(capsys)] == ["r1", "r1"]


@pytest.mark.parametrize(
    ("level", "heard"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_the_level_holds_for_us(capsys: Output, level: str, heard: list[str]) -> None:
    configure_logging(parse_levels(level), as_json=True)
    log = structlog.get_logger("photo.test")
    for name in ["debug", "info", "warning", "error"]:
        getattr(log, name)("event")
    assert [line["level"] for line in lines(capsys)] == heard


def test_libraries_are_heard_from_warning_on(capsys: Output) -> None:
    configure_logging(LogLevels("debug"), as_json=True)
    logging.getLogger("a.library").info("chatter")
    logging.getLogger("a.library").warning("trouble")
    assert [line["event"] for line in lines(capsys)] == ["trouble"]


def test_configuring_again_repeats_no_line(capsys: Output) -> None:
    configure_logging(LogLevels(), as_json=True)
    configure_logging(LogLevels(), as_json=True)
    structlog.get_logger("photo.test").info("once")
    assert len(lines(capsys)) == 1


@pytest.mark.parametrize("logger", ["ours", "a library's"])
def test_an_exception_is_told_without_local_variables(
    capsys: Output, logger: str
) -> None:
    configure_logging(LogLevels(), as_json=True)
    try:
        fail_with_a_secret_in_a_local()
    except ValueError:
        if logger == "ours":
            structlog.get_logger("photo.test").exception("broke")
        else:
            logging.getLogger("a.library").exception("broke")
    (line,) = lines(capsys)
    (told,) = line["exception"]
    assert told["exc_type"] == "ValueError"
    assert told["frames"][-2]["name"] == "fail_with_a_secret_in_a_local"
    assert CANARY not in json.dumps(line)


def test_what_exceptions_say_is_told_of_none_in_a_group(capsys: Output) -> None:
    configure_logging(LogLevels(), as_json=True)
    inner = ValueError(CANARY)
    inner.add_note(CANARY)
    nested = ExceptionGroup(CANARY, [ExceptionGroup(CANARY, [inner])])
    structlog.get_logger("photo.test").error("broke", exc_info=nested)
    (line,) = lines(capsys)
    assert "ValueError" in json.dumps(line)
    assert CANARY not in json.dumps(line)


def test_what_a_lost_task_failed_with_is_not_told(capsys: Output) -> None:
    configure_logging(LogLevels(), as_json=True)
    said = f"Task exception was never retrieved\nfuture: <exception={CANARY}>"
    logging.getLogger("asyncio").error(said)
    (line,) = lines(capsys)
    assert line["event"] == "Task exception was never retrieved"


def test_an_exception_is_told_to_people_without_local_variables(
    capsys: Output,
) -> None:
    configure_logging(LogLevels(), as_json=False)
    try:
        fail_with_a_secret_in_a_local()
    except ValueError:
        structlog.get_logger("photo.test").exception("broke")
    told = capsys.readouterr().err
    assert "ValueError: 13 characters" in told
    assert CANARY not in told


def shown(output: Output) -> list[str]:
    """The lines, holding nothing that a terminal would obey or hide."""
    _, err = output.readouterr()
    *shown, rest = err.split("\n")
    assert rest == ""
    assert all(line.isprintable() for line in shown)
    return shown


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("logger", ["photo.test", "a.library"])
def test_nothing_that_is_logged_can_forge_a_line(
    capsys: Output, logger: str, *, as_json: bool
) -> None:
    configure_logging(LogLevels(), as_json=as_json)
    if logger == "photo.test":
        values = {FORGERY: FORGERY, "list": [FORGERY], "map": {FORGERY: FORGERY}}
        structlog.get_logger(logger).warning(FORGERY, **values)
    else:
        logging.getLogger(logger).warning("%s", FORGERY)
    [line] = shown(capsys)
    if as_json:
        assert line.isascii()
        assert json.loads(line)["event"] == FORGERY
    else:
        assert r"a\nb\r\nc\x1b[2J\x9b\x00\u2028\x85\u202e\u2066\u200b\ud800{" in line


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("logger", ["photo.test", "a.library"])
def test_an_exceptions_message_cannot_forge_a_line(
    capsys: Output, logger: str, *, as_json: bool
) -> None:
    configure_logging(LogLevels(), as_json=as_json)
    try:
        fail(FORGERY)
    except ValueError:
        if logger == "photo.test":
            structlog.get_logger(logger).exception("broke")
        else:
            logging.getLogger(logger).exception("broke")
    line, *traceback = shown(capsys)
    assert "broke" in line
    assert bool(traceback) is not as_json
    assert all(told.startswith("    ") for told in traceback)


@pytest.mark.parametrize("as_json", [True, False])
async def test_a_request_is_one_line_whatever_it_says(
    capsys: Output, *, as_json: bool
) -> None:
    raw = FORGERY.encode("utf-8", "surrogatepass")
    headers = [(b"User-Agent", raw), (b"X-Request-Id", raw)]
    told = FORGERY.replace("\ud800", "")
    form = {"file": (told, b"no photo", told)}
    with capture_logs(processors=[merge_contextvars]) as events:
        async with running() as service:
            api = await service.client()
            await api.get(f"/v1/{quote(told)}", headers=headers)
            await api.get(f"/v1/jobs/{quote(told)}", params={told: told})
            await api.post("/v1/uploads", json={"content_type": told, told: told})
            await api.post("/v1/jobs", json={"metadata": {told: told}, "source": told})
            await api.post("/v1/read", files=form, headers=headers)
    assert len(events) == 5
    configure_logging(LogLevels(), as_json=as_json)
    for event in events:
        structlog.get_logger("photo.test").info(**event)
    lines = shown(capsys)
    assert len(lines) == len(events)


def test_people_get_a_line_without_colours_in_a_pipe(capsys: Output) -> None:
    configure_logging(LogLevels(), as_json=False)
    structlog.get_logger("photo.test").info("job_submitted", job_id="job_1")
    _, err = capsys.readouterr()
    assert "job_submitted" in err
    assert "job_id=job_1" in err
    assert "\x1b" not in err


@pytest.mark.parametrize("ours", [True, False])
def test_a_module_may_have_a_level_of_its_own(capsys: Output, *, ours: bool) -> None:
    get = structlog.get_logger if ours else logging.getLogger
    configure_logging(parse_levels("warning,photo.adapters.s3=debug"), as_json=True)
    get("photo.adapters.s3.store").debug("heard")
    get("photo.adapters.clamav").info("unheard")
    get("photo.adapters.clamav").warning("heard")
    structlog.get_logger("photo.adapters.s3").bind(a=1).debug("heard")
    assert [line["event"] for line in lines(capsys)] == ["heard"] * 3
