"""What production refuses to start with."""

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from photo.entrypoints.settings import Settings

_SHORTEST_SECRET = 32
_DEFAULT = "secret that everybody knows"
_WELL_KNOWN_PASSWORDS = frozenset(
    {"", "admin", "changeme", "minioadmin", "password", "photo", "postgres", "secret"}
)


def dangers(settings: "Settings") -> Iterator[str]:
    """Every reason not to start, as a sentence that says what to do."""
    if settings.debug:
        yield "DEBUG must be off in production."
    if any("*" in origin for origin in settings.cors_origins):
        yield "CORS_ORIGINS must name origins in production, without *."
    if len(settings.secret_key) < _SHORTEST_SECRET or _DEFAULT in settings.secret_key:
        yield (
            "SECRET_KEY must be set in production, to 32 random characters or more: "
            "`openssl rand -hex 32` makes some."
        )
    if settings.oidc_issuer and urlsplit(settings.oidc_issuer).scheme != "https":
        yield "OIDC_ISSUER must be https in production."
    if any(network.prefixlen == 0 for network in settings.proxy_networks):
        yield "TRUSTED_PROXIES must not be everybody."
    if not settings.allowed_hosts or "*" in settings.allowed_hosts:
        yield "ALLOWED_HOSTS must name the service's host names in production."
    public = settings.s3_public_endpoint or settings.aws_endpoint_url_s3
    if public and urlsplit(public).scheme != "https":
        yield "S3_PUBLIC_ENDPOINT must be https in production."
    if not (settings.clamd_url or settings.allow_unscanned):
        yield "CLAMD_URL must name a virus scanner; ALLOW_UNSCANNED=true does without."
    if any(map(_holds_this_machine, settings.url_networks)):
        yield "URL_ALLOWED_NETWORKS must not include this machine itself."
    if _password(settings.database_url) in _WELL_KNOWN_PASSWORDS:
        yield "DATABASE_URL must have a password that is not well known."
    if settings.aws_secret_access_key in _WELL_KNOWN_PASSWORDS:
        yield "AWS_SECRET_ACCESS_KEY must not be well known."


def _password(url: str) -> str:
    parts = urlsplit(url)
    if parts.password:
        return unquote(parts.password)
    return parse_qs(parts.query).get("password", [""])[-1]


def _holds_this_machine(network: IPv4Network | IPv6Network) -> bool:
    if isinstance(network, IPv4Network):
        return network.overlaps(IPv4Network("127.0.0.0/8"))
    return network.overlaps(IPv6Network("::1"))
