import json
from datetime import timedelta
from typing import Any

import pytest

from photo.domain.access import Scope
from photo.domain.errors import Unauthenticated
from tests.makers import ACME
from tests.oidc.conftest import Gate
from tests.oidc.local_issuer import AT, AUDIENCE, MAKERS, signed, signing_key

ANY = "https://somewhere.test"


async def test_a_good_token_names_its_caller(gate: Gate) -> None:
    caller = await gate.verify(gate.issuer.token())
    assert caller.tenant == ACME
    assert caller.scopes == {Scope.READ}
    assert caller.credential == "oidc:alice"


@pytest.mark.parametrize("algorithm", MAKERS)
async def test_a_key_of_each_kind_signs(gate: Gate, algorithm: str) -> None:
    await gate.verify(gate.issuer.token(signing_key(algorithm)))


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["https://other.test", AUDIENCE]},
        {"exp": AT + 300.5},
        {"exp": AT - 29},
        {"nbf": AT + 30, "iat": AT + 30},
        {"nbf": AT - 1, "jti": "x", "client_id": "y", "nested": {"a": [1, None]}},
    ],
)
async def test_what_the_standard_allows_is_good(
    gate: Gate, claims: dict[str, Any]
) -> None:
    await gate.verify(gate.issuer.token(**claims))


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({"scope": "photos:read photos:write"}, {Scope.READ, Scope.WRITE}),
        ({"scope": "admin"}, {Scope.ADMIN}),
        ({"scope": "photos:* Admin ADMIN photos:rea"}, set()),
        ({"scope": None}, set()),
        ({"scope": None, "scp": "photos:read"}, {Scope.READ}),
        ({"scope": None, "scp": ["photos:write", "mail"]}, {Scope.WRITE}),
        ({"scope": "photos:read", "scp": ["admin"]}, {Scope.READ}),
    ],
)
async def test_only_known_scopes_count(
    gate: Gate, claims: dict[str, Any], scopes: set[Scope]
) -> None:
    assert (await gate.verify(gate.issuer.token(**claims))).scopes == scopes


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
async def test_the_type_may_be_written_in_full(gate: Gate, typ: str) -> None:
    await gate.verify(gate.issuer.token(header={"typ": typ}))


async def test_an_operator_may_choose_another_type_and_claim(gate: Gate) -> None:
    claims: dict[str, Any] = {"tenant": None, f"{ANY}/org": "acme"}
    token = gate.issuer.token(header={"typ": "JWT"}, **claims)
    verifier = gate.verifier(tenant_claim=f"{ANY}/org", typ="JWT")
    async with verifier:
        assert (await verifier.verify(token)).tenant == ACME


@pytest.mark.parametrize(
    ("subject", "credential"),
    [
        ("auth0|5f7c@clients", "oidc:auth0|5f7c@clients"),
        ("a b\r\nlevel=error\x1b[0m\u2028é", "oidc:a%20b%0D%0Alevel%3Derror%1B"),
    ],
)
async def test_a_subject_cannot_break_a_log(
    gate: Gate, subject: str, credential: str
) -> None:
    caller = await gate.verify(gate.issuer.token(sub=subject))
    assert caller.credential.startswith(credential)
    assert caller.credential.isascii()
    assert caller.credential.isprintable()


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": AT - 30},
        {"exp": AT - 3600},
        {"nbf": AT + 31},
        {"iat": AT + 31},
        {"iss": ANY},
        {"iss": "{url}/"},
        {"aud": ANY},
        {"aud": [ANY]},
        {"aud": []},
        {"aud": AUDIENCE + "/"},
        {"tenant": None},
        {"tenant": ""},
        {"tenant": "*"},
        {"tenant": "Acme"},
        {"tenant": "acme\n"},
        {"tenant": "../acme"},
        {"tenant": "a" * 64},
        {"tenant": ["acme"]},
        {"tenant": 7},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "a" * 256},
        {"exp": None},
        {"iat": None},
        {"iss": None},
        {"aud": None},
        {"exp": str(AT + 300)},
        {"exp": True},
        {"exp": [AT + 300]},
        {"exp": -1},
        {"exp": 10**400},
        {"nbf": "soon"},
        {"iss": ["{url}"]},
        {"aud": {AUDIENCE: True}},
        {"scope": ["photos:read"]},
        {"scope": None, "scp": {"photos:read": True}},
    ],
    ids=str,
)
async def test_a_claim_that_does_not_hold_is_refused(
    gate: Gate, claims: dict[str, Any]
) -> None:
    said = json.loads(json.dumps(claims).replace("{url}", gate.issuer.url))
    with pytest.raises(Unauthenticated):
        await gate.verify(gate.issuer.token(**said))


