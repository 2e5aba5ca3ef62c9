"""Erasures in Postgres: rows go, and the receipt comes, in one transaction."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Delete, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from photo.adapters.postgres.database import translated
from photo.adapters.postgres.feed import CHANNEL
from photo.adapters.postgres.rows import from_row, to_row
from photo.adapters.postgres.schema import (
    erasures,
    infected_files,
    job_events,
    job_metadata,
    jobs,
    uploads,
    webhook_deliveries,
)
from photo.adapters.postgres.texts import PostgresTextIndex
from photo.adapters.postgres.transactions import Database
from photo.application.ports import Erasures
from photo.domain.access import Tenant
from photo.domain.erasure import Erasure
from photo.domain.errors import NotFound
from photo.domain.job import Job, JobId

_ID = bindparam("erased", type_=jobs.c.id.type)
_OF = bindparam("of", type_=jobs.c.tenant.type)
_UPLOAD = (
    select(jobs.c.upload_id).where(jobs.c.id == _ID, jobs.c.tenant == _OF)
).scalar_subquery()
# Its upload first: whoever adds a job on that takes the two in the same order.
_LOCK_UPLOAD = select(uploads.c.id).where(uploads.c.id == _UPLOAD).with_for_update()
_LOCK_JOB = select(jobs).where(jobs.c.id == _ID, jobs.c.tenant == _OF).with_for_update()
_DELETIONS: dict[str, Delete] = {
    "events": delete(job_events).where(job_events.c.job_id == _ID),
    "metadata": delete(job_metadata).where(job_metadata.c.job_id == _ID),
    "deliveries": delete(webhook_deliveries).where(webhook_deliveries.c.job_id == _ID),
    "jobs": delete(jobs).where(jobs.c.id == _ID),
}
_DELETE_UPLOAD = delete(uploads).where(
    uploads.c.id == bindparam("upload_id"),
    ~select(jobs.c.id).where(jobs.c.upload_id == uploads.c.id).exists(),
)
_NOTIFY = select(func.pg_notify(CHANNEL, _ID))
_FORGET_FINDER = (
    update(infected_files).where(infected_files.c.job_id == _ID).values(job_id=None)
)
# There is one already if the job came back out of a backup: it has to go again.
_ADD = insert(erasures).on_conflict_do_update(
    index_elements=[erasures.c.job_id],
    set_={"completed_at": None, "confirmed_at": None},
)
_FIND = select(erasures).where(erasures.c.job_id == _ID)
_ERASED = select(erasures.c.job_id).where(
    erasures.c.job_id.in_(bindparam("job_ids", expanding=True))
)
_GET = _FIND.where(erasures.c.tenant == _OF)
_completed = func.coalesce(erasures.c.completed_at, bindparam("at"))
_COMPLETE = (
    update(erasures)
    .where(erasures.c.job_id == _ID)
    .values(completed_at=_completed)
    .returning(erasures)
)
_CONFIRM = (
    update(erasures)
    .where(erasures.c.job_id == _ID)
    .values(completed_at=_completed, confirmed_at=bindparam("at"))
)
_UNCONFIRMED = (
    select(erasures)
    .where(
        erasures.c.confirmed_at.is_(None),
        erasures.c.requested_at < bindparam("requested_before"),
    )
    .order_by(erasures.c.requested_at)
    .limit(bindparam("limit"))
)


class PostgresErasures(Erasures):
    def __init__(self, database: Database) -> None:
        self._database = database
        self._texts = PostgresTextIndex(database)

    async def erase(self, erasure: Erasure) -> Job:
        this = {"erased": erasure.job_id, "of": erasure.tenant}
        async with self._database.begin():
            with translated():
                async with self._database.connect() as db:
                    await db.execute(_LOCK_UPLOAD, this)
                    found = (await db.execute(_LOCK_JOB, this)).mappings().first()
                    job = from_row(_one(found, erasure.job_id), Job)
                    texts = {"texts": await self._texts.remove(job.id)}
                    rows = texts | await _delete(db, job)
                    await db.execute(_ADD, to_row(replace(erasure, rows=rows)))
                    await db.execute(_NOTIFY, this)
                    return job

    async def get(self, tenant: Tenant, job_id: JobId) -> Erasure:
        with translated():
            async with self._database.connect() as db:
                found = await db.execute(_GET, {"erased": job_id, "of": tenant})
                return from_row(_one(found.mappings().first(), job_id), Erasure)

    async def find(self, job_id: JobId) -> Erasure | None:
        with translated():
            async with self._database.connect() as db:
                found = (await db.execute(_FIND, {"erased": job_id})).mappings().first()
                return from_row(found, Erasure) if found else None

    async def erased(self, job_ids: Sequence[JobId]) -> AbstractSet[JobId]:
        with translated():
            async with self._database.connect() as db:
                found = await db.execute(_ERASED, {"job_ids": job_ids})
                return {*found.scalars()}

    async def complete(self, job_id: JobId, *, at: datetime) -> Erasure:
        with translated():
            async with self._database.connect() as db:
                found = await db.execute(_COMPLETE, {"erased": job_id, "at": at})
                return from_row(_one(found.mappings().first(), job_id), Erasure)

    async def unconfirmed(
        self, *, requested_before: datetime, limit: int
    ) -> Sequence[Erasure]:
        values = {"requested_before": requested_before, "limit": limit}
        with translated():
            async with self._database.connect() as db:
                found = await db.execute(_UNCONFIRMED, values)
                return [from_row(row, Erasure) for row in found.mappings()]

    async def confirm(self, job_id: JobId, *, at: datetime) -> None:
        async with self._database.begin():
            with translated():
                async with self._database.connect() as db:
                    await db.execute(_FORGET_FINDER, {"erased": job_id})
                    await db.execute(_CONFIRM, {"erased": job_id, "at": at})


async def _delete(db: AsyncConnection, job: Job) -> dict[str, int]:
    """Delete all rows of a job; how many of which kind."""
    this = {"erased": job.id, "of": job.tenant}
    rows = {
        kind: (await db.execute(deletion, this)).rowcount
        for kind, deletion in _DELETIONS.items()
    }
    await db.execute(_FORGET_FINDER, this)
    upload = await db.execute(_DELETE_UPLOAD, {"upload_id": job.upload_id})
    return rows | {"uploads": upload.rowcount}


def _one(row: RowMapping | None, job_id: JobId) -> RowMapping:
    if row is None:
        raise NotFound(f"There is no job {job_id!r}.")
    return row
