"""What has had its time, in Postgres."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Delete, Integer, bindparam, delete, select, tuple_

from photo.adapters.postgres.database import translated
from photo.adapters.postgres.schema import idempotency_keys, job_events, jobs
from photo.adapters.postgres.transactions import Database
from photo.application.ports import AgedJob, AgedRecords

_BEFORE = bindparam("before", type_=jobs.c.finished_at.type)
_LIMIT = bindparam("limit", type_=Integer)
_ENDED = (
    select(jobs.c.id, jobs.c.tenant)
    .where(jobs.c.finished_at < _BEFORE)
    .order_by(jobs.c.finished_at)
    .limit(_LIMIT)
)
_key = tuple_(idempotency_keys.c.tenant, idempotency_keys.c.key_sha256)
_FORGET_ANSWERS = delete(idempotency_keys).where(
    _key.in_(
        select(idempotency_keys.c.tenant, idempotency_keys.c.key_sha256)
        .where(idempotency_keys.c.created_at < _BEFORE)
        .limit(_LIMIT)
    )
)
_version = tuple_(job_events.c.job_id, job_events.c.version)
_FORGET_EVENTS = delete(job_events).where(
    _version.in_(
        select(job_events.c.job_id, job_events.c.version)
        .join(jobs, jobs.c.id == job_events.c.job_id)
        # The first condition only helps to find them: an end is a job's last event.
        .where(job_events.c.at < _BEFORE, jobs.c.finished_at < _BEFORE)
        .limit(_LIMIT)
    )
)


class PostgresAgedRecords(AgedRecords):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def ended_jobs(self, *, before: datetime, limit: int) -> Sequence[AgedJob]:
        with translated():
            async with self._database.connect() as db:
                found = await db.execute(_ENDED, {"before": before, "limit": limit})
                return [AgedJob(*row) for row in found]

    async def forget_answers(self, *, before: datetime, limit: int) -> int:
        return await self._forget(_FORGET_ANSWERS, before, limit)

    async def forget_events(self, *, ended_before: datetime, limit: int) -> int:
        return await self._forget(_FORGET_EVENTS, ended_before, limit)

    async def _forget(self, statement: Delete, before: datetime, limit: int) -> int:
        with translated():
            async with self._database.connect() as db:
                gone = await db.execute(statement, {"before": before, "limit": limit})
                return gone.rowcount
