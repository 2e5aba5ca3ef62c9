"""Jobs in Postgres. Whatever writes one tells `PostgresJobFeed`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BindParameter,
    Integer,
    Select,
    Text,
    all_,
    and_,
    bindparam,
    func,
    insert,
    literal_column,
    or_,
    select,
    union,
    update,
)

from photo.adapters.postgres.database import translated
from photo.adapters.postgres.feed import CHANNEL
from photo.adapters.postgres.listing import rows_of
from photo.adapters.postgres.rows import from_row, to_row
from photo.adapters.postgres.schema import (
    END_IS_FINAL,
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
from photo.domain.errors import JobFinished, NotFound, UploadUsed
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
                or_(
                    jobs.c.created_at < bindparam("queued_before"),
                    jobs.c.created_at > bindparam("ahead_of"),
                ),
            ),
            _step_entered < bindparam("running_before"),
            _step_entered > bindparam("ahead_of"),
        ),
        jobs.c.id != all_(bindparam("but_for", type_=ARRAY(Text))),
    )
    # "queued" comes before "running".
    .order_by(jobs.c.status, jobs.c.created_at)
    .limit(bindparam("limit"))
)
_FIND = select(jobs).where(jobs.c.id.in_(bindparam("job_ids", expanding=True)))
_SUCCEEDED = (
    select(jobs)
    .where(
        jobs.c.tenant == bindparam("tenant"),
        jobs.c.status == Status.SUCCEEDED,
        jobs.c.id > bindparam("job_id"),
    )
    .order_by(jobs.c.id)
    .limit(bindparam("limit"))
)
_NEXT_TENANT = select(func.min(jobs.c.tenant)).where(
    jobs.c.tenant > bindparam("tenant")
)
_among = jobs.c.raw_key.in_(bindparam("raw_keys", expanding=True))
#: Keys end in the id of an upload or a job: found by that, as these have no index.
_named: BindParameter[str] = bindparam("names", expanding=True)
_NEEDED_ON = union(
    select(jobs.c.raw_key).where(UNFINISHED, _among),
    select(jobs.c.raw_key).where(
        _among,
        or_(jobs.c.id.in_(_named), jobs.c.upload_id.in_(_named)),
        jobs.c.finished_at > bindparam("crashed_after"),
        func.jsonb_array_length(jobs.c.error["crashes"]) > 0,
    ),
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
        refusals = {END_IS_FINAL: JobFinished("The job has already ended.")}
        async with self._database.begin():
            with translated(refusals):
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

    async def find(self, job_ids: Sequence[JobId]) -> Mapping[JobId, Job]:
        found = await self._all(_FIND, {"job_ids": job_ids})
        return {job.id: job for job in found}

    async def unfinished_since(
        self,
        *,
        queued_before: datetime,
        running_before: datetime,
        ahead_of: datetime,
        but_for: AbstractSet[JobId] = frozenset(),
        limit: int,
    ) -> Sequence[Job]:
        values = {
            "queued_before": queued_before,
            "running_before": running_before,
            "ahead_of": ahead_of,
            "but_for": [*but_for],
            "limit": limit,
        }
        return await self._all(_UNFINISHED, values)

    async def succeeded(
        self, *, after: tuple[Tenant, JobId], limit: int
    ) -> Sequence[Job]:
        values: dict[str, object] = {"tenant": after[0], "job_id": after[1]}
        while values["tenant"] is not None:
            if found := await self._all(_SUCCEEDED, values | {"limit": limit}):
                return found
            values = {"tenant": await self._tenant_after(values), "job_id": ""}
        return []

    async def needed_on(
        self, raw_keys: Sequence[str], *, crashed_after: datetime
    ) -> AbstractSet[str]:
        values = {
            "raw_keys": raw_keys,
            "names": [key.rpartition("/")[2] for key in raw_keys],
            "crashed_after": crashed_after,
        }
        with translated():
            async with self._database.connect() as db:
                found = await db.execute(_NEEDED_ON, values)
                return {*found.scalars()}

    async def _all(
        self, statement: Select[Any], values: Mapping[str, object]
    ) -> Sequence[Job]:
        with translated():
            async with self._database.connect() as db:
                found = await db.execute(statement, values)
                return [from_row(row, Job) for row in found.mappings()]

    async def _tenant_after(self, values: Mapping[str, object]) -> object:
        with translated():
            async with self._database.connect() as db:
                return (await db.execute(_NEXT_TENANT, values)).scalar()


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
