"""Route: who changed what."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Self

from dishka.integrations.litestar import DishkaRouter, FromDishka
from litestar import get
from msgspec import Struct

from photo.application.ports import AuditLog
from photo.domain.audit import Action, AuditEntry, AuditId
from photo.entrypoints.http.openapi import problems
from photo.entrypoints.http.paging import CURSOR, LIMIT, cursor_after, entry_before
from photo.entrypoints.http.request import ADMIN, ApiRequest


class AuditEntryView(Struct, frozen=True, kw_only=True):
    id: AuditId
    at: datetime
    #: A key's id, a token's subject, `cli`, or `service`.
    actor: str
    action: Action
    #: The id of what was changed.
    target: str
    details: Mapping[str, str]

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        return cls(
            id=entry.id,
            at=entry.at,
            actor=entry.actor,
            action=entry.action,
            target=entry.target,
            details=entry.details,
        )


class AuditPage(Struct, frozen=True):
    items: list[AuditEntryView]
    next_cursor: str | None


@get("/", security=ADMIN, summary="Read the audit log", responses=problems())
async def list_audit(
    request: ApiRequest,
    *,
    audit: FromDishka[AuditLog],
    limit: Annotated[int, LIMIT] = 50,
    cursor: Annotated[str | None, CURSOR] = None,
) -> AuditPage:
    """Every change of keys and webhooks and every erasure, newest first."""
    found = await audit.page(
        request.user.tenant,
        limit=limit + 1,
        before=None if cursor is None else entry_before(cursor),
    )
    page, more = found[:limit], found[limit:]
    return AuditPage(
        [AuditEntryView.of(entry) for entry in page],
        cursor_after(page[-1].id) if more else None,
    )


router = DishkaRouter("/audit", route_handlers=[list_audit], tags=["audit"])
