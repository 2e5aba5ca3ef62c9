"""Steps that come close to their time limits are named."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from photo.adapters.memory import (
    MemoryJobFeed,
    MemoryJobRepository,
    MemoryMeasures,
    MemoryUploadRepository,
)
from photo.adapters.temporal.activities import JobActivities
from photo.adapters.temporal.attempts import AttemptInterceptor
from photo.adapters.temporal.messages import JobRef
from photo.application.processing import NoteWaiting
from photo.domain.job import JobId

AT_ONCE = timedelta(microseconds=1)
HOUR = timedelta(hours=1)


class Done(ActivityInboundInterceptor):
    def __init__(self) -> None:
        """There is no other behind this one."""

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        return None


@pytest.mark.parametrize(
    ("limit", "events"),
    [
        (AT_ONCE, ["step_done", "slow_step"]),
        (HOUR, ["step_done"]),
        (None, ["step_done"]),
    ],
)
async def test_a_step_is_slow_by_its_own_limit(
    limit: timedelta | None, events: list[str]
) -> None:
    environment = ActivityEnvironment()
    environment.info = replace(
        environment.info, activity_type="verify", start_to_close_timeout=limit
    )
    jobs = MemoryJobRepository(MemoryUploadRepository(), MemoryJobFeed())
    interceptor = AttemptInterceptor(NoteWaiting(jobs), MemoryMeasures())
    around = interceptor.intercept_activity(Done())
    message = JobRef(JobId("job_1"))
    call = ExecuteActivityInput(JobActivities.verify, [message], None, {})
    with capture_logs(processors=[merge_contextvars]) as logs:
        await environment.run(around.execute_activity, call)
    assert [log["event"] for log in logs] == events
    assert {(log["step"], log["job_id"]) for log in logs} == {("verify", "job_1")}
