"""How attempts at steps went, as Prometheus is told."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from temporalio.activity import ActivityCancellationDetails
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from photo.adapters.memory import (
    MemoryJobFeed,
    MemoryJobRepository,
    MemoryUploadRepository,
)
from photo.adapters.metrics.measures import PrometheusMeasures
from photo.adapters.temporal.activities import JobActivities
from photo.adapters.temporal.attempts import AttemptInterceptor
from photo.adapters.temporal.messages import JobRef
from photo.application.ports import Outcome
from photo.application.processing import NoteWaiting
from photo.domain.errors import CorruptImage, Unavailable
from photo.domain.job import JobId

CRASHED = CorruptImage("Why.", reason="SIGSEGV", crash="SIGSEGV", retryable=True)


class Step(ActivityInboundInterceptor):
    """One that ends with an error, or not at all before it is cancelled."""

    def __init__(self, error: Exception | None, *, ends: bool = True) -> None:
        self.runs = asyncio.Event()
        self._error = error
        self._ends = ends

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        self.runs.set()
        if self._error:
            raise self._error
        if not self._ends:
            await asyncio.Event().wait()


class Counted:
    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._environment = ActivityEnvironment()
        self._environment.info = replace(
            self._environment.info, activity_type="verify", task_queue="photo"
        )
        jobs = MemoryJobRepository(MemoryUploadRepository(), MemoryJobFeed())
        measures = PrometheusMeasures(self._registry)
        self._interceptor = AttemptInterceptor(NoteWaiting(jobs), measures)

    async def attempt(self, step: Step) -> None:
        around = self._interceptor.intercept_activity(step)
        message = JobRef(JobId("job_1"))
        call = ExecuteActivityInput(JobActivities.verify, [message], None, {})
        await self._environment.run(around.execute_activity, call)

    def cancel(self, details: ActivityCancellationDetails) -> None:
        self._environment.cancel(details)

    def outcomes(self) -> dict[str, float]:
        (family,) = (
            family
            for family in self._registry.collect()
            if family.name == "photo_step_attempts"
        )
        return {
            f"{sample.labels['step']} {sample.labels['outcome']}": sample.value
            for sample in family.samples
            if sample.name.endswith("_total") and sample.value
        }

    def waits(self) -> float | None:
        return self._registry.get_sample_value(
            "photo_step_wait_seconds_count", {"queue": "photo"}
        )


@pytest.fixture
def counted() -> Counted:
    return Counted()


async def test_an_attempt_that_is_done_is_counted_and_so_is_its_waiting(
    counted: Counted,
) -> None:
    await counted.attempt(Step(None))
    await counted.attempt(Step(None))
    assert counted.outcomes() == {"verify done": 2}
    assert counted.waits() == 2


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Unavailable("Why."), Outcome.UNAVAILABLE),
        (CorruptImage("Why."), Outcome.REFUSED),
        (CRASHED, Outcome.CRASHED),
        (ZeroDivisionError(), Outcome.BROKE),
    ],
)
async def test_an_attempt_that_fails_is_counted_by_what_it_failed_of(
    counted: Counted, error: Exception, outcome: Outcome
) -> None:
    with pytest.raises(ApplicationError):
        await counted.attempt(Step(error))
    assert counted.outcomes() == {f"verify {outcome}": 1}


@pytest.mark.parametrize(
    ("details", "outcome", "ending"),
    [
        (
            ActivityCancellationDetails(cancel_requested=True),
            Outcome.CANCELLED,
            asyncio.CancelledError,
        ),
        (
            ActivityCancellationDetails(worker_shutdown=True),
            Outcome.HANDED_BACK,
            ApplicationError,
        ),
    ],
)
async def test_an_attempt_that_is_broken_off_is_counted_by_who_did_it(
    counted: Counted,
    details: ActivityCancellationDetails,
    outcome: Outcome,
    ending: type[BaseException],
) -> None:
    step = Step(None, ends=False)
    attempt = asyncio.create_task(counted.attempt(step))
    await step.runs.wait()
    counted.cancel(details)
    with pytest.raises(ending):
        await attempt
    assert counted.outcomes() == {f"verify {outcome}": 1}
