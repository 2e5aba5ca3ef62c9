"""The audit log."""

from collections.abc import Sequence
from typing import Protocol

from photo.domain.access import Tenant
from photo.domain.audit import AuditEntry, AuditId


class AuditLog(Protocol):
    async def record(self, entry: AuditEntry) -> None:
        """Add an entry: in the transaction of the change that it tells of."""

    async def page(
        self, tenant: Tenant, *, limit: int, before: AuditId | None = None
    ) -> Sequence[AuditEntry]:
        """Return at most `limit` of a tenant's entries, newest first."""
