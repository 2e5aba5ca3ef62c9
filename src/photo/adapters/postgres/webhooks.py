"""Webhooks in Postgres."""

from collections.abc import Callable, Sequence

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import RowMapping

from photo.adapters.postgres.database import translated
from photo.adapters.postgres.rows import from_row, to_row
from photo.adapters.postgres.schema import webhooks
from photo.adapters.postgres.schema.webhooks import NO_URL
from photo.adapters.postgres.transactions import Database
from photo.application.ports import WebhookRepository
from photo.domain.access import Tenant
from photo.domain.errors import NotFound, ValidationFailed
from photo.domain.webhook import Webhook, WebhookId

_THIS = webhooks.c.id == bindparam("webhook_id")
_ADD = insert(webhooks)
_ADD_DEFAULT = _ADD.on_conflict_do_nothing(
    index_elements=["tenant"], index_where=NO_URL
)
_GET = select(webhooks).where(_THIS)
_GET_FOR = _GET.where(webhooks.c.tenant == bindparam("of"))
_ALL = select(webhooks).where(webhooks.c.tenant == bindparam("of"))
_DEFAULT = _ALL.where(webhooks.c.url.is_(None))
_ENDPOINTS = _ALL.where(webhooks.c.url.is_not(None)).order_by(webhooks.c.id.desc())
# Locks let jobs end at once, and others change a webhook, but nobody delete it.
_LISTENING = _ENDPOINTS.where(webhooks.c.disabled_at.is_(None)).with_for_update(
    read=True, key_share=True
)
_LOCK = _GET.with_for_update(key_share=True)
_CHANGE = update(webhooks).where(_THIS)
_DELETE = delete(webhooks).where(_THIS)
_NEWEST = _ENDPOINTS.limit(bindparam("limit"))
_OLDER = _NEWEST.where(webhooks.c.id < bindparam("before"))
_COUNT = select(func.count()).where(
    webhooks.c.tenant == bindparam("of"), webhooks.c.url.is_not(None)
)
#: Who adds to a tenant's webhooks waits here for the others who do.
_TURN = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("of"), 0)))


class PostgresWebhookRepository(WebhookRepository):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, webhook: Webhook, *, at_most: int) -> None:
        of = {"of": f"webhooks of {webhook.tenant}"}
        async with self._database.begin():
            with translated():
                async with self._database.connect() as db:
                    await db.execute(_TURN, of)
                    there = await db.execute(_COUNT, {"of": webhook.tenant})
                    if there.scalar_one() >= at_most:
                        raise ValidationFailed(
                            f"A tenant may have up to {at_most} webhooks. "
                            "Delete one first."
                        )
                    await db.execute(_ADD, to_row(webhook))

    async def add_default(self, webhook: Webhook) -> Webhook:
        async with self._database.begin():
            with translated():
                async with self._database.connect() as db:
                    await db.execute(_ADD_DEFAULT, to_row(webhook))
                    found = await db.execute(_DEFAULT, {"of": webhook.tenant})
                    return from_row(found.mappings().one(), Webhook)

    async def get(self, webhook_id: WebhookId) -> Webhook:
        with translated():
            async with self._database.connect() as db:
                found = await db.execute(_GET, {"webhook_id": webhook_id})
                return _one(found.mappings().one_or_none(), webhook_id)

    async def get_for(self, tenant: Tenant, webhook_id: WebhookId) -> Webhook:
        values = {"webhook_id": webhook_id, "of": tenant}
        with translated():
            async with self._database.connect() as db:
                found = await db.execute(_GET_FOR, values)
                return _one(found.mappings().one_or_none(), webhook_id)

    async def listening(self, tenant: Tenant) -> Sequence[Webhook]:
        with translated():
            async with self._database.connect() as db:
                found = await db.execute(_LISTENING, {"of": tenant})
                return [from_row(row, Webhook) for row in found.mappings()]

    async def update(
        self, webhook_id: WebhookId, change: Callable[[Webhook], Webhook]
    ) -> Webhook:
        this = {"webhook_id": webhook_id}
        async with self._database.begin():
            with translated():
                async with self._database.connect() as db:
                    found = await db.execute(_LOCK, this)
                    webhook = change(_one(found.mappings().one_or_none(), webhook_id))
                    await db.execute(_CHANGE, {**this, **to_row(webhook)})
                    return webhook

    async def delete(self, webhook_id: WebhookId) -> None:
        with translated():
            async with self._database.connect() as db:
                await db.execute(_DELETE, {"webhook_id": webhook_id})

    async def page(
        self, tenant: Tenant, *, limit: int, before: WebhookId | None = None
    ) -> Sequence[Webhook]:
        statement = _OLDER if before else _NEWEST
        values = {"of": tenant, "limit": limit, "before": before}
        with translated():
            async with self._database.connect() as db:
                found = await db.execute(statement, values)
                return [from_row(row, Webhook) for row in found.mappings()]


def _one(row: RowMapping | None, webhook_id: WebhookId) -> Webhook:
    if row is None:
        raise NotFound(f"There is no webhook {webhook_id!r}.")
    return from_row(row, Webhook)
