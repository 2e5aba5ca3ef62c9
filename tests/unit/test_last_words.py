"""How a process tells of its own end, and what it does when it cannot."""

import json
import os
import subprocess
import sys

import pytest

from tests.sentry import error_sink

CANARY = "c4n4ry-5ecret"
SETTINGS = {
    "DATABASE_URL": "postgresql://photo@127.0.0.1/photo",
    "S3_BUCKET_RAW": "raw",
    "S3_BUCKET_PROCESSED": "processed",
    "TEMPORAL_TARGET": "127.0.0.1:7233",
    "ENVIRONMENT": "staging",
}
RUN = "from photo.entrypoints.start import run\nrun(main)\n"


def ended(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | SETTINGS | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_what_ends_a_process_is_a_line_of_the_log_and_a_report() -> None:
    broken = f"async def main(_):\n    raise RuntimeError({CANARY!r})\n"
    with error_sink() as sink:
        process = ended(broken + RUN, SENTRY_DSN=sink.dsn)
    assert process.returncode == 1
    [line] = map(json.loads, process.stderr.splitlines())
    assert (line["event"], line["level"]) == ("crashed", "error")
    assert line["exception"][0]["exc_type"] == "RuntimeError"
    assert CANARY not in process.stderr
    [event] = sink.events
    assert event["exception"]["values"][0]["type"] == "RuntimeError"


def test_what_ends_it_with_a_sentence_is_no_bug() -> None:
    away = (
        "from photo.domain.errors import Unavailable\n"
        "async def main(_):\n    raise Unavailable('It is away.')\n"
    )
    with error_sink() as sink:
        process = ended(away + RUN, SENTRY_DSN=sink.dsn)
    assert (process.returncode, process.stderr) == (1, "photo: It is away.\n")
    assert sink.raw == []


def test_what_ends_a_thread_is_a_line_of_the_log() -> None:
    broken = (
        "from threading import Thread\n"
        f"def fail():\n    raise RuntimeError({CANARY!r})\n"
        "async def main(_):\n"
        "    thread = Thread(target=fail)\n    thread.start()\n    thread.join()\n"
    )
    process = ended(broken + RUN)
    assert process.returncode == 0
    [line] = map(json.loads, process.stderr.splitlines())
    assert line["event"] == "thread_broke"
    assert CANARY not in process.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has it")  # noqa: PTH110 # at collection
def test_a_log_that_cannot_be_written_ends_nothing() -> None:
    told = (
        "import sys, structlog\n"
        "async def main(_):\n"
        "    sys.stderr = open('/dev/full', 'w')\n"
        "    from photo.entrypoints.levels import LogLevels\n"
        "    from photo.entrypoints.logging import configure_logging\n"
        "    configure_logging(LogLevels(), as_json=True)\n"
        "    structlog.get_logger('photo.test').info('untold')\n"
        "    print('went on')\n"
    )
    assert ended(told + RUN).stdout == "went on\n"


def test_what_is_kept_for_good_is_not_looked_through_for_garbage() -> None:
    kept = "from photo.entrypoints.start import keep_for_good\nkeep_for_good()\n"
    process = ended("import gc\n" + kept + "print(gc.get_freeze_count() > 10_000)")
    assert process.stdout == "True\n"
