"""An issuer's signing keys: each is good for one algorithm."""

from collections.abc import Iterator, Mapping
from typing import Any

import jwt
import msgspec
from msgspec import Struct

#: What a key may sign with, by its type and curve: the first unless it says which.
_ALGORITHMS: Mapping[tuple[str, str | None], tuple[str, ...]] = {
    ("RSA", None): ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA",),
}


class _Jwk(Struct, frozen=True, omit_defaults=True):
    """The public part of a key, whatever else the issuer lets out."""

    kty: str
    kid: str
    alg: str | None = None
    use: str | None = None
    key_ops: tuple[str, ...] | None = None
    crv: str | None = None
    n: str | None = None
    e: str | None = None
    x: str | None = None
    y: str | None = None

    @property
    def algorithm(self) -> str | None:
        allowed = _ALGORITHMS.get((self.kty, self.crv), ())
        signs = self.use in {None, "sig"} and "verify" in (self.key_ops or ("verify",))
        if not signs or (self.alg and self.alg not in allowed):
            return None
        return self.alg or next(iter(allowed), None)


def signing_keys(document: Any) -> dict[str, jwt.PyJWK]:
    """The keys of a JWK set by their `kid`; what is of no use here is passed over."""
    entries = document.get("keys") if isinstance(document, dict) else None
    return dict(_usable(entries if isinstance(entries, list) else []))


def _usable(entries: list[Any]) -> Iterator[tuple[str, jwt.PyJWK]]:
    for entry in entries:
        try:
            found = msgspec.convert(entry, _Jwk)
            algorithm = found.algorithm
            if algorithm is None:
                continue
            key = jwt.PyJWK(msgspec.to_builtins(found), algorithm)
        except (msgspec.ValidationError, jwt.PyJWTError):
            continue
        if not key.Algorithm.check_key_length(key.key):
            yield found.kid, key
