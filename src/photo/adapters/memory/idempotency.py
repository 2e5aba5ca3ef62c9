"""Idempotency keys in memory."""

from datetime import datetime
from typing import NamedTuple

from photo.adapters.memory.transactions import MemoryDatabase
from photo.application.ports import IdempotencyKeys, KeptAnswer
from photo.domain.access import Tenant


class _Row(NamedTuple):
    created_at: datetime
    request_sha256: str
    answer: bytes = b""


class MemoryIdempotencyKeys(IdempotencyKeys):
    """Its transactions take turns, so nobody ever meets one that is under way."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._rows: dict[tuple[Tenant, str], _Row] = database.table()

    async def claim(
        self,
        tenant: Tenant,
        key_sha256: str,
        *,
        request_sha256: str,
        now: datetime,
        expired_before: datetime,
    ) -> KeptAnswer | None:
        row = self._rows.get((tenant, key_sha256))
        if row and row.created_at >= expired_before:
            return KeptAnswer(row.request_sha256, row.answer)
        self._rows[tenant, key_sha256] = _Row(now, request_sha256)
        return None

    def forget(self, before: datetime, limit: int) -> int:
        """Delete rows that were made before; how many."""
        old = [key for key, row in self._rows.items() if row.created_at < before]
        for key in old[:limit]:
            del self._rows[key]
        return len(old[:limit])

    async def keep(self, tenant: Tenant, key_sha256: str, answer: bytes) -> None:
        row = self._rows[tenant, key_sha256]
        self._rows[tenant, key_sha256] = row._replace(answer=answer)
