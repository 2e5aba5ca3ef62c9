"""The audit log, on every adapter."""

from dataclasses import replace

from photo.domain.access import Tenant
from photo.domain.audit import Action, AuditEntry, AuditId
from tests.contracts.repositories import Repositories
from tests.makers import ACME, NOW, new_id


def an_entry() -> AuditEntry:
    return AuditEntry(
        id=AuditId(new_id("aud")),
        tenant=ACME,
        at=NOW,
        actor="key_1",
        action=Action.KEY_CREATED,
        target="key_2",
        details={"name": "scanner"},
    )


async def test_entries_come_newest_first_a_page_at_a_time(
    repositories: Repositories,
) -> None:
    entries = [an_entry() for _ in range(5)]
    for entry in entries:
        await repositories.audit.record(entry)
    first = await repositories.audit.page(ACME, limit=3)
    rest = await repositories.audit.page(ACME, limit=3, before=first[-1].id)
    assert [*first, *rest] == entries[::-1]


async def test_a_tenant_sees_its_own(repositories: Repositories) -> None:
    await repositories.audit.record(replace(an_entry(), tenant=Tenant("other")))
    assert await repositories.audit.page(ACME, limit=9) == []
