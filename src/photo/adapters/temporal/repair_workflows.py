"""What has rows, workflows and objects agree again: walks along all there are."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from photo.adapters.temporal.activities import JobActivities
    from photo.adapters.temporal.backoff import RETRY
    from photo.application.reconciling import Stretch

BEGINNING = Stretch()

# As everywhere: after this silence its worker is dead.
HEARTBEAT_TIMEOUT = timedelta(seconds=10)

# A few pages of a list, and an RPC for each job found.
STOP_LIMIT = timedelta(minutes=1)

# Ten thousand objects are listed in seconds; deleting all of them takes minutes.
STRETCH_LIMIT = timedelta(minutes=10)

# What a stretch needs may be away; after that the next run begins anew.
STRETCH_PATIENCE = timedelta(minutes=45)


@workflow.defn(name="stop-stray-work")
class StopStray:
    @workflow.run
    async def run(self) -> int:
        return await workflow.execute_activity_method(
            JobActivities.stop_stray,
            start_to_close_timeout=STOP_LIMIT,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
            # The schedule comes round again.
            retry_policy=RetryPolicy(maximum_attempts=1),
        )


@workflow.defn(name="sweep-artifacts")
class SweepProcessed:
    @workflow.run
    async def run(self, so_far: Stretch = BEGINNING) -> Stretch:
        return await _walk(JobActivities.sweep_processed, so_far)


@workflow.defn(name="check-results")
class CheckAll:
    @workflow.run
    async def run(self, so_far: Stretch = BEGINNING) -> Stretch:
        return await _walk(JobActivities.check_all, so_far)


async def _walk(
    stretch: Callable[[Any, Stretch], Awaitable[Stretch]], so_far: Stretch
) -> Stretch:
    """Stretch by stretch: what dies on the way is taken up where it was."""
    while so_far.next is not None:
        if workflow.info().is_continue_as_new_suggested():
            workflow.continue_as_new(so_far)
        so_far = await workflow.execute_activity_method(
            stretch,
            so_far,
            start_to_close_timeout=STRETCH_LIMIT,
            schedule_to_close_timeout=STRETCH_PATIENCE,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
            retry_policy=RETRY,
        )
    return so_far
