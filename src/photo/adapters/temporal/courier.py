"""Deliveries of webhooks as Temporal workflows."""

from contextlib import suppress
from datetime import timedelta

from temporalio.client import Client
from temporalio.exceptions import WorkflowAlreadyStartedError

from photo.adapters.temporal.calls import RPC_TIMEOUT, translated
from photo.adapters.temporal.messages import DeliveryRef
from photo.adapters.temporal.webhook_workflows import DeliverWebhook
from photo.application.ports import Courier
from photo.domain.webhook import DeliveryId

# As for jobs: deciding what comes next takes milliseconds.
_TASK_TIMEOUT = timedelta(seconds=5)
_LONGEST = timedelta(days=2)


class TemporalCourier(Courier):
    """One workflow a delivery, named after it; its row decides what is left to do."""

    def __init__(self, client: Client, task_queue: str) -> None:
        self._client = client
        self._task_queue = task_queue

    async def start(self, delivery_id: DeliveryId) -> bool:
        async with translated():
            with suppress(WorkflowAlreadyStartedError):
                await self._start(delivery_id)
                return True
        return False

    async def hurry(self, delivery_id: DeliveryId) -> None:
        async with translated():
            await self._start(delivery_id, signal="hurry")

    async def _start(self, delivery_id: DeliveryId, signal: str | None = None) -> None:
        await self._client.start_workflow(
            DeliverWebhook.run,
            DeliveryRef(delivery_id),
            id=workflow_id(delivery_id),
            task_queue=self._task_queue,
            run_timeout=_LONGEST,
            task_timeout=_TASK_TIMEOUT,
            rpc_timeout=RPC_TIMEOUT,
            start_signal=signal,
        )


def workflow_id(delivery_id: DeliveryId) -> str:
    return f"deliver-webhook/{delivery_id}"
