"""Attempts at deliveries as Temporal runs them."""

from dataclasses import dataclass

from temporalio import activity

from photo.adapters.temporal.messages import DeliveryRef, Pause
from photo.application.attempts import AttemptDelivery


@dataclass(frozen=True, slots=True)
class DeliveryActivities:
    attempt_delivery: AttemptDelivery

    @activity.defn(name="attempt-delivery")
    async def attempt(self, delivery: DeliveryRef) -> Pause:
        pause = await self.attempt_delivery(delivery.delivery_id)
        return Pause(None if pause is None else pause.total_seconds())
