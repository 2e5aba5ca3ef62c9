"""Tokens that somebody made who has none of the issuer's keys."""

import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from photo.domain.errors import Unauthenticated
from tests.hostile_server import says, serving
from tests.oidc.conftest import Gate
from tests.oidc.local_issuer import SigningKey, encoded, signed, signing_key

OURS = SigningKey(
    "key-RS256", "RS256", rsa.generate_private_key(public_exponent=65537, key_size=2048)
)


def head(**said: Any) -> dict[str, Any]:
    return {"alg": "RS256", "typ": "at+jwt", "kid": "key-RS256", **said}


async def refused(gate: Gate, token: str) -> None:
    with pytest.raises(Unauthenticated):
        await gate.verify(token)


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", None, 0, []])
@pytest.mark.parametrize("signature", ["", "AAAA"])
async def test_no_signature_is_none(gate: Gate, alg: Any, signature: str) -> None:
    message = f"{encoded(head(alg=alg))}.{encoded(gate.issuer.claims())}"
    await refused(gate, f"{message}.{signature}")
    await refused(gate, message)


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512", "hs256"])
async def test_a_public_key_is_no_password(gate: Gate, alg: str) -> None:
    public = signing_key().private.public_key()
    message = f"{encoded(head(alg=alg))}.{encoded(gate.issuer.claims())}".encode()
    digest = f"sha{alg[2:]}"
    for form in (
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).strip(),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
        json.dumps(signing_key().jwk()).encode(),
        b"",
    ):
        signature = encoded(hmac.digest(form, message, digest))
        await refused(gate, f"{message.decode()}.{signature}")


@pytest.mark.parametrize("alg", ["RS384", "RS512", "PS256", "PS512", "rs256"])
async def test_a_key_signs_with_its_own_algorithm_only(gate: Gate, alg: str) -> None:
    key = SigningKey("key-RS256", alg.upper(), signing_key().private)
    header = json.dumps(head(alg=alg)).encode()
    await refused(gate, signed(key, header, json.dumps(gate.issuer.claims()).encode()))


async def test_a_key_that_the_token_brings_is_not_used(gate: Gate) -> None:
    jwk = OURS.jwk()
    async with serving(says(b"")) as attacker:
        headers: list[dict[str, Any]] = [
            {},
            {"jwk": jwk},
            {"jku": attacker.url + "keys.json"},
            {"x5u": attacker.url + "certificate.pem"},
            {"x5c": ["MIIB"]},
            {"jwk": jwk, "kid": "ours"},
            {"jku": attacker.url, "kid": attacker.url},
        ]
        for header in headers:
            await refused(gate, gate.issuer.token(OURS, header=header))
        assert attacker.connections == 0


async def test_a_genuine_token_may_say_where_its_certificate_lies(gate: Gate) -> None:
    async with serving(says(b"")) as elsewhere:
        header = {"x5t": "abc", "jku": elsewhere.url, "x5u": elsewhere.url}
        await gate.verify(gate.issuer.token(header=header))
        assert elsewhere.connections == 0


async def test_a_changed_token_is_no_token(gate: Gate) -> None:
    token = gate.issuer.token()
    header, payload, signature = token.split(".")
    other = encoded(gate.issuer.claims(tenant="other"))
    for changed in [
        f"{header}.{other}.{signature}",
        f"{header}.{payload}.",
        f"{header}.{payload}",
        f"{header}..{signature}",
        f".{payload}.{signature}",
        f"{header}.{payload}.{signature}.{signature}",
        f"{header}.{payload}.{signature[:-4]}",
        f"{header}!.{payload}.{signature}",
        f"{header}.{payload}.{signature}\n",
        f" {token}",
        f"{token}====",
        "...",
        "..",
        ".",
        "",
        "nonsense",
    ]:
        await refused(gate, changed)


async def test_zero_is_no_signature_of_a_curve(gate: Gate) -> None:
    header = encoded(head(alg="ES256", kid="key-ES256"))
    message = f"{header}.{encoded(gate.issuer.claims())}"
    for signature in (bytes(64), b"\x30\x06\x02\x01\x00\x02\x01\x00", b"\xff" * 64):
        await refused(gate, f"{message}.{encoded(signature)}")


@pytest.mark.parametrize("size", [8193, 1 << 20])
async def test_a_long_token_is_refused_unread(gate: Gate, size: int) -> None:
    asked = gate.issuer.asked
    await refused(gate, "a" * size)
    long = gate.issuer.token(x="y" * size)
    await refused(gate, long)
    assert gate.issuer.asked == asked


async def test_eight_kilobytes_are_not_too_long(gate: Gate) -> None:
    token = gate.issuer.token(x="y" * 5000)
    assert 7000 < len(token) <= 8192
    await gate.verify(token)


async def test_another_curve_does_not_stand_in(gate: Gate) -> None:
    key = SigningKey("key-ES256", "ES384", ec.generate_private_key(ec.SECP384R1()))
    header = json.dumps(head(alg="ES256", kid="key-ES256")).encode()
    await refused(gate, gate.issuer.token(key))
    await refused(gate, signed(key, header, json.dumps(gate.issuer.claims()).encode()))


def test_the_library_would_take_a_password_if_it_were_let() -> None:
    """Why keys are bound to algorithms here: a control for the tests above."""
    secret = b"s" * 32
    token = jwt.encode({"a": 1}, secret, "HS256")
    assert jwt.decode(token, secret, ["RS256", "HS256"]) == {"a": 1}
