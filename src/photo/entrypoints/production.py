"""What production refuses to start with."""

from collections.abc import Callable, Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from photo.entrypoints.settings import Settings

_SHORTEST_SECRET = 32
_FEWEST_CHARACTERS = 8
_DEFAULT = "secret that everybody knows"
_SMALLEST_PREFIX = 8
_WELL_KNOWN_PASSWORDS = frozenset(
    {"", "admin", "changeme", "minioadmin", "password", "photo", "postgres", "secret"}
)


def dangers(settings: "Settings") -> Iterator[str]:
    """Every reason not to start, as a sentence that says what to do."""
    for is_unsafe, mend in _DANGERS:
        if is_unsafe(settings):
            yield mend


def _has_weak_secret(settings: "Settings") -> bool:
    """Too short, well known, or a few characters over and over."""
    secret = settings.secret_key
    return (
        len(secret) < _SHORTEST_SECRET
        or len({*secret}) < _FEWEST_CHARACTERS
        or _DEFAULT in secret
    )


def _has_unsafe_origin(settings: "Settings") -> bool:
    return not all(map(_is_safe_origin, settings.cors_origins))


def _is_safe_origin(origin: str) -> bool:
    """Exact, and https: what comes over http may be anybody's page."""
    parts = urlsplit(origin)
    return origin == f"https://{parts.netloc}" and "*" not in origin


def _has_no_host(settings: "Settings") -> bool:
    hosts = settings.allowed_hosts
    return not hosts or any("*" in host or "/" in host for host in hosts)


def _trusts_everybody(settings: "Settings") -> bool:
    return any(net.prefixlen < _SMALLEST_PREFIX for net in settings.proxy_networks)


def _shows_links_over_http(settings: "Settings") -> bool:
    public = settings.s3_public_endpoint or settings.aws_endpoint_url_s3
    return public is not None and urlsplit(public).scheme != "https"


def _believes_issuer_over_http(settings: "Settings") -> bool:
    issuer = settings.oidc_issuer
    return issuer is not None and urlsplit(issuer).scheme != "https"


def _fetches_from_this_machine(settings: "Settings") -> bool:
    return any(map(_holds_this_machine, settings.url_networks))


def _holds_this_machine(network: IPv4Network | IPv6Network) -> bool:
    if isinstance(network, IPv4Network):
        return network.overlaps(IPv4Network("127.0.0.0/8"))
    return network.overlaps(IPv6Network("::1"))


def _password(url: str) -> str:
    parts = urlsplit(url)
    if parts.password:
        return unquote(parts.password)
    return parse_qs(parts.query).get("password", [""])[-1]


_DANGERS: Sequence[tuple[Callable[["Settings"], bool], str]] = (
    (
        lambda settings: settings.debug,
        "DEBUG must be off in production.",
    ),
    (
        _has_unsafe_origin,
        (
            "CORS_ORIGINS must name origins in production, such as "
            "https://example.com, without * and paths."
        ),
    ),
    (
        _has_weak_secret,
        (
            "SECRET_KEY must be set in production, to 32 random characters or more: "
            "`openssl rand -hex 32` makes some."
        ),
    ),
    (
        _believes_issuer_over_http,
        "OIDC_ISSUER must be https in production.",
    ),
    (
        lambda settings: not settings.trusted_proxies,
        (
            "TRUSTED_PROXIES must name the networks of the proxies that speak https "
            "with clients: else every request is refused as plain http."
        ),
    ),
    (
        _trusts_everybody,
        "TRUSTED_PROXIES must not be everybody.",
    ),
    (
        _has_no_host,
        "ALLOWED_HOSTS must name the service's host names in production.",
    ),
    (
        _shows_links_over_http,
        "S3_PUBLIC_ENDPOINT must be https in production.",
    ),
    (
        lambda settings: settings.s3_bucket_raw == settings.s3_bucket_processed,
        "S3_BUCKET_RAW and S3_BUCKET_PROCESSED must be two: the raw one is swept.",
    ),
    (
        lambda settings: not (settings.clamd_url or settings.allow_unscanned),
        "CLAMD_URL must name a virus scanner; ALLOW_UNSCANNED=true does without.",
    ),
    (
        _fetches_from_this_machine,
        "URL_ALLOWED_NETWORKS must not include this machine itself.",
    ),
    (
        lambda settings: _password(settings.database_url) in _WELL_KNOWN_PASSWORDS,
        "DATABASE_URL must have a password that is not well known.",
    ),
    (
        lambda settings: settings.aws_secret_access_key in _WELL_KNOWN_PASSWORDS,
        "AWS_SECRET_ACCESS_KEY must not be well known.",
    ),
)
