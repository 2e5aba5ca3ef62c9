"""Use cases: endpoints that are told when jobs end, and the secrets that sign it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from photo.application.audit import RecordChange
from photo.application.ports import (
    Clock,
    NewId,
    Transactions,
    Vault,
    WebhookRepository,
    WebhookSender,
)
from photo.domain.access import Principal
from photo.domain.audit import Action
from photo.domain.errors import UrlRefused
from photo.domain.webhook import (
    Event,
    SealedSecret,
    Webhook,
    WebhookId,
    new_secret,
    show_secret,
)

#: Of one tenant.
MAX_WEBHOOKS = 20

#: What the vault seals secrets for.
PURPOSE = b"webhooks"


class Shown(NamedTuple):
    """A webhook, and its secret where this is the moment to show it."""

    webhook: Webhook
    secret: str | None


@dataclass(frozen=True, slots=True)
class MakeWebhook:
    """Think up a webhook, and the secret as its owner sees it."""

    vault: Vault
    new_id: NewId
    now: Clock

    def __call__(
        self, caller: Principal, *, url: str | None, events: Sequence[Event]
    ) -> tuple[Webhook, str]:
        secret = new_secret()
        sealed = self.vault.seal(secret, purpose=PURPOSE)
        webhook = Webhook(
            id=WebhookId(self.new_id("whk")),
            tenant=caller.tenant,
            url=url,
            events=tuple(event for event in Event if event in events),
            secrets=(SealedSecret(sealed),),
            created_at=self.now(),
        )
        return webhook, show_secret(secret)


@dataclass(frozen=True, slots=True)
class CreateWebhook:
    transactions: Transactions
    webhooks: WebhookRepository
    sender: WebhookSender
    make: MakeWebhook
    record: RecordChange

    async def __call__(
        self, caller: Principal, url: str, events: Sequence[Event]
    ) -> Shown:
        try:
            self.sender.check(url)
        except UrlRefused as error:
            error.pointer = "/url"
            raise
        webhook, secret = self.make(caller, url=url, events=events)
        async with self.transactions.begin():
            await self.webhooks.add(webhook, at_most=MAX_WEBHOOKS)
            # The rest of a URL may hold a secret.
            host = urlsplit(url).hostname or ""
            await self.record(caller, Action.WEBHOOK_CREATED, webhook.id, host=host)
        return Shown(webhook, secret)


@dataclass(frozen=True, slots=True)
class DefaultWebhook:
    """Return what signs for the `webhook_url` of jobs; make it if there is none yet."""

    transactions: Transactions
    webhooks: WebhookRepository
    make: MakeWebhook
    record: RecordChange

    async def __call__(self, caller: Principal) -> Shown:
        made, secret = self.make(caller, url=None, events=[*Event])
        async with self.transactions.begin():
            webhook = await self.webhooks.add_default(made)
            if webhook.id != made.id:
                return Shown(webhook, None)
            await self.record(caller, Action.WEBHOOK_CREATED, made.id)
        return Shown(made, secret)


@dataclass(frozen=True, slots=True)
class RotateSecret:
    """Give a webhook a new secret; the one before goes on signing for a day."""

    transactions: Transactions
    webhooks: WebhookRepository
    vault: Vault
    record: RecordChange
    now: Clock

    async def __call__(self, caller: Principal, webhook_id: WebhookId) -> Shown:
        secret, at = new_secret(), self.now()
        sealed = self.vault.seal(secret, purpose=PURPOSE)
        async with self.transactions.begin():
            await self.webhooks.get_for(caller.tenant, webhook_id)
            webhook = await self.webhooks.update(
                webhook_id, lambda webhook: webhook.rotate(sealed, at=at)
            )
            await self.record(caller, Action.WEBHOOK_SECRET_ROTATED, webhook_id)
        return Shown(webhook, show_secret(secret))


@dataclass(frozen=True, slots=True)
class EnableWebhook:
    """Send to a webhook again that was disabled; what it missed can be replayed."""

    transactions: Transactions
    webhooks: WebhookRepository
    record: RecordChange

    async def __call__(self, caller: Principal, webhook_id: WebhookId) -> Webhook:
        async with self.transactions.begin():
            before = await self.webhooks.get_for(caller.tenant, webhook_id)
            if before.disabled_at is None:
                return before
            await self.record(caller, Action.WEBHOOK_ENABLED, webhook_id)
            return await self.webhooks.update(
                webhook_id, lambda webhook: webhook.enable()
            )


@dataclass(frozen=True, slots=True)
class DeleteWebhook:
    """Delete a webhook and its deliveries, those to come as well."""

    transactions: Transactions
    webhooks: WebhookRepository
    record: RecordChange

    async def __call__(self, caller: Principal, webhook_id: WebhookId) -> None:
        async with self.transactions.begin():
            await self.webhooks.get_for(caller.tenant, webhook_id)
            await self.webhooks.delete(webhook_id)
            await self.record(caller, Action.WEBHOOK_DELETED, webhook_id)
