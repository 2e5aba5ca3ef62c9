"""Deliveries of webhooks in Postgres."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import RowMapping

from photo.adapters.postgres.database import translated
from photo.adapters.postgres.rows import from_row, to_row
from photo.adapters.postgres.schema import webhook_deliveries as deliveries
from photo.adapters.postgres.transactions import Database
from photo.application.ports import DeliveryQuery, DeliveryRepository
from photo.domain.errors import NotFound
from photo.domain.job import JobId
from photo.domain.webhook import Delivery, DeliveryId

_THIS = deliveries.c.id == bindparam("delivery_id")
_ADD = insert(deliveries).on_conflict_do_nothing(
    index_elements=[deliveries.c.job_id, deliveries.c.webhook_id]
)
_GET = select(deliveries).where(_THIS)
_LOCK = _GET.with_for_update(key_share=True)
_CHANGE = update(deliveries).where(_THIS)
_OF_JOB = (
    select(deliveries)
    .where(deliveries.c.job_id == bindparam("job_id"))
    .order_by(deliveries.c.id)
)
_OVERDUE = (
    select(deliveries)
    .where(deliveries.c.due_at < bindparam("since"))
    .order_by(deliveries.c.due_at)
    .limit(bindparam("limit"))
)


class PostgresDeliveryRepository(DeliveryRepository):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, delivery: Delivery) -> bool:
        with translated():
            async with self._database.connect() as db:
                added = await db.execute(_ADD, to_row(delivery))
                return added.rowcount == 1

    async def get(self, delivery_id: DeliveryId) -> Delivery:
        with translated():
            async with self._database.connect() as db:
                found = await db.execute(_GET, {"delivery_id": delivery_id})
                return _one(found.mappings().one_or_none(), delivery_id)

    async def update(
        self, delivery_id: DeliveryId, change: Callable[[Delivery], Delivery]
    ) -> Delivery:
        this = {"delivery_id": delivery_id}
        async with self._database.begin():
            with translated():
                async with self._database.connect() as db:
                    found = await db.execute(_LOCK, this)
                    delivery = change(_one(found.mappings().one_or_none(), delivery_id))
                    await db.execute(_CHANGE, {**this, **to_row(delivery)})
                    return delivery

    async def page(self, query: DeliveryQuery) -> Sequence[Delivery]:
        newest = select(deliveries).order_by(deliveries.c.id.desc()).limit(query.limit)
        with translated():
            async with self._database.connect() as db:
                found = await db.execute(newest.where(*_conditions(query)))
                return [from_row(row, Delivery) for row in found.mappings()]

    async def of_job(self, job_id: JobId) -> Sequence[Delivery]:
        with translated():
            async with self._database.connect() as db:
                found = await db.execute(_OF_JOB, {"job_id": job_id})
                return [from_row(row, Delivery) for row in found.mappings()]

    async def overdue(self, *, since: datetime, limit: int) -> Sequence[Delivery]:
        with translated():
            async with self._database.connect() as db:
                found = await db.execute(_OVERDUE, {"since": since, "limit": limit})
                return [from_row(row, Delivery) for row in found.mappings()]


def _one(row: RowMapping | None, delivery_id: DeliveryId) -> Delivery:
    if row is None:
        raise NotFound(f"There is no delivery {delivery_id!r}.")
    return from_row(row, Delivery)


def _conditions(query: DeliveryQuery) -> Iterator[ColumnElement[bool]]:
    yield deliveries.c.webhook_id == query.webhook_id
    if query.before is not None:
        yield deliveries.c.id < query.before
    if query.status is not None:
        yield deliveries.c.status == query.status
