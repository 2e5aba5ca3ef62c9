"""Answers that are given again."""

from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from photo.domain.access import Tenant
from photo.domain.errors import IdempotencyInProgress

#: How long a request waits for the answer to an equal one.
PATIENCE = timedelta(seconds=5)


def still_in_progress() -> IdempotencyInProgress:
    return IdempotencyInProgress(
        "The first request with this Idempotency-Key is still being answered. "
        "Send the same again in a moment.",
        retry_after=timedelta(seconds=1),
    )


class KeptAnswer(NamedTuple):
    request_sha256: str
    answer: bytes


class IdempotencyKeys(Protocol):
    """Both calls are made inside the transaction of the effect that they guard."""

    async def claim(
        self,
        tenant: Tenant,
        key_sha256: str,
        *,
        request_sha256: str,
        now: datetime,
        expired_before: datetime,
    ) -> KeptAnswer | None:
        """Take a key, or return what was answered under it.

        The key is free again if the transaction is undone. While another transaction
        holds it this waits for `PATIENCE`, then raises `IdempotencyInProgress`. A key
        that was taken before a moment is as good as new.
        """

    async def keep(self, tenant: Tenant, key_sha256: str, answer: bytes) -> None:
        """Store the answer under a key that was claimed."""
