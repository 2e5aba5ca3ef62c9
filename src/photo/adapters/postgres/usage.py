"""Usage by day in Postgres."""

from collections.abc import Sequence
from datetime import date
from itertools import cycle
from typing import Any

from sqlalchemy import Insert, bindparam, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from photo.adapters.postgres.database import translated
from photo.adapters.postgres.rows import from_row
from photo.adapters.postgres.schema import usage_days
from photo.adapters.postgres.transactions import Database
from photo.application.ports import UsageRecords
from photo.domain.access import Tenant
from photo.domain.job import Status
from photo.domain.usage import DailyQuota, UsageDay

#: The one whose counts are held against a quota.
_COUNTED = 0
#: Those that jobs without a quota are spread over.
_OTHERS = range(1, 17)
_NO_LIMIT = 2**62

_COUNTS = ("jobs", "bytes", "succeeded", "failed", "cancelled")
_KEY = (usage_days.c.tenant, usage_days.c.day, usage_days.c.slot)
_NEW = insert(usage_days)
_ADD = {
    name: _NEW.on_conflict_do_update(
        index_elements=_KEY, set_={name: usage_days.c[name] + _NEW.excluded[name]}
    )
    for name in _COUNTS
}
_JOB = _NEW.from_select(
    ["tenant", "day", "slot", "jobs", "bytes"],
    select(
        bindparam("of", type_=usage_days.c.tenant.type),
        bindparam("on", type_=usage_days.c.day.type),
        bindparam("in", type_=usage_days.c.slot.type),
        literal(1),
        bindparam("size", type_=usage_days.c.bytes.type),
    ).where(
        bindparam("size", type_=usage_days.c.bytes.type)
        <= bindparam("most_bytes", type_=usage_days.c.bytes.type)
    ),
)
_ACCEPT = _JOB.on_conflict_do_update(
    index_elements=_KEY,
    set_={
        "jobs": usage_days.c.jobs + 1,
        "bytes": usage_days.c.bytes + _JOB.excluded.bytes,
    },
    where=(usage_days.c.jobs < bindparam("most_jobs"))
    & (usage_days.c.bytes < bindparam("most_bytes"))
    & (usage_days.c.bytes + _JOB.excluded.bytes <= bindparam("most_bytes")),
).returning(usage_days.c.day)
_DAYS = (
    select(
        usage_days.c.day,
        *(
            func.sum(usage_days.c[name]).cast(usage_days.c[name].type).label(name)
            for name in _COUNTS
        ),
    )
    .where(
        usage_days.c.tenant == bindparam("of"),
        usage_days.c.day.between(bindparam("first"), bindparam("last")),
    )
    .group_by(usage_days.c.day)
    .order_by(usage_days.c.day.desc())
)


class PostgresUsage(UsageRecords):
    def __init__(self, database: Database) -> None:
        self._database = database
        self._slots = cycle(_OTHERS)

    async def accept(
        self, tenant: Tenant, day: date, *, size_bytes: int, quota: DailyQuota
    ) -> bool:
        values = {
            "of": tenant,
            "on": day,
            "in": _COUNTED if quota.limits else next(self._slots),
            "size": size_bytes,
            "most_jobs": _NO_LIMIT if quota.jobs is None else quota.jobs,
            "most_bytes": _NO_LIMIT if quota.bytes is None else quota.bytes,
        }
        return await self._database.row(_ACCEPT, values) is not None

    async def add_bytes(self, tenant: Tenant, day: date, size_bytes: int) -> None:
        await self._add(_ADD["bytes"], tenant, day, bytes=size_bytes)

    async def end(self, tenant: Tenant, day: date, status: Status) -> None:
        await self._add(_ADD[status], tenant, day, **{status: 1})

    async def days(
        self, tenant: Tenant, *, first: date, last: date
    ) -> Sequence[UsageDay]:
        values = {"of": tenant, "first": first, "last": last}
        with translated():
            async with self._database.connect() as db:
                found = await db.execute(_DAYS, values)
                return [from_row(row, UsageDay) for row in found.mappings()]

    async def _add(
        self, statement: Insert, tenant: Tenant, day: date, **counts: Any
    ) -> None:
        values = {"tenant": tenant, "day": day, "slot": _COUNTED, **counts}
        with translated():
            async with self._database.connect() as db:
                await db.execute(statement, values)
