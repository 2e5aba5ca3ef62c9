"""Use cases: API keys, and who a caller is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from photo.application.ports import Clock, KeyRepository, NewId
from photo.application.tenancy import EVERYONE, acting_for
from photo.domain.access import (
    ApiKey,
    KeyId,
    Principal,
    Scope,
    Tenant,
    hash_secret,
    show_key,
    split_key,
)
from photo.domain.errors import NotFound, Unauthenticated

#: A new secret of at least 256 random bits, without underscores.
NewSecret = Callable[[], str]


@dataclass(frozen=True, slots=True)
class CreateKey:
    """Make a key. Its secret is in the answer and nowhere else."""

    keys: KeyRepository
    new_id: NewId
    new_secret: NewSecret
    now: Clock

    async def __call__(
        self,
        tenant: Tenant,
        *,
        name: str,
        scopes: frozenset[Scope],
        lifetime: timedelta | None = None,
    ) -> tuple[ApiKey, str]:
        secret = self.new_secret()
        now = self.now()
        key = ApiKey(
            id=KeyId(self.new_id("key")),
            tenant=tenant,
            name=name,
            scopes=scopes,
            secret_sha256=hash_secret(secret),
            created_at=now,
            expires_at=None if lifetime is None else now + lifetime,
        )
        await self.keys.add(key)
        return key, show_key(key.id, secret)


@dataclass(frozen=True, slots=True)
class RevokeKey:
    keys: KeyRepository
    now: Clock

    async def __call__(self, key_id: KeyId) -> ApiKey:
        at = self.now()
        return await self.keys.update(key_id, lambda key: key.revoke(at))


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Find out who holds an API key, or raise `Unauthenticated`."""

    keys: KeyRepository
    now: Clock

    async def __call__(self, shown: str) -> Principal:
        key_id, secret = split_key(shown)
        try:
            with acting_for(EVERYONE):
                key = await self.keys.get(key_id)
        except NotFound:
            raise Unauthenticated("The API key is wrong, revoked or expired.") from None
        return key.authenticate(secret, now=self.now())
