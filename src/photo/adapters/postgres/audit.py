"""The audit log in Postgres."""

from collections.abc import Sequence

from sqlalchemy import bindparam, insert, select

from photo.adapters.postgres.database import translated
from photo.adapters.postgres.rows import from_row, to_row
from photo.adapters.postgres.schema import audit_log
from photo.adapters.postgres.transactions import Database
from photo.application.ports import AuditLog
from photo.domain.access import Tenant
from photo.domain.audit import AuditEntry, AuditId

_ADD = insert(audit_log)
_NEWEST = (
    select(audit_log)
    .where(audit_log.c.tenant == bindparam("of"))
    .order_by(audit_log.c.id.desc())
    .limit(bindparam("limit"))
)
_OLDER = _NEWEST.where(audit_log.c.id < bindparam("before"))


class PostgresAuditLog(AuditLog):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, entry: AuditEntry) -> None:
        with translated():
            async with self._database.connect() as db:
                await db.execute(_ADD, to_row(entry))

    async def page(
        self, tenant: Tenant, *, limit: int, before: AuditId | None = None
    ) -> Sequence[AuditEntry]:
        statement = _OLDER if before else _NEWEST
        values = {"of": tenant, "limit": limit, "before": before}
        with translated():
            async with self._database.connect() as db:
                found = await db.execute(statement, values)
                return [from_row(row, AuditEntry) for row in found.mappings()]
