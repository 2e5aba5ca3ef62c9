"""Use cases: find out who is calling."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from photo.application.keys import proof_of
from photo.application.ports import (
    Clock,
    KeyRepository,
    Stopwatch,
    TokenVerifier,
    Vault,
)
from photo.application.recent import Recent
from photo.application.tenancy import EVERYONE, NOBODY, acting_for
from photo.domain.access import (
    ONE_USE,
    ApiKey,
    KeyId,
    Principal,
    split_key,
)
from photo.domain.errors import NotFound, PhotoError, Unauthenticated

#: How long what is known of a key is believed, so that a revoked one may go on working;
#: and how soon a busy one is looked up anew, while those who show it go on.
_BELIEVED_SECONDS = 0.8
_FRESH_SECONDS = 0.4
_KEYS = 10_000

#: What an unknown key is compared with, so that it takes as long as a wrong one.
_NO_KEY = ApiKey(
    id=KeyId(""),
    tenant=NOBODY,
    name="",
    scopes=frozenset(),
    secret_hmac="0" * 64,
    created_at=datetime(1970, 1, 1, tzinfo=UTC),
)


class CheckKey:
    """Find out who holds an API key, or raise `Unauthenticated`.

    Whoever shows a busy key waits for no look-up, unless the last one takes too long:
    then all who show it wait for the same answer. An unknown key is not remembered.
    """

    def __init__(
        self, keys: KeyRepository, vault: Vault, now: Clock, stopwatch: Stopwatch
    ) -> None:
        self._keys = keys
        self._vault = vault
        self._now = now
        self._stopwatch = stopwatch
        self._rows: Recent[KeyId, ApiKey] = Recent(
            stopwatch, seconds=_BELIEVED_SECONDS, most=_KEYS
        )
        self._fresh: Recent[KeyId, bool] = Recent(
            stopwatch, seconds=_FRESH_SECONDS, most=_KEYS
        )
        self._asked: Recent[KeyId, asyncio.Task[ApiKey]] = Recent(
            stopwatch, seconds=_FRESH_SECONDS, most=_KEYS
        )
        self._noted: Recent[KeyId, datetime] = Recent(
            stopwatch, seconds=ONE_USE.total_seconds(), most=_KEYS
        )

    async def __call__(self, shown: str) -> Principal:
        key_id, secret = split_key(shown)
        key = await self._look_up(key_id)
        proof, now = proof_of(self._vault, secret), self._now()
        caller = key.authenticate(proof, now=now)
        if key.counts(now) and not self._noted.get(key_id):
            self._noted.put(key_id, now)
            await self._note_use(caller, key_id, now, proof.hmac)
        return caller

    async def _look_up(self, key_id: KeyId) -> ApiKey:
        known = self._rows.get(key_id)
        if known and self._fresh.get(key_id):
            return known
        asked = self._asked.get(key_id) or self._ask(key_id)
        if known:
            return known
        return await asyncio.shield(asked)

    def _ask(self, key_id: KeyId) -> asyncio.Task[ApiKey]:
        # In the trace of whoever asks first. The gate is in no transaction.
        asked = asyncio.create_task(self._find(key_id))
        asked.add_done_callback(partial(self._answered, key_id))
        self._asked.put(key_id, asked)
        return asked

    def _answered(self, key_id: KeyId, asked: asyncio.Task[ApiKey]) -> None:
        if self._asked.get(key_id) is asked:
            self._asked.forget(key_id)
        if not asked.cancelled():
            asked.exception()  # All who waited may have gone: then nobody else looks.

    async def _find(self, key_id: KeyId) -> ApiKey:
        began = self._stopwatch()
        try:
            with acting_for(EVERYONE):
                key = await self._keys.get(key_id)
        except NotFound:
            return _NO_KEY
        self._rows.put(key_id, key, since=began)
        self._fresh.put(key_id, value=True, since=began)
        return key

    async def _note_use(
        self, caller: Principal, key_id: KeyId, at: datetime, secret_hmac: str
    ) -> None:
        # A note that is lost is no reason to refuse the caller: the next use makes one.
        with suppress(PhotoError), acting_for(caller.tenant):
            await self._keys.note_use(key_id, at=at, secret_hmac=secret_hmac)


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Find out who holds an API key or a token, or raise `Unauthenticated`."""

    check_key: CheckKey
    tokens: TokenVerifier | None

    async def __call__(self, shown: str) -> Principal:
        if shown.startswith("pk_"):
            return await self.check_key(shown)
        if self.tokens is None:
            raise Unauthenticated(
                "This service takes API keys only: Authorization: Bearer pk_…"
            )
        return await self.tokens.verify(shown)
