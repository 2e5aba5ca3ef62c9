"""Who is calling, and what they may do."""

import hmac
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import NewType, Self

from photo.domain.errors import Forbidden, Unauthenticated

Tenant = NewType("Tenant", str)
KeyId = NewType("KeyId", str)


class Scope(StrEnum):
    WRITE = "photos:write"
    READ = "photos:read"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller."""

    tenant: Tenant
    scopes: frozenset[Scope]
    #: The credential's public name, for the audit log.
    credential: str

    def require(self, scope: Scope) -> None:
        if scope not in self.scopes:
            raise Forbidden(
                f"This credential lacks the scope {scope}. Use a key that has it."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """An API key as it is stored: the secret's SHA-256 (it has 256 random bits)."""

    id: KeyId
    tenant: Tenant
    name: str
    scopes: frozenset[Scope]
    secret_sha256: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def authenticate(self, secret: str, *, now: datetime) -> Principal:
        """The caller who holds this key's secret, or `Unauthenticated`."""
        known = hmac.compare_digest(self.secret_sha256, hash_secret(secret))
        expired = self.expires_at is not None and now >= self.expires_at
        if not known or expired or self.revoked_at is not None:
            raise Unauthenticated("The API key is wrong, revoked or expired.")
        return Principal(self.tenant, self.scopes, self.id)

    def revoke(self, at: datetime) -> Self:
        return self if self.revoked_at else replace(self, revoked_at=at)


def hash_secret(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def show_key(key_id: KeyId, secret: str) -> str:
    """The key as its owner sees it, once: `pk_<id>_<secret>`."""
    return f"pk_{key_id.removeprefix('key_')}_{secret}"


def split_key(shown: str) -> tuple[KeyId, str]:
    """Id and secret of a key as its owner sends it, or `Unauthenticated`."""
    prefix, _, rest = shown.partition("_")
    identity, _, secret = rest.partition("_")
    if prefix != "pk" or not identity or not secret:
        raise Unauthenticated(
            "This is not an API key: one looks like pk_<id>_<secret>."
        )
    return KeyId(f"key_{identity}"), secret
