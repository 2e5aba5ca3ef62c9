"""Who is calling, and how, where trusted proxies say so.

The chain of proxies is walked from the nearest on, as long as each is trusted: the
first that is not is the client. What is said beyond may be made up by it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import NamedTuple, TypeVar

HEADERS = (b"forwarded", b"x-forwarded-for", b"x-forwarded-proto")

T = TypeVar("T")

#: One pair of an element (RFC 7239), or nothing, and what ends it. As many proxies do,
#: a value may leave out the quotes round an address.
_PAIR = re.compile(
    r"[ \t]*(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)="
    r'(?:"((?:[^"\\]|\\.)*)"|([^",;\\\s]+)))?[ \t]*([,;]|$)'
)
_ESCAPED = re.compile(r"\\(.)")
_SCHEMES = frozenset({"http", "https"})
#: What is longer was not written by proxies alone.
_LONGEST = 4096
#: Clients choose what they send: only so much of it is remembered.
_REMEMBERED = 4096


class Hop(NamedTuple):
    """Whom a proxy serves, and how it is spoken to; None is unknown."""

    address: str | None = None
    scheme: str | None = None


_UNKNOWN = Hop()


class Proxies:
    def __init__(self, trusted: Sequence[IPv4Network | IPv6Network]) -> None:
        self._networks = trusted
        self._trusts = lru_cache(_REMEMBERED)(self._is_trusted)
        self._told = lru_cache(_REMEMBERED)(self._found_out)

    def client(self, peer: str | None, sent: Mapping[bytes, bytes]) -> Hop:
        """What is known beyond the peer of the connection.

        Where the two kinds of headers disagree, neither is believed: a proxy that
        writes the one may let the other pass as its client sent it.
        """
        if not self._networks or peer is None or not self._trusts(peer):
            return _UNKNOWN
        told = [sent.get(name, b"") for name in HEADERS]
        return self._told(*told) if sum(map(len, told)) < _LONGEST else _UNKNOWN

    def _found_out(self, forwarded: bytes, addresses: bytes, schemes: bytes) -> Hop:
        standard = self._walk(_standard(forwarded.decode("latin-1")))
        customary = self._walk(
            _customary(addresses.decode("latin-1"), schemes.decode("latin-1"))
        )
        return Hop(
            _agreed(standard.address, customary.address),
            _agreed(standard.scheme, customary.scheme),
        )

    def _walk(self, hops: Iterable[Hop]) -> Hop:
        """The client, from the nearest hop on; hidden, it is the last proxy known."""
        address, scheme = _UNKNOWN
        for hop in hops:
            address, scheme = hop.address or address, hop.scheme
            if hop.address is None or not self._trusts(hop.address):
                break
        return Hop(address, scheme)

    def _is_trusted(self, address: str) -> bool:
        known = _address(address)
        return known is not None and any(
            ip_address(known) in network for network in self._networks
        )


def _standard(text: str) -> list[Hop]:
    """`Forwarded`, nearest hop first; nothing if it is malformed."""
    hops: list[Hop] = []
    pairs: dict[str, str] = {}
    at = 0
    while at < len(text):
        found = _PAIR.match(text, at)
        if found is None or (found[1] or "").lower() in pairs:
            return []
        name, quoted, plain, end = found.groups()
        if name:
            pairs[name.lower()] = plain or _ESCAPED.sub(r"\1", quoted)
        at = found.end()
        if pairs and (end == "," or at == len(text)):
            hops.append(_hop(pairs.get("for"), pairs.get("proto")))
            pairs = {}
    return hops[::-1]


def _customary(addresses: str, schemes: str) -> list[Hop]:
    """`X-Forwarded-*`, nearest hop first: the last scheme given holds further on."""
    nodes = [node.strip() for node in reversed(addresses.split(","))]
    told = [scheme.strip() for scheme in reversed(schemes.split(","))]
    told += told[-1:] * (len(nodes) - len(told))
    return [_hop(node, scheme) for node, scheme in zip(nodes, told, strict=False)]


def _hop(node: str | None, scheme: str | None) -> Hop:
    proto = (scheme or "").lower()
    return Hop(_address(node or ""), proto if proto in _SCHEMES else None)


def _address(node: str) -> str | None:
    """An address without brackets and port, or None for `unknown`, `_hidden`, …."""
    if node.startswith("["):
        node = node[1:].partition("]")[0]
    elif node.count(":") == 1:
        node = node.partition(":")[0]
    try:
        address = ip_address(node)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id:
            return None
        address = address.ipv4_mapped or address
    return str(address)


def _agreed(one: T | None, other: T | None) -> T | None:
    if one is None or other is None or one == other:
        return other if one is None else one
    return None
