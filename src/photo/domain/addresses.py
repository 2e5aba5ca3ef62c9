"""Which URLs may be asked for, and at which addresses: nothing of an operator's own."""

import re
from dataclasses import dataclass
from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_network,
)
from typing import NamedTuple
from urllib.parse import urljoin

from photo.domain.errors import UrlRefused

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_URL_LENGTH = 2_000
_PORTS = {"http": 80, "https": 443}
_MAX_PORT = 65_535

_NOT_PUBLIC = (
    "The URL leads to an address that is not public. Use one that anyone on the"
    " internet can reach."
)
_CHARACTERS = re.compile(r"[!-\[\]-~]*")
_URL = re.compile(
    r"(?P<scheme>[a-z]+)://(?P<authority>[^/?#]*)(?P<target>[^#]*)(?:#.*)?",
    re.IGNORECASE,
)
_AUTHORITY = re.compile(r"(?P<host>\[[0-9a-f:.]*\]|[^:]*)(?::(?P<port>[1-9]\d{0,4}))?")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
#: Names whose end reads as a number are what some resolvers take for an address.
_NAME = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)*(?!(?:\d+|0x[0-9a-f]*)\Z){_LABEL}")
#: Names that mean something only inside a network, single words among them.
_INTERNAL_NAME = re.compile(
    r"[^.]+|(?:.+\.)?(?:localhost|localdomain|local|internal|intranet|private|corp"
    r"|home|lan|svc|home\.arpa|metadata\.goog)"
)


def _networks(*blocks: str) -> tuple[Network, ...]:
    return tuple(ip_network(block) for block in blocks)


#: What no exception covers: clouds' metadata, and IPv6 forms with an IPv4 inside.
_NEVER = _networks(
    "169.254.169.254/32",  # AWS, Azure, Google and others
    "169.254.170.2/32",  # AWS ECS
    "169.254.170.23/32",  # AWS EKS
    "168.63.129.16/32",  # Azure
    "100.100.100.200/32",  # Alibaba
    "192.0.0.192/32",  # Oracle
    "fd00:ec2::/32",  # AWS
    "fd20:ce::/32",  # Google
    "::/96",  # IPv4-compatible
    "::ffff:0:0/96",  # IPv4-mapped
    "::ffff:0:0:0/96",  # IPv4-translated
    "64:ff9b::/96",  # NAT64
    "64:ff9b:1::/48",  # NAT64 within a network
    "2001::/32",  # Teredo
    "2002::/16",  # 6to4
)
_ISATAP = 0x00005EFE
_UNICAST = IPv6Network("2000::/3")
#: IANA's special-purpose registries, multicast, and what is reserved; of IPv6 only
#: the blocks within `_UNICAST`.
_SPECIAL = _networks(
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",  # carriers' NAT
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",  # AS112
    "192.52.193.0/24",  # AMT
    "192.88.99.0/24",  # 6to4 relays
    "192.168.0.0/16",
    "192.175.48.0/24",  # AS112
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "2001::/23",
    "2001:db8::/32",
    "2620:4f:8000::/48",  # AS112
    "3fff::/20",
)


class WebUrl(NamedTuple):
    """A URL in its parts. Nothing that connects takes one apart a second time."""

    scheme: str
    #: A name in lower case, or an address.
    host: str | Address
    port: int
    #: Path and query.
    target: str

    @property
    def authority(self) -> str:
        """Host and port as in a `Host` header."""
        host = f"[{self.host}]" if isinstance(self.host, IPv6Address) else self.host
        return str(host) if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


@dataclass(frozen=True, slots=True)
class WebPolicy:
    """By default: https, the ports of the web, and addresses that are public.

    `networks` are the operator's exceptions, on whatever port. Where there are any,
    a name or a port alone says nothing, and is judged with the address.
    """

    allow_http: bool = False
    networks: tuple[Network, ...] = ()

    def check(self, url: str) -> WebUrl:
        """The URL in its parts, or `UrlRefused` if its form alone forbids it."""
        _check_characters(url)
        schemes = ("https", "http") if self.allow_http else ("https",)
        parts = _URL.fullmatch(url)
        if parts is None or (scheme := parts["scheme"].lower()) not in schemes:
            begins = " or ".join(f"{scheme}://" for scheme in schemes)
            raise UrlRefused(f"A URL must begin with {begins}.")
        host, port = _split_authority(parts["authority"].lower())
        target = parts["target"]
        if not target.startswith("/"):
            target = f"/{target}"
        place = WebUrl(scheme, host, port or _PORTS[scheme], target)
        self._check_host(place)
        return place

    def follow(self, url: WebUrl, location: str) -> WebUrl:
        """Where a redirect leads, or `UrlRefused`."""
        _check_characters(location)
        try:
            target = urljoin(str(url), location)
        except ValueError as error:
            raise _unreadable() from error
        return self.check(target)

    def check_address(self, address: Address, *, port: int) -> None:
        """Raise `UrlRefused` unless a connection may be made here."""
        if _is_never(address):
            raise UrlRefused(_NOT_PUBLIC)
        if any(address in network for network in self.networks):
            return
        if not _is_public(address):
            raise UrlRefused(_NOT_PUBLIC)
        _check_port(port)

    def _check_host(self, url: WebUrl) -> None:
        if not isinstance(url.host, str):
            self.check_address(url.host, port=url.port)
        elif not self.networks:
            if _INTERNAL_NAME.fullmatch(url.host):
                raise UrlRefused(_NOT_PUBLIC)
            _check_port(url.port)


def _check_characters(url: str) -> None:
    if len(url) > MAX_URL_LENGTH:
        raise UrlRefused(f"A URL may have up to {MAX_URL_LENGTH} characters.")
    if not _CHARACTERS.fullmatch(url):
        raise UrlRefused(
            "A URL may hold printable ASCII characters only, no spaces and no"
            " backslashes. Percent-encode the others, and write an international host"
            " name in its xn-- form."
        )


def _split_authority(authority: str) -> tuple[str | Address, int | None]:
    if "@" in authority:
        raise UrlRefused("A URL must not hold a user name or a password.")
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        raise _unreadable()
    host = _literal(parts["host"]) or parts["host"]
    if isinstance(host, str) and not _NAME.fullmatch(host):
        raise _unreadable()
    port = int(parts["port"]) if parts["port"] else None
    if port and port > _MAX_PORT:
        raise UrlRefused(f"The port of a URL is a number up to {_MAX_PORT}.")
    return host, port


def _unreadable() -> UrlRefused:
    return UrlRefused(
        "The URL needs a full host name, such as www.example.com, or a plain address."
    )


def _check_port(port: int) -> None:
    if port not in _PORTS.values():
        raise UrlRefused("A URL may use the ports 443 and 80 only.")


def _literal(host: str) -> Address | None:
    """The address that a host is, in the one form that everybody reads alike."""
    try:
        return IPv6Address(host[1:-1]) if host.startswith("[") else IPv4Address(host)
    except AddressValueError:
        return None


def _is_never(address: Address) -> bool:
    return _is_isatap(address) or any(address in network for network in _NEVER)


def _is_isatap(address: Address) -> bool:
    """Whether an IPv4 address is the end of it, marked so (RFC 5214)."""
    marker = int(address) >> 32 & 0xFDFFFFFF
    return isinstance(address, IPv6Address) and marker == _ISATAP


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _UNICAST:
        return False
    return not any(address in network for network in _SPECIAL)
