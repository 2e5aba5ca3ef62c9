"""Workflows that try single steps of `process-photo`."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import FailureError

with workflow.unsafe.imports_passed_through():
    from photo.adapters.temporal.activities import ImageActivities, JobActivities
    from photo.adapters.temporal.messages import DeliveryRef, JobRef
    from photo.adapters.temporal.workflows import (
        ProcessPhoto,
        _attempt,
        _failure,
        _step,
    )
    from photo.domain.errors import CorruptImage
    from photo.domain.job import Failure

A_MOMENT = timedelta(seconds=1)


@workflow.defn(name="hurried-photo")
class HurriedPhoto:
    """Takes silence of a second for death."""

    @workflow.run
    async def run(self, job: JobRef) -> Failure | None:
        config = _step(timedelta(minutes=1))
        config["heartbeat_timeout"] = A_MOMENT
        return await _normalized(job, config)


@workflow.defn(name="impatient-photo")
class ImpatientPhoto:
    """Gives each try a second."""

    @workflow.run
    async def run(self, job: JobRef) -> Failure | None:
        return await _normalized(job, _step(A_MOMENT))


@workflow.defn(name="skipping-photo")
class SkippingPhoto:
    """The hurried one for the test server, which knows no final timeouts."""

    @workflow.run
    async def run(self, job: JobRef) -> Failure | None:
        config = _step(timedelta(minutes=1))
        config["heartbeat_timeout"] = A_MOMENT
        config["retry_policy"] = RetryPolicy(maximum_attempts=1)
        return await _normalized(job, config)


async def _normalized(job: JobRef, config: workflow.ActivityConfig) -> Failure | None:
    try:
        await _attempt(ImageActivities.normalize, job, config, blame=CorruptImage)
    except FailureError as error:
        return _failure(error)
    return None


@workflow.defn(name="mumbling-photo")
class MumblingPhoto:
    """Sends a step what it cannot understand."""

    @workflow.run
    async def run(self) -> Failure:
        config = _step(timedelta(minutes=1))
        try:
            await workflow.execute_activity("verify", 42, **config)
        except FailureError as error:
            return _failure(error)
        raise AssertionError


@workflow.defn(name="process-photo")
class StuckPhoto:
    """Does nothing any more, whoever makes its decisions."""

    @workflow.run
    async def run(self, _job: JobRef) -> None:
        await workflow.wait_condition(lambda: False)


@workflow.defn(name="deliver-webhook")
class StuckDelivery:
    @workflow.run
    async def run(self, _delivery: DeliveryRef) -> None:
        await workflow.wait_condition(lambda: False)


@workflow.defn(name="process-photo")
class HastyPhoto(ProcessPhoto):
    """As a careless release would change it: without a look at what was sent."""

    @workflow.run
    async def run(self, job: JobRef) -> None:
        await _attempt(ImageActivities.normalize, job, _step(A_MOMENT))
        await _attempt(JobActivities.verify, job, _step(A_MOMENT))
