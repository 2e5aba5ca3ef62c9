"""Webhooks of a `Stage`, and what a test does with their deliveries."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from dishka import Provider, Scope
from temporalio import activity
from temporalio.client import Client, WorkflowHandle

from photo.adapters.memory import MemoryWebhookSender
from photo.adapters.temporal.courier import workflow_id
from photo.adapters.temporal.messages import DeliveryRef, Pause
from photo.adapters.temporal.webhook_activities import DeliveryActivities
from photo.application.attempts import AttemptDelivery
from photo.application.ports import (
    Clock,
    Courier,
    DeliveryQuery,
    DeliveryRepository,
    Receipt,
    WebhookRepository,
    WebhookSender,
)
from photo.application.webhooks import CreateWebhook
from photo.domain.access import Principal
from photo.domain.access import Scope as KeyScope
from photo.domain.webhook import Delivery, DeliveryId, Event, WebhookId
from tests.makers import ACME, SteppableClock, a_delivery
from tests.workflow.stage import Stage, accepted_job

ADMIN = Principal(ACME, frozenset(KeyScope), "key_1")
URL = "https://hooks.example.com/photos?token=c4n4ry"


class TellingSender(MemoryWebhookSender):
    """Says when something was sent."""

    def __init__(self, *answers: Receipt | Exception) -> None:
        super().__init__()
        self.answers = [*answers]
        self.told = asyncio.Semaphore(0)

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Receipt:
        self.told.release()
        return await super().send(url, headers, body)


@dataclass(frozen=True)
class SkippingActivities(DeliveryActivities):
    """Real attempts; but pauses are over at once, by the clock of the attempts."""

    clock: SteppableClock
    pauses: list[float]

    @activity.defn(name="attempt-delivery")
    async def attempt(self, delivery: DeliveryRef) -> Pause:
        pause = await self.attempt_delivery(delivery.delivery_id)
        if pause is None:
            return Pause(None)
        self.clock.step(pause)
        self.pauses.append(pause.total_seconds())
        return Pause(0)


def staged(
    client: Client, sender: WebhookSender, *others: Callable[[Provider], object]
) -> Stage:
    provider = Provider(scope=Scope.APP)
    provider.provide(lambda: sender, provides=WebhookSender)
    for other in others:
        other(provider)
    return Stage(client, None, provider)


def skipping(pauses: list[float]) -> Callable[[Provider], object]:
    clock = SteppableClock()

    def activities(attempt: AttemptDelivery) -> DeliveryActivities:
        return SkippingActivities(attempt, clock, pauses)

    def provide(provider: Provider) -> None:
        provider.provide(lambda: clock, provides=Clock)
        provider.provide(activities, provides=DeliveryActivities)

    return provide


async def listening(stage: Stage, admin: Principal = ADMIN) -> tuple[WebhookId, str]:
    create = await stage.container.get(CreateWebhook)
    webhook, secret = await create(admin, URL, [*Event])
    assert secret
    return webhook.id, secret


async def owed(stage: Stage, webhook_id: WebhookId | None = None) -> DeliveryId:
    """A delivery that is long due and not under way."""
    job = await accepted_job(stage.container)
    if webhook_id is None:
        webhook_id, _ = await listening(stage)
    webhooks: WebhookRepository = await stage.container.get(WebhookRepository)
    delivery = a_delivery(await webhooks.get(webhook_id), job)
    now: Clock = await stage.container.get(Clock)
    delivery = replace(delivery, started_at=now())
    await (await stage.container.get(DeliveryRepository)).add(delivery)
    return delivery.id


async def delivery_of(stage: Stage, webhook_id: WebhookId) -> Delivery:
    deliveries: DeliveryRepository = await stage.container.get(DeliveryRepository)
    (delivery,) = await deliveries.page(DeliveryQuery(webhook_id=webhook_id, limit=9))
    return delivery


async def the(stage: Stage, delivery_id: DeliveryId) -> Delivery:
    deliveries: DeliveryRepository = await stage.container.get(DeliveryRepository)
    return await deliveries.get(delivery_id)


def workflow(stage: Stage, delivery_id: DeliveryId) -> WorkflowHandle[None, None]:
    return stage.client.get_workflow_handle(workflow_id(delivery_id))


async def over(stage: Stage, delivery_id: DeliveryId) -> Delivery:
    """The delivery, after its workflow."""
    async with asyncio.timeout(180):
        await workflow(stage, delivery_id).result()
    return await the(stage, delivery_id)


async def start(stage: Stage, delivery_id: DeliveryId) -> None:
    await (await stage.container.get(Courier)).start(delivery_id)
