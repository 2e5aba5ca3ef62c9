"""Who changed what, for the tenant's own eyes: kept for good, and never a secret."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from photo.domain.access import Tenant

AuditId = NewType("AuditId", str)

#: Actors that hold no credential.
OPERATOR = "cli"
SERVICE = "service"


class Action(StrEnum):
    KEY_CREATED = "key.created"
    KEY_REVOKED = "key.revoked"
    WEBHOOK_CREATED = "webhook.created"
    WEBHOOK_DELETED = "webhook.deleted"
    WEBHOOK_DISABLED = "webhook.disabled"
    WEBHOOK_ENABLED = "webhook.enabled"
    WEBHOOK_SECRET_ROTATED = "webhook.secret_rotated"  # noqa: S105 # no secret
    JOB_ERASED = "job.erased"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    id: AuditId
    tenant: Tenant
    at: datetime
    #: A credential's public name, `cli`, or `service`.
    actor: str
    action: Action
    #: The id of what was changed.
    target: str
    details: Mapping[str, str] = field(default_factory=dict)
