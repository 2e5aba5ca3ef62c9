"""Use case: one attempt at a delivery, and what follows from it."""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from photo.application.audit import RecordChange, service
from photo.application.measuring import when_certain
from photo.application.ports import (
    Clock,
    DeliveryRepository,
    JobRepository,
    Measures,
    RenderEvent,
    Stopwatch,
    Transactions,
    Vault,
    WebhookRepository,
    WebhookSender,
)
from photo.application.webhooks import PURPOSE
from photo.domain.access import Tenant
from photo.domain.audit import Action
from photo.domain.errors import Internal, NotFound, UrlRefused, UrlUnreachable
from photo.domain.webhook import (
    Attempt,
    Delivery,
    DeliveryId,
    DeliveryStatus,
    Webhook,
    sign,
)

#: So many attempts for one tenant at once in this process: receivers that keep silent
#: hold up their own tenant's deliveries, and not those of all.
_AT_ONCE = 10
_CROWDED = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class AttemptDelivery:
    """Send a delivery once, if it is due; how long until the next attempt, if any.

    What a process that died had sent but not noted is sent again: receivers know it
    by its id.
    """

    transactions: Transactions
    webhooks: WebhookRepository
    deliveries: DeliveryRepository
    jobs: JobRepository
    sender: WebhookSender
    render: RenderEvent
    vault: Vault
    record: RecordChange
    measures: Measures
    stopwatch: Stopwatch
    now: Clock
    _under_way: Counter[Tenant] = field(default_factory=Counter, init=False)

    async def __call__(self, delivery_id: DeliveryId) -> timedelta | None:
        with suppress(NotFound):  # it was erased, with its job or its webhook
            delivery = await self.deliveries.get(delivery_id)
            webhook = await self.webhooks.get(delivery.webhook_id)
            if delivery.due_at and webhook.disabled_at:
                delivery = await self._give_up(delivery)
            elif delivery.due_at and delivery.due_at <= self.now():
                if self._under_way[delivery.tenant] >= _AT_ONCE:
                    return _CROWDED
                delivery = await self._attempt(delivery, webhook)
            if delivery.due_at:
                return max(delivery.due_at - self.now(), timedelta())
        return None

    async def _give_up(self, delivery: Delivery) -> Delivery:
        at = self.now()
        async with self.transactions.begin():
            given_up = await self.deliveries.update(
                delivery.id, lambda delivery: delivery.give_up(at)
            )
            await self._count(given_up, None)
            return given_up

    async def _attempt(self, delivery: Delivery, webhook: Webhook) -> Delivery:
        body = self.render(delivery.event, await self.jobs.get(delivery.job_id))
        since, at = self.stopwatch(), self.now()
        status_code = retry_after = error = None
        self._under_way[delivery.tenant] += 1
        try:
            headers = self._headers(delivery, webhook, body)
            status_code, retry_after = await self.sender.send(
                delivery.url, headers, body
            )
        except (Internal, UrlRefused, UrlUnreachable) as failure:
            error = failure.detail
        finally:
            self._under_way[delivery.tenant] -= 1
        attempt = Attempt(
            at=at,
            duration_ms=round((self.stopwatch() - since) * 1000),
            status_code=status_code,
            error=error,
        )
        return await self._note(attempt, delivery, webhook, retry_after)

    def _headers(
        self, delivery: Delivery, webhook: Webhook, body: bytes
    ) -> Mapping[str, str]:
        now = self.now()
        secrets = []
        for sealed in webhook.valid_secrets(now):
            with suppress(Internal):  # sealed under another key of the operator's
                secrets.append(self.vault.unseal(sealed, purpose=PURPOSE))
        if not secrets:
            raise Internal("The webhook's secret is lost. Rotate it, then replay.")
        return sign(tuple(secrets), delivery.id, body, at=now)

    async def _note(
        self,
        attempt: Attempt,
        delivery: Delivery,
        webhook: Webhook,
        retry_after: timedelta | None,
    ) -> Delivery:
        def note(delivery: Delivery) -> Delivery:
            return delivery.note(attempt, retry_after=retry_after)

        given_up = note(delivery).status is DeliveryStatus.FAILED

        def heed(webhook: Webhook) -> Webhook:
            return webhook.heed(attempt, given_up=given_up)

        # The webhook's row first, as whoever deletes it does.
        async with self.transactions.begin():
            if heed(webhook) != webhook:
                changed = await self.webhooks.update(webhook.id, heed)
                if changed.disabled_at == attempt.at:
                    await self._record(changed)
            noted = await self.deliveries.update(delivery.id, note)
            await self._count(noted, attempt.duration_ms / 1000)
            return noted

    async def _count(self, delivery: Delivery, seconds: float | None) -> None:
        delivered = partial(self.measures.delivered, delivery.status, seconds)
        await when_certain(self.transactions, delivered)

    async def _record(self, disabled: Webhook) -> None:
        await self.record(
            service(disabled.tenant),
            Action.WEBHOOK_DISABLED,
            disabled.id,
            reason=disabled.disabled_reason or "",
        )
