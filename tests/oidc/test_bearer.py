"""Tokens over HTTP, beside API keys."""

import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from photo.application.ports import AuditLog, Clock, TokenVerifier
from photo.domain.access import Tenant
from tests.hostile_server import answer, says
from tests.http.service import Service, running
from tests.http.stand_ins import instead
from tests.makers import ACME
from tests.oidc.conftest import Gate
from tests.oidc.local_issuer import (
    AT,
    LocalIssuer,
    SigningKey,
    encoded,
    signed,
    signing_key,
)

JWKS_URL = "https://attacker.test/keys.json"


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[Gate], Any]]:
    async with AsyncExitStack() as stack:

        async def start(gate: Gate) -> Service:
            verifier = await stack.enter_async_context(gate.verifier())
            return await stack.enter_async_context(
                running(
                    instead(TokenVerifier | None, lambda: verifier),
                    instead(Clock, lambda: gate.clock),
                )
            )

        yield start


async def ask(service: Service, token: str, path: str = "/v1/jobs") -> httpx.Response:
    api = await service.anyone()
    return await api.get(path, headers={"Authorization": f"Bearer {token}"})


async def test_a_token_opens_what_its_scopes_allow(serve: Any, gate: Gate) -> None:
    service = await serve(gate)
    assert (await ask(service, gate.issuer.token())).status_code == 200
    refused = await ask(service, gate.issuer.token(), "/v1/keys")
    assert refused.status_code == 403
    assert 'scope="admin"' in refused.headers["WWW-Authenticate"]


async def test_a_token_opens_its_own_tenant_alone(serve: Any, gate: Gate) -> None:
    service = await serve(gate)
    job = await service.job(await service.client(ACME))
    path = f"/v1/jobs/{job['id']}"
    assert (await ask(service, gate.issuer.token(), path)).status_code == 200
    for tenant in ("other", "acme2"):
        refused = await ask(service, gate.issuer.token(tenant=tenant), path)
        assert refused.status_code == 404


async def test_who_holds_a_token_is_named_in_the_audit_log(
    serve: Any, gate: Gate
) -> None:
    service = await serve(gate)
    token = gate.issuer.token(scope="admin photos:read", sub="alice@acme.test")
    api = await service.anyone(f"Bearer {token}")
    made = await api.post("/v1/keys", json={"name": "k", "scopes": ["photos:read"]})
    assert made.status_code == 201
    audit = await service.container.get(AuditLog)
    (entry,) = await audit.page(Tenant("acme"), limit=9)
    assert entry.actor == "oidc:alice@acme.test"


def _unsigned(alg: str) -> Callable[[LocalIssuer], str]:
    def token(issuer: LocalIssuer) -> str:
        head = {"alg": alg, "typ": "at+jwt", "kid": "key-RS256"}
        return f"{encoded(head)}.{encoded(issuer.claims())}."

    return token


def _with_the_public_key(issuer: LocalIssuer) -> str:
    public = signing_key().private.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = {"alg": "HS256", "typ": "at+jwt", "kid": "key-RS256"}
    message = f"{encoded(head)}.{encoded(issuer.claims())}"
    return f"{message}.{encoded(hmac.digest(pem, message.encode(), 'sha256'))}"


def _own_key(**header: Any) -> Callable[[LocalIssuer], str]:
    own = signing_key("RS256", "attacker")
    key = SigningKey(header.pop("kid", "key-RS256"), own.algorithm, own.private)
    return lambda issuer: issuer.token(key, header={**header, "jwk": own.jwk()})


def _twice(issuer: LocalIssuer) -> str:
    claims = (
        f'{{"iss":"{issuer.url}","aud":"https://photo.test","sub":"a","iat":{AT},'
        f'"exp":{AT - 999},"exp":{AT + 999},"tenant":"acme"}}'
    )
    head = b'{"alg":"RS256","typ":"at+jwt","kid":"key-RS256"}'
    return signed(signing_key(), head, claims.encode())


ATTACKS: dict[str, Callable[[LocalIssuer], str]] = {
    "none": _unsigned("none"),
    "None": _unsigned("None"),
    "nOnE": _unsigned("nOnE"),
    "HS256 with the RSA public key": _with_the_public_key,
    "jwk": _own_key(),
    "jku": _own_key(jku=JWKS_URL),
    "x5u": _own_key(x5u=JWKS_URL),
    "kid traversal": _own_key(kid="../../../../../../dev/null"),
    "kid injection": _own_key(kid="key-RS256' UNION SELECT 'x"),
    "wrong aud": lambda issuer: issuer.token(aud="https://other.test"),
    "wrong iss": lambda issuer: issuer.token(iss="https://other.test"),
    "expired": lambda issuer: issuer.token(exp=AT - 61),
    "future nbf": lambda issuer: issuer.token(nbf=AT + 61),
    "future iat": lambda issuer: issuer.token(iat=AT + 61),
    "id_token": lambda issuer: issuer.token(
        header={"typ": "JWT"}, nonce="n", at_hash="h"
    ),
    "1 MB": lambda issuer: issuer.token(padding="x" * (1 << 20)),
    "duplicate claims": _twice,
    "no tenant": lambda issuer: issuer.token(tenant=None),
    "nonsense": lambda _: "nonsense",
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_a_token_that_is_none_opens_nothing(
    serve: Any, gate: Gate, attack: str
) -> None:
    service = await serve(gate)
    refused = await ask(service, ATTACKS[attack](gate.issuer))
    assert refused.status_code == 401
    assert refused.json()["code"] == "unauthenticated"
    challenge = refused.headers["WWW-Authenticate"]
    assert challenge == 'Bearer realm="photo", error="invalid_token"'


async def test_while_no_keys_are_known_nobody_is_called_a_liar(
    serve: Any, own: Gate
) -> None:
    service = await serve(own)
    own.issuer.instead = says(answer(status=500))
    answer_ = await ask(service, own.issuer.token())
    assert answer_.status_code == 503
    assert answer_.json()["code"] == "dependency_unavailable"
    assert answer_.json()["retryable"]
    assert own.issuer.url not in answer_.text
    # Keys of the service's own need no issuer.
    assert (await ask(service, await service.key())).status_code == 200


async def test_without_an_issuer_tokens_are_refused_with_a_reason(gate: Gate) -> None:
    async with running() as service:
        refused = await ask(service, gate.issuer.token())
    assert refused.status_code == 401
    assert "API keys only" in refused.json()["detail"]


async def test_no_part_of_a_token_is_logged(
    serve: Any, gate: Gate, capsys: pytest.CaptureFixture[str]
) -> None:
    service = await serve(gate)
    tokens = [
        gate.issuer.token(),
        gate.issuer.token(exp=AT - 99),
        gate.issuer.token(header={"kid": "unknown"}),
        gate.issuer.token()[:-3] + "AAA",
        "eyJ.canary-of-the-tests.x",
    ]
    for token in tokens:
        await ask(service, token)
    out, err = capsys.readouterr()
    assert "oidc:alice" in out + err
    for part in (part for token in tokens for part in token.split(".") if part[5:]):
        assert part not in out + err
