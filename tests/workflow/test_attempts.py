"""What Temporal and the log are told of every error of a step."""

from dataclasses import replace
from typing import Any

import pytest
from structlog.typing import EventDict
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from photo.adapters.memory import (
    MemoryJobFeed,
    MemoryJobRepository,
    MemoryUploadRepository,
)
from photo.adapters.temporal.activities import JobActivities
from photo.adapters.temporal.attempts import (
    BUG_ATTEMPTS,
    ENDINGS,
    FETCH_ATTEMPTS,
    AttemptInterceptor,
)
from photo.application.processing import NoteWaiting
from photo.domain.errors import (
    CorruptImage,
    Internal,
    ObjectNotFound,
    Unavailable,
    UrlUnreachable,
)

BUGS = [Internal("Why."), ObjectNotFound("Why."), ZeroDivisionError()]
EVERY_ERROR = [*BUGS, CorruptImage("Why."), Unavailable("Why.")]


class Failing(ActivityInboundInterceptor):
    def __init__(self, error: Exception) -> None:
        self._error = error

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        raise self._error


async def told(error: Exception, *, step: str = "verify", attempt: int = 1) -> Any:
    """The error that Temporal gets when a step raises one."""
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, activity_type=step, attempt=attempt)
    uploads, feed = MemoryUploadRepository(), MemoryJobFeed()
    note = NoteWaiting(MemoryJobRepository(uploads, feed))
    around = AttemptInterceptor(note).intercept_activity(Failing(error))
    nothing = ExecuteActivityInput(JobActivities.verify, (), None, {})
    with pytest.raises(ApplicationError) as failure:
        await environment.run(around.execute_activity, nothing)
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


@pytest.mark.parametrize(
    ("retryable", "final"), [(True, [False, False, False, True]), (False, [True] * 4)]
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


@pytest.mark.parametrize("error", EVERY_ERROR)
@pytest.mark.parametrize("ending", sorted(ENDINGS))
async def test_an_ending_is_tried_whatever_happens(
    ending: str, error: Exception
) -> None:
    assert not (await told(error, step=ending, attempt=1000)).non_retryable
