"""Access tokens of an OpenID Connect issuer (RFC 9068), verified here."""

from hashlib import sha256
from types import TracebackType
from typing import NamedTuple, Self

import msgspec
from jwt.api_jws import decode_complete
from jwt.exceptions import PyJWTError
from jwt.utils import base64url_decode
from msgspec import Struct

from photo.adapters.oidc.claims import Claims, Header, principal_of, strict_object
from photo.adapters.oidc.issuer import Issuer
from photo.adapters.oidc.keyring import KeyRing
from photo.application.ports import Clock, Stopwatch, TokenVerifier
from photo.application.recent import Recent
from photo.domain.access import Principal
from photo.domain.errors import Unauthenticated

_MAX_CHARACTERS = 8192
_RECENT_SECONDS = 5
_RECENT_TOKENS = 1024


class Trust(Struct, frozen=True, kw_only=True):
    """Whose tokens are believed, and what they must say."""

    issuer: str
    audience: str
    tenant_claim: str
    token_type: str


class _Verified(NamedTuple):
    claims: Claims
    principal: Principal


class OidcTokenVerifier(TokenVerifier):
    """Until its signature is known to be right, a token learns nothing from a refusal.

    A verified one is believed again for some seconds, but never after its end.
    """

    def __init__(
        self, trust: Trust, issuer: Issuer, now: Clock, elapsed: Stopwatch
    ) -> None:
        self._trust = trust
        self._keys = KeyRing(issuer.keys, elapsed)
        self._now = now
        self._recent: Recent[bytes, _Verified] = Recent(
            elapsed, seconds=_RECENT_SECONDS, most=_RECENT_TOKENS
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._keys.aclose()

    async def verify(self, token: str) -> Principal:
        if len(token) > _MAX_CHARACTERS:
            raise _wrong()
        digest = sha256(token.encode()).digest()
        verified = self._recent.get(digest)
        if verified is None:
            verified = await self._verified(token)
            self._recent.put(digest, verified)
        verified.claims.check_time(self._now())
        return verified.principal

    async def _verified(self, token: str) -> _Verified:
        try:
            header = _header(token)
            key = await self._keys.find(header.kid)
            if key is None:
                raise _wrong()
            signed = decode_complete(token, key)["payload"]
            values = strict_object(signed)
            claims = msgspec.convert(values, Claims)
        except (ValueError, PyJWTError):
            # Not even as a cause: the messages of others may quote the token.
            raise _wrong() from None
        trust = self._trust
        if not header.is_of(trust.token_type):
            raise Unauthenticated(f"This is no access token (typ {trust.token_type}).")
        if claims.iss != trust.issuer or trust.audience not in claims.audiences:
            raise Unauthenticated("The token was not made for this service.")
        tenant = values.get(trust.tenant_claim)
        return _Verified(claims, principal_of(claims, tenant, trust.tenant_claim))


def _header(token: str) -> Header:
    encoded = token.partition(".")[0]
    return msgspec.convert(strict_object(base64url_decode(encoded)), Header)


def _wrong() -> Unauthenticated:
    return Unauthenticated("The token is wrong, expired or not meant for this service.")
