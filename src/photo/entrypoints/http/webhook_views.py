"""What goes out as JSON: webhooks, their deliveries, and what is delivered."""

from datetime import datetime
from typing import Self

import msgspec
from msgspec import UNSET, Struct, UnsetType

from photo.application.webhooks import Shown
from photo.domain.job import Job, JobId
from photo.domain.webhook import (
    Attempt,
    Delivery,
    DeliveryId,
    DeliveryStatus,
    Event,
    Webhook,
    WebhookId,
)
from photo.entrypoints.http.views import JobView


class WebhookView(Struct, frozen=True, kw_only=True):
    id: WebhookId
    #: Null for the one that signs for the `webhook_url` of jobs.
    url: str | None
    events: list[Event]
    created_at: datetime
    #: Since when nothing has been accepted, if the last attempt was not.
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_reason: str | None
    #: `whsec_…`: only when it is new.
    secret: str | UnsetType = UNSET

    @classmethod
    def of(cls, webhook: Webhook) -> Self:
        return cls.shown(Shown(webhook, None))

    @classmethod
    def shown(cls, shown: Shown) -> Self:
        webhook, secret = shown
        return cls(
            id=webhook.id,
            url=webhook.url,
            events=[*webhook.events],
            created_at=webhook.created_at,
            failing_since=webhook.failing_since,
            disabled_at=webhook.disabled_at,
            disabled_reason=webhook.disabled_reason,
            secret=secret or UNSET,
        )


class WebhookPage(Struct, frozen=True):
    items: list[WebhookView]
    next_cursor: str | None


class DeliveryView(Struct, frozen=True, kw_only=True):
    #: Also the header `webhook-id`, the same at every attempt.
    id: DeliveryId
    event: Event
    job_id: JobId
    url: str
    status: DeliveryStatus
    created_at: datetime
    next_attempt_at: datetime | None
    finished_at: datetime | None
    #: The oldest first.
    attempts: list[Attempt]

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        return cls(
            id=delivery.id,
            event=delivery.event,
            job_id=delivery.job_id,
            url=delivery.url,
            status=delivery.status,
            created_at=delivery.created_at,
            next_attempt_at=delivery.due_at,
            finished_at=delivery.finished_at,
            attempts=[*delivery.attempts],
        )


class DeliveryPage(Struct, frozen=True):
    items: list[DeliveryView]
    next_cursor: str | None


class WebhookEvent(Struct, frozen=True):
    """What is sent to a webhook."""

    type: Event
    #: Of the job's end.
    timestamp: datetime | None
    data: JobView

    @classmethod
    def render(cls, event: Event, job: Job) -> bytes:
        return msgspec.json.encode(cls(event, job.finished_at, JobView.of(job)))
