"""Webhooks and their deliveries in memory."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from photo.adapters.memory.transactions import MemoryDatabase
from photo.application.attempts import AttemptDelivery
from photo.application.ports import (
    Courier,
    DeliveryQuery,
    DeliveryRepository,
    Receipt,
    WebhookRepository,
    WebhookSender,
)
from photo.domain.access import Tenant
from photo.domain.addresses import WebPolicy
from photo.domain.errors import NotFound, ValidationFailed
from photo.domain.job import JobId
from photo.domain.webhook import Delivery, DeliveryId, Webhook, WebhookId


class MemoryDeliveryRepository(DeliveryRepository):
    def __init__(self, database: MemoryDatabase | None = None) -> None:
        table = (database or MemoryDatabase()).table()
        self._deliveries: dict[DeliveryId, Delivery] = table

    async def add(self, delivery: Delivery) -> bool:
        for kept in self._deliveries.values():
            if (kept.job_id, kept.webhook_id) == (delivery.job_id, delivery.webhook_id):
                return False
        self._deliveries[delivery.id] = delivery
        return True

    async def get(self, delivery_id: DeliveryId) -> Delivery:
        try:
            return self._deliveries[delivery_id]
        except KeyError:
            raise NotFound(f"There is no delivery {delivery_id!r}.") from None

    async def update(
        self, delivery_id: DeliveryId, change: Callable[[Delivery], Delivery]
    ) -> Delivery:
        self._deliveries[delivery_id] = change(await self.get(delivery_id))
        return self._deliveries[delivery_id]

    async def page(self, query: DeliveryQuery) -> Sequence[Delivery]:
        found = [
            delivery
            for delivery in self._deliveries.values()
            if delivery.webhook_id == query.webhook_id
            and (query.before is None or delivery.id < query.before)
            and (query.status is None or delivery.status is query.status)
        ]
        newest_first = sorted(found, key=lambda delivery: delivery.id, reverse=True)
        return newest_first[: query.limit]

    async def of_job(self, job_id: JobId) -> Sequence[Delivery]:
        found = [one for one in self._deliveries.values() if one.job_id == job_id]
        return sorted(found, key=lambda delivery: delivery.id)

    async def overdue(self, *, since: datetime, limit: int) -> Sequence[Delivery]:
        late = [
            (delivery.due_at, delivery)
            for delivery in self._deliveries.values()
            if delivery.due_at and delivery.due_at < since
        ]
        return [delivery for _, delivery in sorted(late, key=lambda it: it[0])][:limit]

    def due(self) -> Sequence[datetime]:
        """When each delivery that is still to be made is due."""
        return [it.due_at for it in self._deliveries.values() if it.due_at]

    def forget(self, owner: WebhookId | JobId) -> int:
        """What a foreign key does when a webhook or a job is deleted; how often."""
        forgotten = [
            delivery.id
            for delivery in self._deliveries.values()
            if owner in {delivery.webhook_id, delivery.job_id}
        ]
        for delivery_id in forgotten:
            del self._deliveries[delivery_id]
        return len(forgotten)


class MemoryWebhookRepository(WebhookRepository):
    def __init__(
        self,
        deliveries: MemoryDeliveryRepository,
        database: MemoryDatabase | None = None,
    ) -> None:
        self._deliveries = deliveries
        self._webhooks: dict[WebhookId, Webhook] = (
            database or MemoryDatabase()
        ).table()

    async def add(self, webhook: Webhook, *, at_most: int) -> None:
        if len(self._endpoints(webhook.tenant)) >= at_most:
            raise ValidationFailed(
                f"A tenant may have up to {at_most} webhooks. Delete one first."
            )
        self._webhooks[webhook.id] = webhook

    async def add_default(self, webhook: Webhook) -> Webhook:
        for kept in self._webhooks.values():
            if kept.tenant == webhook.tenant and kept.url is None:
                return kept
        self._webhooks[webhook.id] = webhook
        return webhook

    async def get(self, webhook_id: WebhookId) -> Webhook:
        try:
            return self._webhooks[webhook_id]
        except KeyError:
            raise NotFound(f"There is no webhook {webhook_id!r}.") from None

    async def get_for(self, tenant: Tenant, webhook_id: WebhookId) -> Webhook:
        webhook = await self.get(webhook_id)
        if webhook.tenant != tenant:
            raise NotFound(f"There is no webhook {webhook_id!r}.")
        return webhook

    async def listening(self, tenant: Tenant) -> Sequence[Webhook]:
        return [
            webhook
            for webhook in self._endpoints(tenant)
            if webhook.disabled_at is None
        ]

    async def update(
        self, webhook_id: WebhookId, change: Callable[[Webhook], Webhook]
    ) -> Webhook:
        self._webhooks[webhook_id] = change(await self.get(webhook_id))
        return self._webhooks[webhook_id]

    async def delete(self, webhook_id: WebhookId) -> None:
        if self._webhooks.pop(webhook_id, None):
            self._deliveries.forget(webhook_id)

    async def page(
        self, tenant: Tenant, *, limit: int, before: WebhookId | None = None
    ) -> Sequence[Webhook]:
        older = [
            webhook
            for webhook in self._endpoints(tenant)
            if before is None or webhook.id < before
        ]
        return older[:limit]

    def _endpoints(self, tenant: Tenant) -> Sequence[Webhook]:
        """Newest first."""
        found = [
            webhook
            for webhook in self._webhooks.values()
            if webhook.tenant == tenant and webhook.url
        ]
        return sorted(found, key=lambda webhook: webhook.id, reverse=True)


class MemoryWebhookSender(WebhookSender):
    """Keeps what is sent, and answers with whatever its `answers` hold next."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Mapping[str, str], bytes]] = []
        self.answers: list[Receipt | Exception] = []

    def check(self, url: str) -> None:
        WebPolicy().check(url)

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Receipt:
        self.sent.append((url, headers, body))
        answer = self.answers.pop(0) if self.answers else Receipt(200)
        if isinstance(answer, Exception):
            raise answer
        return answer


class MemoryCourier(Courier):
    """Makes an attempt at once; one that is due later is left to a replay."""

    def __init__(self, attempt: AttemptDelivery) -> None:
        self._attempt = attempt

    async def start(self, delivery_id: DeliveryId) -> bool:
        await self._attempt(delivery_id)
        return True

    async def hurry(self, delivery_id: DeliveryId) -> None:
        await self._attempt(delivery_id)
