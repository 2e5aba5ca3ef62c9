"""What jobs were before, in Postgres."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import and_, bindparam, select

from photo.adapters.postgres.database import translated
from photo.adapters.postgres.rows import from_row, to_row
from photo.adapters.postgres.schema import job_events, jobs
from photo.adapters.postgres.transactions import Database
from photo.application.ports import JobEvents
from photo.domain.access import Tenant
from photo.domain.errors import NotFound
from photo.domain.history import AS_ADDED, as_added
from photo.domain.job import Job, JobId

_VERSION = "event_version"
_CHANGES = "event_changes"
# One statement: what it shows of the job and of its events belongs together.
_AFTER = (
    select(
        jobs,
        job_events.c.version.label(_VERSION),
        job_events.c.changes.label(_CHANGES),
    )
    .select_from(
        jobs.outerjoin(
            job_events,
            and_(
                job_events.c.job_id == jobs.c.id,
                job_events.c.version > bindparam("after"),
            ),
        )
    )
    .where(jobs.c.id == bindparam("job_id"), jobs.c.tenant == bindparam("tenant"))
    .order_by(job_events.c.version)
)


class PostgresJobEvents(JobEvents):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def after(self, tenant: Tenant, job_id: JobId, version: int) -> Sequence[Job]:
        values = {"tenant": tenant, "job_id": job_id, "after": version}
        with translated():
            async with self._database.connect() as db:
                rows = (await db.execute(_AFTER, values)).mappings().all()
        if not rows:
            raise NotFound(f"There is no job {job_id!r}.")
        present = from_row(rows[0], Job)
        versions = [*_versions(present, rows, version)]
        missing = present.version - max(version, 0) - len(versions)
        return [present] if missing > 0 else versions


def _versions(
    present: Job, rows: Sequence[Mapping[Any, Any]], after: int
) -> Iterator[Job]:
    if after < 1:
        yield as_added(present)
    lasting = {
        name: value for name, value in to_row(present).items() if name not in AS_ADDED
    }
    for row in rows:
        if row[_VERSION] is not None:
            state = {**lasting, **row[_CHANGES], "version": row[_VERSION]}
            yield from_row(state, Job)
