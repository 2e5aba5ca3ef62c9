"""What is under way, of all tenants: only so many rows of each kind are looked at."""

from typing import Any

from sqlalchemy import (
    ColumnClause,
    Select,
    bindparam,
    func,
    literal_column,
    select,
    union_all,
)

from photo.adapters.postgres.database import translated
from photo.adapters.postgres.schema import jobs, webhook_deliveries
from photo.adapters.postgres.transactions import Database
from photo.application.ports import Owed, Snapshot, Snapshots, Underway
from photo.domain.job import Status, Step


def _oldest(status: Status) -> Select[Any]:
    # As literals the planner sees that the index of unfinished jobs has them.
    said: ColumnClause[str] = literal_column(f"'{status}'")
    oldest = (
        select(jobs.c.status, jobs.c.step, jobs.c.created_at)
        .where(jobs.c.status == said)
        .order_by(jobs.c.created_at)
        .limit(bindparam("at_most"))
        .subquery()
    )
    return select(oldest)


_UNFINISHED = union_all(_oldest(Status.QUEUED), _oldest(Status.RUNNING)).subquery()
_JOBS = select(
    _UNFINISHED.c.status,
    _UNFINISHED.c.step,
    func.count(),
    func.min(_UNFINISHED.c.created_at),
).group_by(_UNFINISHED.c.status, _UNFINISHED.c.step)
_DUE = (
    select(webhook_deliveries.c.due_at)
    .where(webhook_deliveries.c.due_at.is_not(None))
    .order_by(webhook_deliveries.c.due_at)
    .limit(bindparam("at_most"))
    .subquery()
)
_OWED = select(func.count(), func.min(_DUE.c.due_at))


class PostgresSnapshots(Snapshots):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, *, at_most: int) -> Snapshot:
        with translated():
            async with self._database.connect() as db:
                found = (await db.execute(_JOBS, {"at_most": at_most})).all()
                owed = (await db.execute(_OWED, {"at_most": at_most})).one()
        under_way = [
            Underway(Status(status), Step(step) if step else None, count, since)
            for status, step, count, since in found
        ]
        return Snapshot(under_way, Owed(*owed))
