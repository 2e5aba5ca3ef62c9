"""What a token says: JSON that can be read in one way only."""

import json
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from msgspec import Meta, Struct

from photo.domain.access import Principal, Scope, Tenant, is_tenant
from photo.domain.errors import Unauthenticated

#: Seconds by which the issuer's clock and this one may differ.
LEEWAY = 30

_Moment = Annotated[float, Meta(ge=0, le=253402300799)]
_Text = Annotated[str, Meta(min_length=1, max_length=255)]


class Header(Struct, frozen=True):
    """What it says of keys elsewhere (`jku`, `jwk`, `x5u`, …) is not even read."""

    kid: _Text
    typ: _Text
    #: No extension is understood here, so none may be critical.
    crit: msgspec.UnsetType = msgspec.UNSET

    def is_of(self, token_type: str) -> bool:
        return _media_type(self.typ) == _media_type(token_type)


class Claims(Struct, frozen=True):
    iss: str
    sub: _Text
    aud: str | tuple[str, ...]
    exp: _Moment
    iat: _Moment
    nbf: _Moment = 0
    scope: str = ""
    scp: str | tuple[str, ...] = ""

    @property
    def audiences(self) -> tuple[str, ...]:
        return (self.aud,) if isinstance(self.aud, str) else self.aud

    @property
    def scopes(self) -> frozenset[Scope]:
        """Those of `scope` or, without it, of `scp`; foreign ones do not count."""
        said = self.scope or self.scp
        names = said.split(" ") if isinstance(said, str) else said
        return frozenset(scope for scope in Scope if scope in names)

    def check_time(self, now: datetime) -> None:
        at = now.timestamp()
        if self.exp <= at - LEEWAY:
            raise Unauthenticated("The token has expired. Get a new one.")
        if max(self.nbf, self.iat) > at + LEEWAY:
            raise Unauthenticated("The token is not valid yet.")


def principal_of(claims: Claims, tenant: Any, claim: str) -> Principal:
    """The caller, whose tenant stands in a claim of the operator's choice."""
    if not isinstance(tenant, str) or not is_tenant(tenant):
        raise Unauthenticated(f"The token's claim {claim} names no tenant.")
    # One name for each subject, that cannot break a line of a log.
    subject = quote(claims.sub, safe="@|:/+")
    return Principal(Tenant(tenant), claims.scopes, f"oidc:{subject}")


def strict_object(data: bytes) -> dict[str, Any]:
    """Decode a JSON object, or raise `ValueError`: also for a member named twice."""
    try:
        value = json.loads(
            data.decode(), object_pairs_hook=_once, parse_constant=_no_number
        )
    except RecursionError as error:
        raise ValueError from error
    if not isinstance(value, dict):
        raise ValueError  # noqa: TRY004 # one error for all that is no object
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError
    return value


def _no_number(_: str) -> None:
    raise ValueError


def _media_type(typ: str) -> str:
    return typ.lower().removeprefix("application/")
