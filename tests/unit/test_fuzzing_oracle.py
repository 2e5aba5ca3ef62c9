"""The judge of `make hostile`: what it finds in outcomes and in the worker's log."""

import json
from pathlib import Path
from typing import Any

import pytest

from hostile.attempt import SUCCEEDED, Attempt
from hostile.oracle import Evidence, faults
from hostile.photos import HEADING
from hostile.sending import Outcome
from hostile.worker import WorkerLog


def an_outcome(
    verdict: str = SUCCEEDED, status: str = "failed", answer: int = 409
) -> Outcome:
    if verdict == SUCCEEDED:
        return Outcome(SUCCEEDED, verdict, 200, job={"id": "job_1"}, text="Hello")
    return Outcome(status, verdict, answer, job={"id": "job_1"})


def found(
    outcome: Outcome,
    *verdicts: str,
    text: str | None = None,
    scanning: bool = False,
    evidence: Evidence | None = None,
) -> list[str]:
    attempt = Attempt(b"", "image/png", verdicts=frozenset(verdicts), text=text)
    said = evidence or Evidence({}, None)
    return [*faults(attempt, outcome, said, scanning=scanning)]


@pytest.mark.parametrize(
    "outcome",
    [
        an_outcome(),
        an_outcome("corrupt_image"),
        an_outcome("checksum_mismatch"),
        an_outcome("file_too_large", "refused", 422),
        an_outcome("store_refused", "refused", 400),
    ],
)
def test_what_is_the_files_fault_is_in_order(outcome: Outcome) -> None:
    assert found(outcome) == []


@pytest.mark.parametrize(
    "outcome",
    [
        an_outcome("internal"),
        an_outcome("dependency_unavailable"),
        an_outcome("cancelled", "cancelled"),
        an_outcome("corrupt_image", "running"),
        an_outcome("ReadTimeout()", "lost", 0),
        an_outcome("store_refused", "refused", 503),
        an_outcome("corrupt_image", answer=200),
        an_outcome("infected"),
        an_outcome("timed_out"),
    ],
)
def test_what_is_the_services_fault_is_found(outcome: Outcome) -> None:
    assert len(found(outcome)) == 1


def test_a_wrong_verdict_is_found() -> None:
    assert found(an_outcome("corrupt_image"), "corrupt_image") == []
    assert found(an_outcome("corrupt_image"), SUCCEEDED)


def test_a_wrong_text_is_found() -> None:
    assert found(an_outcome(), text="Hello") == []
    assert found(an_outcome(), text="Hell")


def test_a_virus_must_be_found_where_there_is_a_scanner() -> None:
    assert found(an_outcome("corrupt_image"), "infected") == []
    assert found(an_outcome("corrupt_image"), "infected", scanning=True)
    assert found(an_outcome("infected"), "infected", scanning=True) == []


def test_only_a_child_that_overran_its_time_may_time_out() -> None:
    overran = Evidence({}, "imaging_child_timed_out")
    assert found(an_outcome("timed_out"), evidence=overran) == []


def test_a_step_over_its_limit_is_found() -> None:
    assert found(an_outcome(), evidence=Evidence({"normalize": 299.0}, None)) == []
    assert found(an_outcome(), evidence=Evidence({"normalize": 301.0}, None))


@pytest.fixture
def log_file(tmp_path: Path) -> Path:
    file = tmp_path / "worker.log"
    file.write_text(line(event="step_broke", exception=["from an earlier run"]))
    return file


def line(**record: Any) -> str:
    return json.dumps(record) + "\n"


def write(file: Path, *lines: str) -> None:
    with file.open("a", encoding="utf-8") as log:
        log.writelines(lines)


def test_the_log_tells_what_became_of_jobs(log_file: Path) -> None:
    log = WorkerLog(log_file)
    write(
        log_file,
        line(event="step_done", job_id="job_1", step="verify", duration_ms=20.0),
        line(event="imaging_child_died", job_id="job_1"),
        "no JSON at all\n",
    )
    log.read()
    assert log.faults == {}
    assert log.seconds == {"job_1": {"verify": 0.02}}
    assert log.crashed == {"job_1": "imaging_child_died"}
    assert log.crashes == {"imaging_child_died": 1}


@pytest.mark.parametrize(
    "logged",
    [
        line(event="step_broke", job_id="job_1", exception=[{"exc_type": "KeyError"}]),
        "Traceback (most recent call last):\n",
        line(event="step_refused", detail=f"cannot read {HEADING}"),
    ],
)
def test_what_a_log_must_not_hold_is_found(log_file: Path, logged: str) -> None:
    log = WorkerLog(log_file)
    write(log_file, logged)
    log.read()
    assert [len(faults) for faults in log.faults.values()] == [1]


def test_a_log_is_read_on_when_it_was_begun_anew(log_file: Path) -> None:
    log = WorkerLog(log_file)
    write(log_file, line(event="imaging_child_died", job_id="job_1"))
    log_file.rename(log_file.with_suffix(".log.1"))
    log_file.write_text(line(event="imaging_child_died", job_id="job_2"))
    log.read()
    assert {*log.crashed} == {"job_1", "job_2"}


def test_half_a_line_is_read_when_it_is_whole(log_file: Path) -> None:
    log = WorkerLog(log_file)
    whole = line(event="imaging_child_died", job_id="job_1")
    write(log_file, whole[:20])
    log.read()
    assert log.crashed == {}
    write(log_file, whole[20:])
    log.read()
    assert {*log.crashed} == {"job_1"}
