"""What Temporal and the log are told of every error of a step."""

import errno
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.typing import EventDict
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from photo.adapters.memory import (
    MemoryJobFeed,
    MemoryJobRepository,
    MemoryMeasures,
    MemoryUploadRepository,
)
from photo.adapters.temporal.activities import JobActivities
from photo.adapters.temporal.attempts import (
    BUG_ATTEMPTS,
    ENDINGS,
    FETCH_ATTEMPTS,
    AttemptInterceptor,
)
from photo.adapters.temporal.messages import JobRef
from photo.application.ports import JobRepository
from photo.application.processing import NoteWaiting
from photo.domain.errors import (
    CorruptImage,
    Internal,
    ObjectNotFound,
    PhotoError,
    Unavailable,
    UrlUnreachable,
)
from photo.domain.job import Failure, Step
from tests.makers import NOW, a_job, an_upload

BUGS = [Internal("Why."), ObjectNotFound("Why."), ZeroDivisionError()]
EVERY_ERROR = [*BUGS, CorruptImage("Why."), Unavailable("Why.")]
CRASHED = CorruptImage("Why.", reason="SIGSEGV", crash="SIGSEGV", retryable=True)
OUT_OF_TIME = CorruptImage("Why.", reason="SIGPROF", crash="SIGPROF", retryable=False)


class Failing(ActivityInboundInterceptor):
    def __init__(self, error: Exception) -> None:
        self._error = error

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        raise self._error


async def told(
    error: Exception,
    *messages: JobRef,
    step: str = "verify",
    attempt: int = 1,
    jobs: JobRepository | None = None,
    chance: float = 0,
) -> Any:
    """The error that Temporal gets when a step raises one."""
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, activity_type=step, attempt=attempt)
    nobodys = MemoryJobRepository(MemoryUploadRepository(), MemoryJobFeed())
    note = NoteWaiting(jobs or nobodys)
    interceptor = AttemptInterceptor(note, MemoryMeasures(), lambda: chance)
    around = interceptor.intercept_activity(Failing(error))
    call = ExecuteActivityInput(JobActivities.verify, messages, None, {})
    with pytest.raises(ApplicationError) as failure:
        await environment.run(around.execute_activity, call)
    return failure.value


@pytest.mark.parametrize("bug", BUGS)
async def test_a_bug_is_tried_a_few_times_and_logged_with_its_traceback(
    bug: Exception, logs: list[EventDict]
) -> None:
    attempts = range(1, BUG_ATTEMPTS + 1)
    errors = [await told(bug, attempt=attempt) for attempt in attempts]
    assert [error.non_retryable for error in errors] == [False, False, True]
    assert {error.type for error in errors} == {"internal"}
    assert [log["event"] for log in logs] == ["step_broke"] * BUG_ATTEMPTS
    assert all(log["exc_info"] for log in logs)


async def test_a_photo_that_is_to_blame_is_not_tried_again(
    logs: list[EventDict],
) -> None:
    assert (await told(CorruptImage("Why."))).non_retryable
    assert [(log["event"], log["code"]) for log in logs] == [
        ("step_refused", "corrupt_image")
    ]


async def test_a_dependency_is_waited_for_and_the_log_says_why(
    logs: list[EventDict],
) -> None:
    away = Unavailable("The bucket is away.", reason="NoSuchBucket")
    error = await told(away, attempt=1000)
    assert not error.non_retryable
    assert "NoSuchBucket" not in str([error, *error.details])
    assert [(log["event"], log["reason"]) for log in logs] == [
        ("step_unavailable", "NoSuchBucket")
    ]


async def test_a_full_disk_is_waited_for_like_a_dependency(
    logs: list[EventDict],
) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    assert not (await told(full, attempt=1000)).non_retryable
    assert [(log["event"], log["reason"]) for log in logs] == [
        ("step_unavailable", "ENOSPC")
    ]


async def test_any_other_fault_of_the_disk_is_a_bug() -> None:
    lost = OSError(errno.ENOENT, "No such file or directory")
    assert (await told(lost)).type == "internal"


