"""A delivery's way to its receiver: attempt, wait, attempt again; nothing else."""

from contextlib import suppress
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from photo.adapters.temporal.backoff import RETRY
    from photo.adapters.temporal.messages import DeliveryRef
    from photo.adapters.temporal.queues import webhooks_queue
    from photo.adapters.temporal.webhook_activities import DeliveryActivities

# The sender's own limit ends sooner; the rest is rows.
ATTEMPT_LIMIT = timedelta(seconds=45)

# Every attempt says each second that it is alive.
HEARTBEAT_TIMEOUT = timedelta(seconds=10)


@workflow.defn(name="deliver-webhook")
class DeliverWebhook:
    """How long to wait the row says, which also knows when it is over."""

    def __init__(self) -> None:
        self._hurried = False

    @workflow.run
    async def run(self, delivery: DeliveryRef) -> None:
        while await self._attempt(delivery):
            self._hurried = False

    @workflow.signal(name="hurry")
    def hurry(self) -> None:
        """Do not wait any longer; if it was over, it is not."""
        self._hurried = True

    async def _attempt(self, delivery: DeliveryRef) -> bool:
        """Make an attempt, and wait; whether another is to be made."""
        pause = await workflow.execute_activity_method(
            DeliveryActivities.attempt,
            delivery,
            task_queue=webhooks_queue(workflow.info().task_queue),
            start_to_close_timeout=ATTEMPT_LIMIT,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
            # What failed here was not the receiver: it is tried again soon.
            retry_policy=RETRY,
        )
        if pause.seconds is None:
            return self._hurried
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self._hurried, timeout=timedelta(seconds=pause.seconds)
            )
        return True
