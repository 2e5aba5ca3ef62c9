"""Who is calling, and what they may do."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hmac import compare_digest
from typing import NamedTuple, NewType, Self
from zlib import crc32

from photo.domain.errors import Forbidden, Unauthenticated

Tenant = NewType("Tenant", str)
KeyId = NewType("KeyId", str)

#: The uses of a key within so much time are noted once.
ONE_USE = timedelta(minutes=1)

_TENANT = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
#: Older keys have no checksum at their end.
_SHOWN = re.compile(r"(pk_([0-9a-z]{26})_[0-9a-f]{64})([0-9a-f]{8})?")


class Scope(StrEnum):
    WRITE = "photos:write"
    READ = "photos:read"
    ADMIN = "admin"


def is_tenant(name: str) -> bool:
    """Whether a tenant can be called this: it is a part of paths and of log lines."""
    return _TENANT.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller."""

    tenant: Tenant
    scopes: frozenset[Scope]
    #: The credential's public name, for the audit log.
    credential: str

    def require(self, scopes: Iterable[Scope]) -> None:
        if missing := sorted({*scopes} - self.scopes):
            names = " and ".join(missing)
            error = Forbidden(
                f"This credential lacks the scope {names}. Use one that has it."
            )
            error.scopes = missing
            raise error


class Proof(NamedTuple):
    """What is stored of a secret: its hash under a key that the database lacks."""

    hmac: str
    #: Without it: of older keys, until they are next used.
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """An API key as it is stored: with one of both hashes, and without the secret."""

    id: KeyId
    tenant: Tenant
    name: str
    scopes: frozenset[Scope]
    secret_hmac: str | None = None
    secret_sha256: str | None = None
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    @property
    def prefix(self) -> str:
        """The beginning of the key as its owner sees it: no secret."""
        return f"pk_{self.id.removeprefix('key_')}"

    def authenticate(self, proof: Proof, *, now: datetime) -> Principal:
        """The caller who holds this key's secret, or `Unauthenticated`."""
        known = _same(self.secret_hmac, proof.hmac)
        known |= _same(self.secret_sha256, proof.sha256)
        expired = self.expires_at is not None and now >= self.expires_at
        if not known or expired or self.revoked_at is not None:
            raise Unauthenticated("The API key is wrong, revoked or expired.")
        return Principal(self.tenant, self.scopes, self.id)

    def revoke(self, at: datetime) -> Self:
        return self if self.revoked_at else replace(self, revoked_at=at)

    def counts(self, use: datetime) -> bool:
        """Whether a use is to be noted: one a minute, and that of an older key."""
        last = self.last_used_at
        return last is None or use >= last + ONE_USE or self.secret_hmac is None

    def used(self, at: datetime, *, secret_hmac: str) -> Self:
        return replace(
            self, last_used_at=at, secret_hmac=secret_hmac, secret_sha256=None
        )


def show_key(key_id: KeyId, secret: str) -> str:
    """The key as its owner sees it, once: `pk_<id>_<secret><checksum>`."""
    shown = f"pk_{key_id.removeprefix('key_')}_{secret}"
    return shown + _checksum(shown)


def split_key(shown: str) -> tuple[KeyId, str]:
    """Id and secret, with its checksum, of a key as its owner sends it.

    Raises `Unauthenticated` if it cannot be one: nothing needs to be looked up.
    """
    found = _SHOWN.fullmatch(shown)
    if not found or found[3] not in {None, _checksum(found[1])}:
        raise Unauthenticated(
            "This is no API key: one looks like pk_<id>_<secret>. Copy all of it."
        )
    return KeyId(f"key_{found[2]}"), shown.rpartition("_")[2]


def _same(stored: str | None, shown: str) -> bool:
    return stored is not None and compare_digest(stored, shown)


def _checksum(text: str) -> str:
    return f"{crc32(text.encode()):08x}"
