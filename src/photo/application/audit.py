"""Use case: tell in the audit log who changed what."""

from dataclasses import dataclass

from photo.application.ports import AuditLog, Clock, NewId
from photo.domain.access import Principal, Scope, Tenant
from photo.domain.audit import OPERATOR, SERVICE, Action, AuditEntry, AuditId


@dataclass(frozen=True, slots=True)
class RecordChange:
    """To be called in the transaction of the change."""

    audit: AuditLog
    new_id: NewId
    now: Clock

    async def __call__(
        self, caller: Principal, action: Action, target: str, **details: str
    ) -> None:
        await self.audit.record(
            AuditEntry(
                id=AuditId(self.new_id("aud")),
                tenant=caller.tenant,
                at=self.now(),
                actor=caller.credential,
                action=action,
                target=target,
                details=details,
            )
        )


def operator(tenant: Tenant) -> Principal:
    """Whoever runs the service, at work for a tenant: may do everything."""
    return Principal(tenant, frozenset(Scope), OPERATOR)


def service(tenant: Tenant) -> Principal:
    """This service itself, at work for a tenant: has no scopes."""
    return Principal(tenant, frozenset(), SERVICE)