@pytest.mark.parametrize(
    "header",
    [
        {"typ": None},
        {"typ": "JWT"},
        {"typ": "id_token"},
        {"typ": "at+jwt+x"},
        {"typ": 7},
        {"kid": None},
        {"kid": ""},
        {"kid": "../../../../dev/null"},
        {"kid": "key-RS256\x00"},
        {"kid": "' OR 1=1 --"},
        {"kid": "key-ES256"},
        {"kid": "k" * 256},
        {"crit": ["b64"], "b64": True},
        {"crit": ["exp"], "exp": AT},
        {"crit": []},
        {"b64": False},
    ],
    ids=str,
)
async def test_a_header_that_does_not_hold_is_refused(
    gate: Gate, header: dict[str, Any]
) -> None:
    key = signing_key()
    head = {"alg": "RS256", "typ": "at+jwt", "kid": key.kid, **header}
    head = {name: value for name, value in head.items() if value is not None}
    token = signed(
        key, json.dumps(head).encode(), json.dumps(gate.issuer.claims()).encode()
    )
    with pytest.raises(Unauthenticated):
        await gate.verify(token)


@pytest.mark.parametrize(
    "part",
    [
        b'{"alg":"RS256","typ":"at+jwt","kid":"key-RS256","kid":"key-RS256"}',
        b'{"alg":"RS256","typ":"JWT","kid":"key-RS256","t\\u0079p":"at+jwt"}',
        b'["RS256"]',
        b"7",
        b"",
        b"\xff{}",
        '{"alg":"RS256","typ":"at+jwt","kid":"key-RS256"}'.encode("utf-16"),
        b"[" * 4000,
    ],
)
async def test_a_header_that_can_be_read_in_two_ways_is_refused(
    gate: Gate, part: bytes
) -> None:
    payload = json.dumps(gate.issuer.claims()).encode()
    with pytest.raises(Unauthenticated):
        await gate.verify(signed(signing_key(), part, payload))


@pytest.mark.parametrize(
    "more",
    [
        b'"tenant":"other"',
        b'"nested":{"a":1,"a":2}',
        b'"exp":9e999',
        b'"x":NaN',
        b'"x":-Infinity',
        b'"x":' + b"9" * 5000,
        b'"x":' + b"[" * 4000,
        b'"x":\xff',
        b'"x"',
    ],
)
async def test_claims_that_can_be_read_in_two_ways_are_refused(
    gate: Gate, more: bytes
) -> None:
    claims = json.dumps(gate.issuer.claims()).encode()
    header = b'{"alg":"RS256","typ":"at+jwt","kid":"key-RS256"}'
    await gate.verify(signed(signing_key(), header, claims[:-1] + b',"x":1}'))
    payload = claims[:-1] + b"," + more + b"}"
    with pytest.raises(Unauthenticated):
        await gate.verify(signed(signing_key(), header, payload))


async def test_a_token_that_ends_is_not_believed_from_memory(gate: Gate) -> None:
    token = gate.issuer.token(exp=AT + 2)
    async with gate.verifier() as verifier:
        await verifier.verify(token)
        gate.clock.step(timedelta(seconds=32))
        with pytest.raises(Unauthenticated, match="expired"):
            await verifier.verify(token)


async def test_who_holds_a_genuine_token_is_told_what_is_wrong(gate: Gate) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"exp": AT - 60}, "expired"),
        ({"nbf": AT + 60}, "not valid yet"),
        ({"aud": ANY}, "not made for this service"),
        ({"tenant": "A"}, "claim tenant names no tenant"),
    ]
    for claims, told in cases:
        with pytest.raises(Unauthenticated, match=told):
            await gate.verify(gate.issuer.token(**claims))


async def test_nobody_else_is(gate: Gate) -> None:
    told = set()
    for claims in ({}, {"exp": AT - 60}, {"aud": ANY}, {"tenant": "A"}, {"sub": None}):
        token = gate.issuer.token(**claims)
        forged = token[:-8] + ("AAAAAAA" if token[-8:-1] != "AAAAAAA" else "BBBBBBB")
        with pytest.raises(Unauthenticated) as refused:
            await gate.verify(forged + token[-1])
        told.add(refused.value.detail)
        assert refused.value.__cause__ is None
    assert len(told) == 1
