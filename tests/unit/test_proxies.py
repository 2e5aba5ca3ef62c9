"""Whose word is taken on who is calling."""

from ipaddress import ip_network

import pytest

from photo.entrypoints.http.proxies import Hop, Proxies

PROXIES = Proxies([ip_network("10.0.0.0/8"), ip_network("fd00::/8")])
PEER = "10.0.0.1"
UNKNOWN = Hop()


def client(*, peer: str | None = PEER, **sent: str) -> Hop:
    names = {name.replace("_", "-").encode(): sent[name].encode() for name in sent}
    return PROXIES.client(peer, names)


@pytest.mark.parametrize(
    ("text", "hop"),
    [
        ("for=203.0.113.7", Hop("203.0.113.7")),
        ("For=203.0.113.7;Proto=HTTPS;by=10.0.0.1", Hop("203.0.113.7", "https")),
        ('for="203.0.113.7:4711"', Hop("203.0.113.7")),
        ('for="[2001:db8::17]:4711"', Hop("2001:db8::17")),
        ('for="[2001:DB8:0::17]"', Hop("2001:db8::17")),
        ("for=[2001:db8::17]:4711", Hop("2001:db8::17")),
        ('for="203.0.113\\.7"', Hop("203.0.113.7")),
        ("for=203.0.113.7 ; proto=http", Hop("203.0.113.7", "http")),
        ("for=6.6.6.6, for=203.0.113.7;proto=https", Hop("203.0.113.7", "https")),
        ("for=6.6.6.6,for=203.0.113.7,for=10.2.0.1", Hop("203.0.113.7")),
        (
            'for=203.0.113.7;proto=https,for="[fd00::1]";proto=http',
            Hop("203.0.113.7", "https"),
        ),
        ("for=10.3.0.1, for=10.2.0.1", Hop("10.3.0.1")),
        ("for=6.6.6.6;proto=https, for=unknown;proto=http", Hop(None, "http")),
        ("for=6.6.6.6, for=_hidden, for=10.2.0.1", Hop("10.2.0.1")),
        ("for=6.6.6.6, proto=https", Hop(None, "https")),
        ('for="a,b;c=\\"d"', UNKNOWN),
        ("for=203.0.113.7;proto=gopher", Hop("203.0.113.7")),
        (", ,for=203.0.113.7, ", Hop("203.0.113.7")),
        ('for="fe80::1%eth0"', UNKNOWN),
        ('for="::ffff:203.0.113.7"', Hop("203.0.113.7")),
        ('for="203.0.113.7', UNKNOWN),
        ("for=6.6.6.6;for=203.0.113.7", UNKNOWN),
        ("203.0.113.7", UNKNOWN),
        ("for=203.0.113.7;;proto=https x", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_the_standard_header_is_read_from_the_right(text: str, hop: Hop) -> None:
    assert client(forwarded=text) == hop


@pytest.mark.parametrize(
    ("addresses", "schemes", "hop"),
    [
        ("203.0.113.7", "https", Hop("203.0.113.7", "https")),
        ("203.0.113.7:80", "HTTP", Hop("203.0.113.7", "http")),
        ("2001:db8::17", "", Hop("2001:db8::17")),
        ("[2001:db8::17]:80", "", Hop("2001:db8::17")),
        ("6.6.6.6, 203.0.113.7", "https", Hop("203.0.113.7", "https")),
        ("6.6.6.6, 203.0.113.7, 10.2.0.1", "https", Hop("203.0.113.7", "https")),
        ("203.0.113.7, 10.2.0.1", "https, http", Hop("203.0.113.7", "https")),
        ("203.0.113.7", "https, http", Hop("203.0.113.7", "http")),
        ("203.0.113.7, unknown", "https", Hop(None, "https")),
        ("203.0.113.7, unknown, 10.2.0.1", "", Hop("10.2.0.1")),
        ("", "https", Hop(None, "https")),
        ("203.0.113.7", "wss", Hop("203.0.113.7")),
    ],
)
def test_the_customary_headers_are_read_from_the_right(
    addresses: str, schemes: str, hop: Hop
) -> None:
    told = {"x_forwarded_for": addresses, "x_forwarded_proto": schemes}
    assert client(**told) == hop


@pytest.mark.parametrize("peer", ["203.0.113.9", "11.0.0.1", "testclient", None])
def test_strangers_are_not_believed(peer: str | None) -> None:
    said = {"x_forwarded_for": "203.0.113.7", "forwarded": "for=203.0.113.7"}
    assert client(peer=peer, **said) == UNKNOWN


def test_nobody_is_believed_unless_named() -> None:
    sent = {b"x-forwarded-for": b"203.0.113.7", b"x-forwarded-proto": b"https"}
    assert Proxies([]).client("127.0.0.1", sent) == UNKNOWN


@pytest.mark.parametrize("peer", ["::ffff:10.0.0.1", "fd00::1"])
def test_a_peer_may_have_an_address_of_either_kind(peer: str) -> None:
    assert client(peer=peer, x_forwarded_for="203.0.113.7").address == "203.0.113.7"


def test_two_kinds_of_headers_may_complete_one_another() -> None:
    said = {"forwarded": "for=203.0.113.7", "x_forwarded_proto": "https"}
    assert client(**said) == Hop("203.0.113.7", "https")


def test_where_two_kinds_of_headers_disagree_neither_is_believed() -> None:
    assert (
        client(
            forwarded="for=6.6.6.6;proto=https",
            x_forwarded_for="203.0.113.7",
            x_forwarded_proto="http",
        )
        == UNKNOWN
    )


def test_a_chain_too_long_for_proxies_alone_is_not_believed() -> None:
    assert client(x_forwarded_for="6.6.6.6, " * 500 + "203.0.113.7") == UNKNOWN
