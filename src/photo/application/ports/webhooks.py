"""Webhooks: their rows, what carries a delivery on, and the way out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from photo.domain.access import Tenant
from photo.domain.job import Job, JobId
from photo.domain.webhook import (
    Delivery,
    DeliveryId,
    DeliveryStatus,
    Event,
    Webhook,
    WebhookId,
)

#: The body of a webhook, the job in it as the API shows it. Equal on every call.
RenderEvent = Callable[[Event, Job], bytes]


class WebhookRepository(Protocol):
    async def add(self, webhook: Webhook, *, at_most: int) -> None:
        """Store a new endpoint, or raise `ValidationFailed`: a tenant has so many.

        Concurrent calls never make more.
        """

    async def add_default(self, webhook: Webhook) -> Webhook:
        """Store the tenant's webhook without a URL, or return the one it has."""

    async def get(self, webhook_id: WebhookId) -> Webhook:
        """Return the webhook, whosever it is, or raise `NotFound`. For the worker."""

    async def get_for(self, tenant: Tenant, webhook_id: WebhookId) -> Webhook:
        """Return the tenant's webhook, or raise `NotFound`."""

    async def listening(self, tenant: Tenant) -> Sequence[Webhook]:
        """Return the tenant's endpoints that are not disabled.

        They stay until the end of the transaction under way.
        """

    async def update(
        self, webhook_id: WebhookId, change: Callable[[Webhook], Webhook]
    ) -> Webhook:
        """Apply `change` to the webhook and return it, or raise `NotFound`.

        Concurrent updates happen one after the other.
        """

    async def delete(self, webhook_id: WebhookId) -> None:
        """Delete the webhook with all its deliveries, if it is there."""

    async def page(
        self, tenant: Tenant, *, limit: int, before: WebhookId | None = None
    ) -> Sequence[Webhook]:
        """Return at most `limit` of the tenant's endpoints, newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryQuery:
    """One page of a webhook's deliveries, newest first."""

    webhook_id: WebhookId
    limit: int
    before: DeliveryId | None = None
    status: DeliveryStatus | None = None


class DeliveryRepository(Protocol):
    """Deliveries go with their webhook, and with their job."""

    async def add(self, delivery: Delivery) -> bool:
        """Store a new delivery, unless its webhook has one of this job: then False."""

    async def get(self, delivery_id: DeliveryId) -> Delivery:
        """Return the delivery, whosever it is, or raise `NotFound`. For the worker."""

    async def update(
        self, delivery_id: DeliveryId, change: Callable[[Delivery], Delivery]
    ) -> Delivery:
        """Apply `change` to the delivery and return it, or raise `NotFound`.

        Concurrent updates happen one after the other.
        """

    async def page(self, query: DeliveryQuery) -> Sequence[Delivery]:
        """Return at most `limit` deliveries, newest first."""

    async def of_job(self, job_id: JobId) -> Sequence[Delivery]:
        """Return all deliveries of a job, whosever it is, the oldest first."""

    async def overdue(self, *, since: datetime, limit: int) -> Sequence[Delivery]:
        """Return pending ones whose next attempt was due before, the oldest first."""


class Courier(Protocol):
    """Carries deliveries on, attempt by attempt. Both calls may be repeated."""

    async def start(self, delivery_id: DeliveryId) -> bool:
        """Set a delivery going, or do nothing if it is under way: which of the two."""

    async def hurry(self, delivery_id: DeliveryId) -> None:
        """Set a delivery going, or if it is under way, let its next attempt be now."""


class Receipt(NamedTuple):
    """What an endpoint answered."""

    status_code: int
    #: How long it wishes to be left alone.
    retry_after: timedelta | None = None


class WebhookSender(Protocol):
    def check(self, url: str) -> None:
        """Raise `UrlRefused` if the URL's form alone forbids to send there."""

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Receipt:
        """POST a body to a URL, once, and leave the answer's body unread.

        Every address is checked before it is connected to, and no redirect followed.
        Raises `UrlRefused` or `UrlUnreachable`.
        """
