"""An issuer of tokens on loopback, with keys of every kind."""

import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from tests.hostile_server import Deed, HostileServer, Visit, answer, serving
from tests.makers import NOW

AUDIENCE = "https://photo.test"
DISCOVERY = "/.well-known/openid-configuration"
JWKS = "/keys.json"
AT = int(NOW.timestamp())

MAKERS: Mapping[str, Callable[[], Any]] = {
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "PS512": lambda: rsa.generate_private_key(65537, 2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ES512": lambda: ec.generate_private_key(ec.SECP521R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


@dataclass(frozen=True)
class SigningKey:
    kid: str
    algorithm: str
    private: Any

    def jwk(self, **more: Any) -> dict[str, Any]:
        kind: Any = {"R": RSAAlgorithm, "P": RSAAlgorithm, "E": ECAlgorithm}
        kind = kind[self.algorithm[0]] if self.algorithm != "EdDSA" else OKPAlgorithm
        public = kind.to_jwk(self.private.public_key(), as_dict=True)
        named = {"kid": self.kid, "alg": self.algorithm, "use": "sig"}
        return {**public, **named, **more}


def signing_key(algorithm: str = "RS256", kid: str = "") -> SigningKey:
    """Always the same for the same name."""
    return _made(algorithm, kid or f"key-{algorithm}")


@cache
def _made(algorithm: str, kid: str) -> SigningKey:
    return SigningKey(kid, algorithm, MAKERS[algorithm]())


@dataclass
class LocalIssuer:
    """Serves `keys`, or does to its visitors what `instead` says."""

    server: HostileServer
    jwks: list[dict[str, Any]]
    discovery: dict[str, Any] = field(default_factory=dict)
    instead: Deed | None = None

    @property
    def url(self) -> str:
        return self.server.url.removesuffix("/")

    @property
    def asked(self) -> int:
        """How often it was asked for its keys."""
        return sum(JWKS in request for request in self.server.requests)

    def token(
        self,
        key: SigningKey | None = None,
        *,
        header: Mapping[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """A good token, but for what is said otherwise; None leaves a claim out."""
        key = key or signing_key()
        said = {"typ": "at+jwt", "kid": key.kid, "alg": key.algorithm, **(header or {})}
        return jwt.api_jws.encode(
            json.dumps(self.claims(**claims)).encode(),
            key.private,
            key.algorithm,
            headers={name: value for name, value in said.items() if value is not None},
        )

    def claims(self, **claims: Any) -> dict[str, Any]:
        good = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "alice",
            "exp": AT + 300,
            "iat": AT,
            "scope": "openid photos:read",
            "tenant": "acme",
        }
        said = {**good, **claims}
        return {name: value for name, value in said.items() if value is not None}

    async def welcome(self, visit: Visit) -> None:
        if self.instead:
            await self.instead(visit)
            return
        said = {"issuer": self.url, "jwks_uri": self.url + JWKS, **self.discovery}
        document = {DISCOVERY: said, JWKS: {"keys": self.jwks}}.get(visit.path)
        status = 404 if document is None else 200
        await visit.say(answer(json.dumps(document).encode(), status=status))


@asynccontextmanager
async def issuing(*keys: SigningKey) -> AsyncIterator[LocalIssuer]:
    issuer: LocalIssuer

    async def welcome(visit: Visit) -> None:
        await issuer.welcome(visit)

    async with serving(welcome) as server:
        issuer = LocalIssuer(server, [key.jwk() for key in keys or (signing_key(),)])
        yield issuer


def encoded(part: Mapping[str, Any] | bytes) -> str:
    """A part of a token."""
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return urlsafe_b64encode(data).decode().rstrip("=")


def signed(key: SigningKey, header: bytes, payload: bytes) -> str:
    """A token of just these bytes, with a signature that is right."""
    message = f"{encoded(header)}.{encoded(payload)}"
    algorithm = jwt.get_algorithm_by_name(key.algorithm)
    return f"{message}.{encoded(algorithm.sign(message.encode(), key.private))}"
