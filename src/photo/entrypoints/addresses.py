"""Addresses among the settings: their forms, told apart before anything is reached."""

import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from urllib.parse import urlsplit

from photo.adapters.clamav import parse_clamd_url
from photo.entrypoints.variables import parts_of

_TARGET = re.compile(r"(?:[\w.-]+|\[[0-9a-fA-F:.]+\]):\d{1,5}")
_URLS = frozenset(
    {
        "AWS_ENDPOINT_URL_S3",
        "DATABASE_URL",
        "OIDC_ISSUER",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "S3_PUBLIC_ENDPOINT",
    }
)
_STORAGES = frozenset({"memory", "redis", "rediss", "valkey", "valkeys"})
_POSTGRES = frozenset({"postgresql", "postgresql+asyncpg"})
_NETWORKS = ("TRUSTED_PROXIES", "URL_ALLOWED_NETWORKS")


def broken_addresses(given: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with which of them: never the address, which may hold a secret."""
    for name in sorted(_URLS & set(given)):
        if not _is_url(given[name]):
            yield f"{name} must be a URL."
        elif name == "DATABASE_URL" and urlsplit(given[name]).scheme not in _POSTGRES:
            yield "DATABASE_URL must begin with postgresql://."
    if not _is_clamd_url(given.get("CLAMD_URL", "unix:/path")):
        yield "CLAMD_URL must be tcp://host:3310 or unix:/path."
    for name in _NETWORKS:
        if not all(map(_is_network, parts_of(given.get(name, "")))):
            yield f"{name} must be a comma list such as 10.1.0.0/16."
    if not _is_dsn(given.get("SENTRY_DSN", "https://key@sentry.example/1")):
        yield "SENTRY_DSN must be https://key@host/project, as Sentry shows it."
    storage = given.get("RATE_LIMIT_STORAGE", "memory://")
    if not _is_url(storage) or urlsplit(storage).scheme not in _STORAGES:
        yield "RATE_LIMIT_STORAGE must be memory:// or redis://host:6379/0."
    if not _TARGET.fullmatch(given.get("TEMPORAL_TARGET", "host:7233")):
        yield "TEMPORAL_TARGET must be host:port."


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return bool(parts.scheme) and "://" in text and parts.port != 0
    except ValueError:  # its message would quote the URL
        return False


def _is_dsn(text: str) -> bool:
    """As Sentry's SDK sees it, which takes half a second to load."""
    if not _is_url(text):
        return False
    parts = urlsplit(text)
    named = parts.scheme in {"http", "https"} and parts.hostname and parts.username
    return bool(named) and parts.path.rpartition("/")[2].isdecimal()


def _is_clamd_url(text: str) -> bool:
    try:
        parse_clamd_url(text)
    except ValueError:
        return False
    return True


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True
