"""Workflows that try single steps of `process-photo`."""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from photo.adapters.temporal.activities import ImageActivities
    from photo.adapters.temporal.messages import JobRef
    from photo.adapters.temporal.workflows import _attempt, _failure, _step
    from photo.domain.job import Failure


@workflow.defn(name="hurried-photo")
class HurriedPhoto:
    """Takes silence of a second for death."""

    @workflow.run
    async def run(self, job: JobRef) -> Failure:
        config = _step(timedelta(minutes=1))
        config["heartbeat_timeout"] = timedelta(seconds=1)
        try:
            await _attempt(ImageActivities.normalize, job, config)
        except ActivityError as error:
            return _failure(error)
        raise AssertionError


@workflow.defn(name="mumbling-photo")
class MumblingPhoto:
    """Sends a step what it cannot understand."""

    @workflow.run
    async def run(self) -> Failure:
        config = _step(timedelta(minutes=1))
        try:
            await workflow.execute_activity("verify", 42, **config)
        except ActivityError as error:
            return _failure(error)
        raise AssertionError
