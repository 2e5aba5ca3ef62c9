"""Use cases: make and revoke API keys."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from photo.application.audit import RecordChange
from photo.application.ports import Clock, KeyRepository, NewId, Transactions, Vault
from photo.domain.access import (
    ApiKey,
    KeyId,
    Principal,
    Proof,
    Scope,
    show_key,
    split_key,
)
from photo.domain.audit import Action
from photo.domain.errors import ValidationFailed

#: A new secret: 256 random bits as 64 hexadecimal digits.
NewSecret = Callable[[], str]

LONGEST_LIFE = timedelta(days=3650)


def proof_of(vault: Vault, secret: str) -> Proof:
    data = secret.encode()
    hmac = vault.sign(data, purpose=b"api-keys").hex()
    return Proof(hmac, sha256(data).hexdigest())


@dataclass(frozen=True, slots=True)
class MintKey:
    """Think up a key, and what its owner sees of it."""

    vault: Vault
    new_id: NewId
    new_secret: NewSecret
    now: Clock

    def __call__(
        self,
        caller: Principal,
        *,
        name: str,
        scopes: frozenset[Scope],
        expires: datetime | timedelta | None = None,
    ) -> tuple[ApiKey, str]:
        now = self.now()
        key_id = KeyId(self.new_id("key"))
        shown = show_key(key_id, self.new_secret())
        _, secret = split_key(shown)
        key = ApiKey(
            id=key_id,
            tenant=caller.tenant,
            name=name,
            scopes=scopes,
            secret_hmac=proof_of(self.vault, secret).hmac,
            created_at=now,
            expires_at=_end(now, expires),
        )
        return key, shown


def _end(now: datetime, expires: datetime | timedelta | None) -> datetime | None:
    end = now + expires if isinstance(expires, timedelta) else expires
    if end is None:
        return None
    if not now < end <= now + LONGEST_LIFE:
        raise ValidationFailed(
            "A key expires in the future, and within ten years.", pointer="/expires_at"
        )
    return end.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class CreateKey:
    """Make a key of the caller's tenant. Its secret is in the answer and nowhere else.

    Nobody gives away more than they have: a scope that the caller lacks is `Forbidden`.
    """

    keys: KeyRepository
    transactions: Transactions
    mint: MintKey
    record: RecordChange

    async def __call__(
        self,
        caller: Principal,
        *,
        name: str,
        scopes: frozenset[Scope],
        expires: datetime | timedelta | None = None,
    ) -> tuple[ApiKey, str]:
        caller.require(scopes)
        key, shown = self.mint(caller, name=name, scopes=scopes, expires=expires)
        async with self.transactions.begin():
            await self.keys.add(key)
            await self.record(
                caller,
                Action.KEY_CREATED,
                key.id,
                name=name,
                scopes=" ".join(sorted(scopes)),
            )
        return key, shown


@dataclass(frozen=True, slots=True)
class RevokeKey:
    """Make a key of the caller's tenant useless for good; again changes nothing."""

    keys: KeyRepository
    transactions: Transactions
    record: RecordChange
    now: Clock

    async def __call__(self, caller: Principal, key_id: KeyId) -> None:
        at = self.now()
        async with self.transactions.begin():
            await self.keys.get_for(caller.tenant, key_id)
            key = await self.keys.update(key_id, lambda key: key.revoke(at))
            if key.revoked_at == at:
                await self.record(caller, Action.KEY_REVOKED, key_id, name=key.name)
