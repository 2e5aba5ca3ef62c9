"""Jobs in Postgres. Whatever writes one tells `PostgresJobFeed`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Integer,
    and_,
    bindparam,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from photo.adapters.postgres.database import translated
from photo.adapters.postgres.feed import CHANNEL
from photo.adapters.postgres.listing import rows_of
from photo.adapters.postgres.rows import from_row, to_row
from photo.adapters.postgres.schema import (
    RETRIED_JOB_EXISTS,
    UNFINISHED,
    UPLOAD_EXISTS,
    UPLOAD_SERVES_ONE_JOB,
    job_events,
    job_metadata,
    jobs,
)
from photo.adapters.postgres.transactions import Database
from photo.application.ports import JobQuery, JobRepository
from photo.domain.access import Tenant
from photo.domain.errors import NotFound, UploadUsed
from photo.domain.history import changed_to, changes
from photo.domain.job import Job, JobId, Status
from photo.domain.upload import UploadId

_THIS = jobs.c.id == bindparam("job_id")
_NOTIFY = func.pg_notify(CHANNEL, jobs.c.id)
_ADD = insert(jobs)
_ADD_METADATA = insert(job_metadata)
_GET = select(jobs).where(_THIS)
_GET_FOR = _GET.where(jobs.c.tenant == bindparam("tenant"))
_FOR_UPLOAD = (
    select(jobs)
    .where(jobs.c.upload_id == bindparam("upload_id"))
    .order_by(jobs.c.retry_of.is_not(None), jobs.c.created_at)
    .limit(literal_column("1", Integer))
)
_LOCK = _GET.with_for_update()
_RECORD = insert(job_events).values(
    job_id=bindparam("job_id"),
    version=bindparam("event_version"),
    tenant=bindparam("event_tenant"),
    at=func.now(),
    changes=bindparam("event_changes"),
)
_CHANGE = update(jobs).where(_THIS).returning(_NOTIFY).add_cte(_RECORD.cte("recorded"))
_step_entered = jobs.c.entered[jobs.c.step].as_string().cast(jobs.c.created_at.type)
_UNFINISHED = (
    select(jobs)
    .where(
        # As in the partial index, or it could not be used.
        UNFINISHED,
        or_(
            and_(
                jobs.c.status == Status.QUEUED,
                jobs.c.created_at < bindparam("queued_before"),
            ),
            _step_entered < bindparam("running_before"),
        ),
    )
    # "queued" comes before "running".
    .order_by(jobs.c.status, jobs.c.created_at)
    .limit(bindparam("limit"))
)
_UNFINISHED_ON = select(jobs.c.raw_key).where(
    UNFINISHED, jobs.c.raw_key.in_(bindparam("raw_keys", expanding=True))
)


class PostgresJobRepository(JobRepository):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, job: Job) -> None:
        used = UploadUsed("This upload already has a job. Ask for a new upload.")
        gone = NotFound(f"There is no upload {job.upload_id!r}.")
        erased = NotFound(f"There is no job {job.retry_of!r}.")
        refusals = {
            UPLOAD_SERVES_ONE_JOB: used,
            UPLOAD_EXISTS: gone,
            RETRIED_JOB_EXISTS: erased,
        }
        async with self._database.begin():
            await self._database.row(_ADD, to_row(job), refusals)
            if job.metadata:
                with translated():
                    async with self._database.connect() as db:
                        await db.execute(_ADD_METADATA, [*_entries(job)])

    async def get(self, job_id: JobId) -> Job:
        row = await self._database.row(_GET, {"job_id": job_id})
        return _one(row, job_id)

    async def get_for(self, tenant: Tenant, job_id: JobId) -> Job:
        values = {"tenant": tenant, "job_id": job_id}
        row = await self._database.row(_GET_FOR, values)
        return _one(row, job_id)

    async def for_upload(self, upload_id: UploadId) -> Job | None:
        row = await self._database.row(_FOR_UPLOAD, {"upload_id": upload_id})
        return from_row(row, Job) if row else None

    async def update(self, job_id: JobId, change: Callable[[Job], Job]) -> Job:
        async with self._database.begin():
            with translated():
                async with self._database.connect() as db:
                    found = await db.execute(_LOCK, {"job_id": job_id})
                    before = _one(found.mappings().one_or_none(), job_id)
                    job = changed_to(before, change(before))
                    if job != before:
                        await db.execute(_CHANGE, {**_event(job), **to_row(job)})
                    return job

    async def page(self, query: JobQuery) -> Sequence[Job]:
        with translated():
            async with self._database.connect() as db:
                return [from_row(row, Job) for row in await rows_of(db, query)]

    async def unfinished_since(
        self, *, queued_before: datetime, running_before: datetime, limit: int
    ) -> Sequence[Job]:
        values = {
            "queued_before": queued_before,
            "running_before": running_before,
            "limit": limit,
        }
        with translated():
            async with self._database.connect() as db:
                found = await db.execute(_UNFINISHED, values)
                return [from_row(row, Job) for row in found.mappings()]

    async def unfinished_on(self, raw_keys: Sequence[str]) -> AbstractSet[str]:
        with translated():
            async with self._database.connect() as db:
                found = await db.execute(_UNFINISHED_ON, {"raw_keys": raw_keys})
                return {*found.scalars()}


def _one(row: Mapping[Any, Any] | None, job_id: JobId) -> Job:
    if row is None:
        raise NotFound(f"There is no job {job_id!r}.")
    return from_row(row, Job)


def _event(job: Job) -> dict[str, Any]:
    return {
        "job_id": job.id,
        "event_version": job.version,
        "event_tenant": job.tenant,
        "event_changes": changes(job),
    }


def _entries(job: Job) -> Iterator[dict[str, str]]:
    for key, value in job.metadata.items():
        yield {"tenant": job.tenant, "key": key, "value": value, "job_id": job.id}