@pytest.mark.parametrize("error", EVERY_ERROR)
async def test_attempts_wait_longer_and_longer_and_never_all_at_once(
    error: Exception,
) -> None:
    attempts = (1, 2, 3, 1000)
    for chance, seconds in ((0, [0.5, 1, 2, 15]), (0.5, [0.75, 1.5, 3, 22.5])):
        delays = [
            (await told(error, attempt=attempt, chance=chance)).next_retry_delay
            for attempt in attempts
        ]
        assert [delay.total_seconds() for delay in delays] == seconds


async def test_a_dependency_that_said_when_is_not_asked_before() -> None:
    busy = Unavailable("Why.", retry_after=timedelta(seconds=12))
    assert (await told(busy)).next_retry_delay == timedelta(seconds=12)
    assert (await told(busy, chance=0.5)).next_retry_delay == timedelta(seconds=15)
    assert (await told(busy, attempt=9)).next_retry_delay == timedelta(seconds=15)


@pytest.mark.parametrize("error", [CRASHED, OUT_OF_TIME])
async def test_deaths_are_counted_by_the_workflow_and_by_nobody_else(
    error: CorruptImage, logs: list[EventDict]
) -> None:
    failure = await told(error)
    assert failure.non_retryable
    assert failure.details == (
        Failure("corrupt_image", "Why.", error.retryable, (error.crash or "",)),
    )
    assert [(log["event"], log["reason"]) for log in logs] == [
        ("step_crashed", error.crash)
    ]


@pytest.mark.parametrize(
    ("retryable", "final"), [(True, [False, False, True]), (False, [True] * 3)]
)
async def test_another_server_is_asked_again_only_if_its_silence_may_pass(
    *, retryable: bool, final: list[bool]
) -> None:
    error = UrlUnreachable("Why.", retryable=retryable)
    attempts = range(1, FETCH_ATTEMPTS + 1)
    told_to_temporal = [
        await told(error, step="fetch", attempt=attempt) for attempt in attempts
    ]
    assert [error.non_retryable for error in told_to_temporal] == final
    assert {error.type for error in told_to_temporal} == {"url_unreachable"}


@pytest.mark.parametrize(
    ("error", "attempt", "noted"),
    [
        (Unavailable("Why."), 1000, True),
        (UrlUnreachable("Why.", retryable=True), 1, True),
        (UrlUnreachable("Why.", retryable=True), FETCH_ATTEMPTS, False),
        (UrlUnreachable("Why.", retryable=False), 1, False),
        (CorruptImage("Why."), 1, False),
        (CRASHED, 1, True),
        (OUT_OF_TIME, 1, False),
    ],
)
async def test_a_job_says_why_its_step_waits_only_if_the_step_is_tried_again(
    error: PhotoError, attempt: int, *, noted: bool
) -> None:
    uploads = MemoryUploadRepository()
    jobs = MemoryJobRepository(uploads, MemoryJobFeed())
    upload = an_upload()
    job = a_job(upload).enter(Step.FETCH, at=NOW)
    await uploads.add(upload)
    await jobs.add(job)
    await told(error, JobRef(job.id), step="fetch", attempt=attempt, jobs=jobs)
    expected = Failure.of(error) if noted else None
    assert (await jobs.get(job.id)).step_error == expected


async def test_waiting_on_for_the_same_kind_of_reason_is_no_news() -> None:
    uploads = MemoryUploadRepository()
    jobs = MemoryJobRepository(uploads, MemoryJobFeed())
    upload = an_upload()
    job = a_job(upload).enter(Step.FETCH, at=NOW)
    await uploads.add(upload)
    await jobs.add(job)
    note = NoteWaiting(jobs)
    await note(job.id, Unavailable("It cannot be reached."))
    told_once = await jobs.get(job.id)
    await note(job.id, Unavailable("It is left alone."))
    assert await jobs.get(job.id) == told_once


@pytest.mark.parametrize("error", EVERY_ERROR)
@pytest.mark.parametrize("ending", sorted(ENDINGS))
async def test_an_ending_is_tried_whatever_happens(
    ending: str, error: Exception
) -> None:
    assert not (await told(error, step=ending, attempt=1000)).non_retryable
