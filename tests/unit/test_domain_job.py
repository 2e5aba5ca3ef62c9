from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photo.domain.errors import (
    ChecksumMismatch,
    CorruptImage,
    JobFailed,
    JobFinished,
    JobNotFinished,
    Unavailable,
)
from photo.domain.job import ENDED, Failure, Job, Status, Step
from tests.makers import ACME, NOW, a_job, a_photo, an_upload

LATER = NOW + timedelta(seconds=5)
MUCH_LATER = NOW + timedelta(seconds=60)
BROKEN = Failure("corrupt_image", "This is no photo.", retryable=False)

Move = Callable[[Job], Job]


def succeed(job: Job) -> Job:
    return job.succeed(text_preview="Hello", manifest_sha256="ab" * 32, at=LATER)


def queued() -> Job:
    return a_job()


def running() -> Job:
    return queued().enter(Step.VERIFY, at=NOW).describe(a_photo())


STATES: dict[Status, Callable[[], Job]] = {
    Status.QUEUED: queued,
    Status.RUNNING: running,
    Status.SUCCEEDED: lambda: succeed(running()),
    Status.FAILED: lambda: running().fail(BROKEN, at=LATER),
    Status.CANCELLED: lambda: running().cancel(at=LATER),
}
MOVES: dict[str, Move] = {
    "enter": lambda job: job.enter(Step.NORMALIZE, at=LATER),
    "describe": lambda job: job.describe(a_photo()),
    "measure": lambda job: job.measure(width=3, height=4),
    "succeed": succeed,
    "fail": lambda job: job.fail(BROKEN, at=MUCH_LATER),
    "cancel": lambda job: job.cancel(at=MUCH_LATER),
}
LEADS_TO = {
    (Status.QUEUED, "enter"): Status.RUNNING,
    (Status.QUEUED, "describe"): Status.QUEUED,
    (Status.QUEUED, "succeed"): Status.SUCCEEDED,
    (Status.QUEUED, "fail"): Status.FAILED,
    (Status.QUEUED, "cancel"): Status.CANCELLED,
    (Status.RUNNING, "enter"): Status.RUNNING,
    (Status.RUNNING, "describe"): Status.RUNNING,
    (Status.RUNNING, "measure"): Status.RUNNING,
    (Status.RUNNING, "succeed"): Status.SUCCEEDED,
    (Status.RUNNING, "fail"): Status.FAILED,
    (Status.RUNNING, "cancel"): Status.CANCELLED,
    (Status.SUCCEEDED, "succeed"): Status.SUCCEEDED,
    (Status.FAILED, "fail"): Status.FAILED,
}


@pytest.mark.parametrize(
    ("before", "move", "after"), [(*k, v) for k, v in LEADS_TO.items()]
)
def test_a_move_leads_to_its_state(before: Status, move: str, after: Status) -> None:
    assert MOVES[move](STATES[before]()).status is after


@pytest.mark.parametrize(
    ("ended", "move"),
    [
        (status, move)
        for status in sorted(ENDED)
        for move in MOVES
        if (status, move) not in LEADS_TO
    ],
)
def test_no_other_move_leads_out_of_an_end(ended: Status, move: str) -> None:
    with pytest.raises(JobFinished, match=ended):
        MOVES[move](STATES[ended]())


@pytest.mark.parametrize("before", [Status.QUEUED, Status.RUNNING])
@pytest.mark.parametrize("move", ["enter", "describe", "succeed", "fail"])
def test_a_repeated_move_changes_nothing(before: Status, move: str) -> None:
    once = MOVES[move](STATES[before]())
    assert MOVES[move](once) == once


def test_a_repeated_end_keeps_the_first_time_and_reason() -> None:
    failed = running().fail(BROKEN, at=LATER)
    other = Failure("timed_out", "Too slow.", retryable=False)
    assert failed.fail(other, at=MUCH_LATER) == failed


def test_a_job_takes_tenant_and_key_from_its_upload() -> None:
    upload = an_upload(tenant=ACME)
    job = a_job(upload, metadata={"page": "1"})
    assert (job.tenant, job.upload_id, job.raw_key) == (ACME, upload.id, upload.key)
    assert (job.status, job.step, job.metadata) == (Status.QUEUED, None, {"page": "1"})


def test_the_first_step_starts_the_job() -> None:
    job = queued().enter(Step.VERIFY, at=LATER)
    assert (job.started_at, job.step, job.entered) == (
        LATER,
        Step.VERIFY,
        {Step.VERIFY: LATER},
    )


def test_a_later_step_keeps_the_start() -> None:
    job = running().enter(Step.NORMALIZE, at=LATER)
    assert (job.started_at, job.step) == (NOW, Step.NORMALIZE)


def test_a_straggler_does_not_turn_the_job_back() -> None:
    ahead = running().enter(Step.NORMALIZE, at=LATER)
    assert ahead.enter(Step.VERIFY, at=MUCH_LATER) == ahead


