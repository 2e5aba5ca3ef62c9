"""What an issuer may answer, and what is made of it."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from photo.adapters.oidc.issuer import Issuer
from photo.adapters.oidc.keys import signing_keys
from photo.domain.errors import Unavailable
from tests.certificates import Authority
from tests.hostile_server import (
    Deed,
    answer,
    drips,
    redirects,
    says,
    says_and_stays,
    says_for_ever,
    serving,
)
from tests.oidc.conftest import TLS, Gate
from tests.oidc.local_issuer import JWKS, MAKERS, SigningKey, signing_key

RSA, EC = signing_key("RS256").jwk(), signing_key("ES256").jwk()
WEAK = SigningKey("weak", "RS256", rsa.generate_private_key(65537, 1024)).jwk()  # noqa: S505 # on purpose
CHUNKED = b"HTTP/1.1 200 -\r\nTransfer-Encoding: chunked\r\n\r\n"


def known(*entries: Any) -> dict[str, str]:
    keys = signing_keys({"keys": [*entries]})
    return {kid: key.algorithm_name for kid, key in keys.items()}


def without(entry: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in names}


@pytest.mark.parametrize("algorithm", MAKERS)
def test_each_key_is_good_for_one_algorithm(algorithm: str) -> None:
    jwk = signing_key(algorithm).jwk()
    assert known(jwk) == {jwk["kid"]: algorithm}
    usual = "RS256" if algorithm == "PS512" else algorithm
    assert known(without(jwk, "alg")) == {jwk["kid"]: usual}


@pytest.mark.parametrize(
    "entry",
    [
        {"kty": "oct", "kid": "a", "k": "c2VjcmV0", "alg": "HS256"},
        {"kty": "oct", "kid": "a", "k": "c2VjcmV0"},
        {**RSA, "alg": "HS256"},
        {**RSA, "alg": "none"},
        {**RSA, "alg": "ES256"},
        {**RSA, "alg": "RSA-OAEP"},
        {**RSA, "use": "enc"},
        {**RSA, "key_ops": ["encrypt"]},
        {**RSA, "kid": None},
        {**RSA, "kid": 7},
        {**RSA, "n": 7},
        {**RSA, "n": ""},
        {**RSA, "e": "AA"},
        {**EC, "alg": "RS256"},
        {**EC, "alg": "ES384"},
        {**EC, "crv": "P-384"},
        {**EC, "crv": "secp256k1"},
        {**EC, "x": EC["y"]},
        {**signing_key("EdDSA").jwk(), "crv": "Ed448"},
        {**signing_key("EdDSA").jwk(), "x": "!"},
        without(RSA, "kid"),
        without(RSA, "kty"),
        without(RSA, "n"),
        without(EC, "y"),
        WEAK,
        {},
        None,
        "key",
    ],
    ids=str,
)
def test_other_keys_are_passed_over(entry: Any) -> None:
    assert known(entry, {**RSA, "kid": "good"}) == {"good": "RS256"}


@pytest.mark.parametrize("document", [None, [], "", {}, {"keys": {}}, {"keys": None}])
def test_what_is_no_set_of_keys_has_none(document: Any) -> None:
    assert signing_keys(document) == {}


def test_a_private_key_that_an_issuer_lets_out_is_not_taken_in() -> None:
    leaked = {**EC, "d": EC["x"]}
    key = signing_keys({"keys": [leaked]})["key-ES256"]
    assert not hasattr(key.key, "private_numbers")


async def unavailable(gate: Gate) -> str:
    with pytest.raises(Unavailable) as refused:
        await Issuer(gate.issuer.url, seconds=0.5, tls=TLS).keys()
    assert gate.issuer.url not in str(refused.value)
    return str(refused.value.reason)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"issuer": "https://evil.test"}, "another issuer"),
        ({"issuer": "{url}/"}, "another issuer"),
        ({"issuer": None}, "another issuer"),
        ({"jwks_uri": None}, "no jwks_uri"),
        ({"jwks_uri": ["{url}/keys.json"]}, "no jwks_uri"),
        ({"jwks_uri": "file:///etc/passwd"}, "insecure jwks_uri"),
        ({"jwks_uri": "/keys.json"}, "insecure jwks_uri"),
        ({"jwks_uri": "http://[::"}, "malformed"),
        ({"jwks_uri": "http://\x00/"}, "InvalidURL"),
        ({"jwks_uri": "http://127.0.0.1:1/"}, "ConnectError"),
        ({"jwks_uri": "{url}/nowhere"}, "status 404"),
    ],
    ids=str,
)
async def test_an_issuer_must_say_who_it_is_and_where_its_keys_are(
    own: Gate, said: dict[str, Any], reason: str
) -> None:
    own.issuer.discovery = json.loads(json.dumps(said).replace("{url}", own.issuer.url))
    assert await unavailable(own) == reason


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        (says(answer(status=500)), "status 500"),
        (redirects("http://127.0.0.1:1/"), "status 302"),
        (says(answer(b"<html>")), "malformed"),
        (says(answer(b"[" * 100_000)), "malformed"),
        (says(answer(b"\xff\xfe")), "malformed"),
        (says(answer(b"null")), "another issuer"),
        (says(answer(b"{}", length=10)), "RemoteProtocolError"),
        (says(b"nonsense\r\n\r\n"), "RemoteProtocolError"),
        (says(b""), "RemoteProtocolError"),
        (says(answer(b" " * 300_000)), "too large"),
        (says(answer(b"x\x9c", "Content-Encoding: deflate")), "malformed"),
        (says_and_stays(answer(b"{", length=10)), "TimeoutError"),
        (drips(CHUNKED, b"1\r\n \r\n", every=0.1), "TimeoutError"),
        (says_for_ever(CHUNKED, b"400\r\n" + b" " * 1024 + b"\r\n"), "too large"),
    ],
)
async def test_an_issuer_that_misbehaves_holds_up_nobody_for_long(
    own: Gate, deed: Deed, reason: str
) -> None:
    own.issuer.instead = deed
    assert await unavailable(own) == reason


async def test_nobody_there_is_unavailable(own: Gate) -> None:
    async with serving(says(b"")) as server:
        url = server.url
    with pytest.raises(Unavailable):
        await Issuer(url, tls=TLS).keys()


async def test_a_slash_at_the_end_is_a_part_of_the_name(own: Gate) -> None:
    url = own.issuer.url + "/"
    own.issuer.discovery = {"issuer": url}
    assert await Issuer(url, tls=TLS).keys()


async def test_an_issuer_with_a_wrong_certificate_is_not_believed(
    authority: Authority,
) -> None:
    async with serving(says(b"{}"), tls=authority.server("else.test")) as server:
        with pytest.raises(Unavailable, match="gave no keys"):
            issuer = Issuer(f"https://127.0.0.1:{server.port}", tls=authority.trusting)
            await issuer.keys()
        assert not server.requests


async def test_keys_are_not_fetched_in_the_clear_for_a_secure_issuer(
    own: Gate, authority: Authority
) -> None:
    said = {"issuer": "https://localhost:{port}", "jwks_uri": own.issuer.url + JWKS}

    def discovery(port: int) -> bytes:
        return answer(json.dumps(said).replace("{port}", str(port)).encode())

    async with serving(says(b""), tls=authority.server("localhost")) as server:
        server.deed = says(discovery(server.port))
        issuer = Issuer(f"https://localhost:{server.port}", tls=authority.trusting)
        with pytest.raises(Unavailable) as refused:
            await issuer.keys()
    assert refused.value.reason == "insecure jwks_uri"
    assert own.issuer.asked == 0
