"""Use cases: tell a tenant's endpoints that a job has ended, until they accept it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from photo.application.audit import service
from photo.application.bounded import each
from photo.application.ports import (
    Clock,
    Courier,
    DeliveryRepository,
    NewId,
    Repair,
    RepairLog,
    Transactions,
    WebhookRepository,
)
from photo.application.webhooks import DefaultWebhook
from photo.domain.access import Tenant
from photo.domain.errors import (
    NotFound,
    Unavailable,
    ValidationFailed,
)
from photo.domain.job import Job
from photo.domain.webhook import (
    Delivery,
    DeliveryId,
    Event,
    WebhookId,
)

#: An attempt this late has lost the workflow that was to make it.
LOST_AFTER = timedelta(seconds=30)

_SWEEP_LIMIT = 500
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class AnnounceEnd:
    """Owe every endpoint that listens, and the job's own, the news of a job's end.

    To be called in the transaction of that end: no end is ever without its deliveries,
    and none has two for one endpoint. They are set going when it is certain;
    `StartLostDeliveries` finds those that a crash or an absent engine left.
    """

    transactions: Transactions
    webhooks: WebhookRepository
    deliveries: DeliveryRepository
    default: DefaultWebhook
    courier: Courier
    new_id: NewId
    now: Clock

    async def __call__(self, job: Job) -> None:
        owed = []
        async for webhook_id, url in self._addresses(job):
            delivery = self._delivery(job, webhook_id, url)
            if await self.deliveries.add(delivery):
                owed.append(delivery)
        if owed:
            await self.transactions.then(lambda: self._start(owed))

    async def _addresses(self, job: Job) -> AsyncIterator[tuple[WebhookId, str]]:
        for webhook in await self.webhooks.listening(job.tenant):
            if webhook.url and webhook.hears_of(Event.of(job)):
                yield webhook.id, webhook.url
        if job.webhook_url:
            default, _ = await self.default(service(job.tenant))
            yield default.id, job.webhook_url

    def _delivery(self, job: Job, webhook_id: WebhookId, url: str) -> Delivery:
        now = self.now()
        return Delivery(
            id=DeliveryId(self.new_id("msg")),
            tenant=job.tenant,
            webhook_id=webhook_id,
            job_id=job.id,
            event=Event.of(job),
            url=url,
            created_at=now,
            started_at=now,
            due_at=now,
        )

    async def _start(self, owed: Sequence[Delivery]) -> None:
        await asyncio.gather(*(self._set_going(delivery.id) for delivery in owed))

    async def _set_going(self, delivery_id: DeliveryId) -> None:
        with suppress(Unavailable):
            await self.courier.start(delivery_id)


@dataclass(frozen=True, slots=True)
class ReplayDelivery:
    """Send a delivery once more, and for a day again, under the same id."""

    transactions: Transactions
    webhooks: WebhookRepository
    deliveries: DeliveryRepository
    courier: Courier
    now: Clock

    async def __call__(
        self, tenant: Tenant, webhook_id: WebhookId, delivery_id: DeliveryId
    ) -> Delivery:
        at = self.now()
        webhook = await self.webhooks.get_for(tenant, webhook_id)
        if webhook.disabled_at:
            raise ValidationFailed("The webhook is disabled. Enable it first.")
        delivery = await self.deliveries.get(delivery_id)
        if delivery.webhook_id != webhook_id:
            raise NotFound(f"There is no delivery {delivery_id!r}.")
        delivery = await self.deliveries.update(
            delivery_id, lambda delivery: delivery.replay(at)
        )
        await self.transactions.then(lambda: self._hurry(delivery_id))
        return delivery

    async def _hurry(self, delivery_id: DeliveryId) -> None:
        with suppress(Unavailable):
            await self.courier.hurry(delivery_id)


@dataclass(frozen=True, slots=True)
class StartLostDeliveries:
    """Set every delivery going whose attempt is long due; how many it was."""

    deliveries: DeliveryRepository
    courier: Courier
    repairs: RepairLog
    now: Clock

    async def __call__(self) -> int:
        lost = await self.deliveries.overdue(
            since=self.now() - LOST_AFTER, limit=_SWEEP_LIMIT
        )
        return sum(await each(self._start, lost, at_once=_AT_ONCE))

    async def _start(self, delivery: Delivery) -> bool:
        if started := await self.courier.start(delivery.id):
            self.repairs.note(
                Repair.DELIVERY_STARTED, job_id=delivery.job_id, delivery_id=delivery.id
            )
        return started