def test_a_straggling_description_does_not_undo_the_measure() -> None:
    measured = running().measure(width=3, height=4)
    assert measured.describe(a_photo()) == measured


def test_what_was_verified_first_holds() -> None:
    job = running().measure(width=3, height=4)
    assert job.describe(a_photo()) == job
    with pytest.raises(ChecksumMismatch):
        job.describe(a_photo(b"something else"))


WAITING = Failure("dependency_unavailable", "No scanner.", retryable=True)


def test_a_step_that_waits_says_why_until_the_next_one() -> None:
    waiting = running().wait(WAITING)
    assert waiting.step_error == WAITING
    assert waiting.enter(Step.VERIFY, at=NOW) == waiting
    assert waiting.enter(Step.NORMALIZE, at=NOW).step_error is None


def test_a_job_that_is_in_no_step_yet_cannot_say_why_it_waits() -> None:
    job = queued()
    assert job.wait(WAITING) == job


def test_a_job_that_has_ended_waits_for_nothing() -> None:
    assert running().wait(WAITING).cancel(at=NOW).step_error is None
    with pytest.raises(JobFinished):
        running().cancel(at=NOW).wait(WAITING)


def test_a_measure_completes_the_photo() -> None:
    measured = running().measure(width=3, height=4)
    assert measured.photo == replace(a_photo(), width=3, height=4)


def test_an_unverified_photo_cannot_be_measured() -> None:
    with pytest.raises(ValueError, match="has not been verified"):
        queued().measure(width=3, height=4)


def test_an_ended_job_is_at_no_step() -> None:
    for status in ENDED:
        job = STATES[status]()
        assert (job.step, job.finished_at, job.ended) == (None, LATER, True)


def test_a_cancelled_job_says_so_and_may_be_tried_again() -> None:
    error = STATES[Status.CANCELLED]().error
    assert error == Failure("cancelled", "The job was cancelled.", retryable=True)


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING])
def test_an_unfinished_job_has_no_result(status: Status) -> None:
    with pytest.raises(JobNotFinished, match=f"The job is {status}"):
        STATES[status]().must_have_succeeded()


def test_a_failed_job_says_why_it_has_no_result() -> None:
    with pytest.raises(JobFailed, match=r"is failed \(corrupt_image\)"):
        STATES[Status.FAILED]().must_have_succeeded()


def test_a_cancelled_job_has_no_result() -> None:
    with pytest.raises(JobFailed, match="is cancelled"):
        STATES[Status.CANCELLED]().must_have_succeeded()


def test_a_succeeded_job_has_a_result() -> None:
    STATES[Status.SUCCEEDED]().must_have_succeeded()


def test_durations_run_from_step_to_step_to_the_end() -> None:
    job = succeed(queued().enter(Step.VERIFY, at=NOW).enter(Step.PUBLISH, at=LATER))
    assert job.durations() == {Step.VERIFY: 5.0, Step.PUBLISH: 0.0}


def test_durations_do_not_depend_on_the_order_in_which_steps_are_kept() -> None:
    job = queued().enter(Step.VERIFY, at=NOW).enter(Step.NORMALIZE, at=LATER)
    shuffled = replace(job, entered=dict(reversed([*job.entered.items()])))
    assert shuffled.durations() == job.durations() == {Step.VERIFY: 5.0}


def test_a_queued_job_has_no_durations() -> None:
    assert queued().durations() == {}


def test_only_a_dependency_makes_a_failure_retryable() -> None:
    assert Failure.of(Unavailable("S3 is away.")).retryable
    assert Failure.of(CorruptImage("This is no photo.")) == BROKEN


def test_a_failure_says_what_died() -> None:
    crash = CorruptImage("This is no photo.", crash="SIGSEGV")
    assert Failure.of(crash) == replace(BROKEN, crashes=("SIGSEGV",))


def test_the_last_step_is_known_after_the_end() -> None:
    assert queued().last_step is None
    job = queued().enter(Step.VERIFY, at=NOW).enter(Step.NORMALIZE, at=LATER)
    shuffled = replace(job, entered=dict(reversed([*job.entered.items()])))
    assert shuffled.fail(BROKEN, at=LATER).last_step is Step.NORMALIZE


@given(moves=st.lists(st.sampled_from([*MOVES]), max_size=12))
def test_whatever_happens_a_job_stays_consistent(moves: list[str]) -> None:
    job = queued()
    for name in moves:
        before = job
        try:
            job = MOVES[name](job)
        except (JobFinished, ValueError):
            continue
        assert not before.ended or job == before
        assert (job.status is Status.RUNNING) == (job.step is not None)
        assert job.ended == (job.finished_at is not None)
        assert bool(job.entered) == (job.started_at is not None)
        assert (job.status is Status.SUCCEEDED) == (job.manifest_sha256 is not None)
        unhappy = job.status in {Status.FAILED, Status.CANCELLED}
        assert unhappy == (job.error is not None)
