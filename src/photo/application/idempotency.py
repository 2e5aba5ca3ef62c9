"""Use case: do what a repeated request asks for once, and answer it the same."""

from asyncio import Lock, timeout
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import NamedTuple
from weakref import WeakValueDictionary

from photo.application.ports import Clock, IdempotencyKeys, Transactions, Vault
from photo.application.ports.idempotency import PATIENCE, still_in_progress
from photo.domain.access import Tenant
from photo.domain.errors import IdempotencyMismatch

#: How long an answer is given again.
KEPT_FOR = timedelta(hours=24)


class Answered(NamedTuple):
    answer: bytes
    #: Whether it is the answer to an earlier request.
    replayed: bool


@dataclass(frozen=True, slots=True)
class AnswerOnce:
    """Answer a request; one with the same key and content gets the same answer.

    Claim, effect and answer are one transaction: if the process dies, or the request
    is refused, nothing has happened and the key is free. Only whoever has the key can
    read the answer, for it may hold a secret or a presigned form.
    """

    transactions: Transactions
    keys: IdempotencyKeys
    vault: Vault
    now: Clock
    #: Equal requests to this process wait here, and hold no connection meanwhile.
    _turns: WeakValueDictionary[tuple[Tenant, str], Lock] = field(
        default_factory=WeakValueDictionary, init=False
    )

    async def __call__(
        self,
        tenant: Tenant,
        key: str,
        request_sha256: str,
        answer: Callable[[], Awaitable[bytes]],
    ) -> Answered:
        key_sha256 = sha256(key.encode()).hexdigest()
        purpose = f"answer to {tenant} {key}".encode()
        async with self._turn(tenant, key_sha256), self.transactions.begin():
            now = self.now()
            kept = await self.keys.claim(
                tenant,
                key_sha256,
                request_sha256=request_sha256,
                now=now,
                expired_before=now - KEPT_FOR,
            )
            if kept is None:
                given = await answer()
                sealed = self.vault.seal(given, purpose=purpose)
                await self.keys.keep(tenant, key_sha256, sealed)
                return Answered(given, replayed=False)
        if kept.request_sha256 != request_sha256:
            raise IdempotencyMismatch(
                "This Idempotency-Key came with another request before. "
                "Send a new key with a new request."
            )
        return Answered(self.vault.unseal(kept.answer, purpose=purpose), replayed=True)

    @asynccontextmanager
    async def _turn(self, tenant: Tenant, key_sha256: str) -> AsyncIterator[None]:
        lock = self._turns.setdefault((tenant, key_sha256), Lock())
        try:
            async with timeout(PATIENCE.total_seconds()):
                await lock.acquire()
        except TimeoutError:
            raise still_in_progress() from None
        try:
            yield
        finally:
            lock.release()
