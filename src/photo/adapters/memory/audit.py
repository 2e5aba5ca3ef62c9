"""The audit log in memory."""

from collections.abc import Sequence

from photo.adapters.memory.transactions import MemoryDatabase
from photo.application.ports import AuditLog
from photo.domain.access import Tenant
from photo.domain.audit import AuditEntry, AuditId


class MemoryAuditLog(AuditLog):
    def __init__(self, database: MemoryDatabase | None = None) -> None:
        table = (database or MemoryDatabase()).table()
        self._entries: dict[AuditId, AuditEntry] = table

    async def record(self, entry: AuditEntry) -> None:
        self._entries[entry.id] = entry

    async def page(
        self, tenant: Tenant, *, limit: int, before: AuditId | None = None
    ) -> Sequence[AuditEntry]:
        found = [
            entry
            for entry in self._entries.values()
            if entry.tenant == tenant and (before is None or entry.id < before)
        ]
        return sorted(found, key=lambda entry: entry.id, reverse=True)[:limit]
