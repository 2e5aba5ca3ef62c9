"""Settings: read once from the environment, a `.env` file and secret files."""

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Literal, Self

import msgspec
from dotenv import dotenv_values

from photo.domain.media import ByteLimits
from photo.entrypoints.addresses import broken_addresses
from photo.entrypoints.levels import LogLevels
from photo.entrypoints.production import dangers
from photo.entrypoints.variables import (
    Count,
    Days,
    Port,
    Share,
    converted,
    with_secret_files,
)

#: Planned, but without effect yet: better refused than believed.
_PLANNED = frozenset({"CDN_URL"})
_NAME = re.compile(r"[A-Z][A-Z0-9_]*")

#: As OpenTelemetry names them.
Sampler = Literal[
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
]

#: What keys are hashed with where nobody set a secret: refused in production.
DEFAULT_SECRET = "a development secret that everybody knows"  # noqa: S105 # no secret


class UnsafeSettings(Exception):
    """Every fault of the settings, one to a line. Never holds a value."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The field `database_url` is read from `DATABASE_URL`, and so on."""

    database_url: str
    s3_bucket_raw: str
    s3_bucket_processed: str
    temporal_target: str

    environment: Literal["development", "staging", "production"] = "development"
    host: str = "127.0.0.1"
    port: Port = 8000
    #: Where Prometheus reads what a process counts; without it nowhere.
    metrics_port: Port | None = None
    debug: bool = False
    #: Of all, and of modules: `info,photo.adapters.s3=debug`.
    log_level: LogLevels = LogLevels()
    cors_origins: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    #: Networks of the proxies whose word on clients' addresses and schemes is taken.
    trusted_proxies: tuple[str, ...] = ()

    #: Keys are hashed, and what clients may not see is sealed, with it.
    secret_key: str = DEFAULT_SECRET
    oidc_issuer: str | None = None
    oidc_audience: str | None = None
    oidc_tenant_claim: str = "tenant"
    #: The `typ` that an access token's header must have.
    oidc_token_type: str = "at+jwt"  # noqa: S105 # no secret

    #: `memory://` for one process, `redis://host:6379/0` for many.
    rate_limit_storage: str = "memory://"
    #: What may be spent in a minute, by each of these.
    rate_limit_per_key: Count = 1_200
    rate_limit_per_tenant: Count = 6_000
    rate_limit_per_address: Count = 600
    #: Each tenant's share of a day (UTC).
    daily_jobs: Count | None = None
    daily_bytes: Count | None = None
    #: With more unfinished jobs than this, no new ones are taken.
    max_queued_jobs: Count = 10_000
    retention_days: Days | None = None

    aws_region: str = "us-east-1"
    aws_endpoint_url_s3: str | None = None
    aws_access_key_id: str | None = None
    aws_secret_access_key: str | None = None
    aws_session_token: str | None = None
    s3_public_endpoint: str | None = None

    #: Refuse to start unless both buckets do so with all that is written.
    s3_require_encryption: bool = False
    s3_require_versioning: bool = False

    temporal_namespace: str = "default"
    temporal_task_queue: str = "photo"
    temporal_api_key: str | None = None
    temporal_tls_cert: str | None = None
    temporal_tls_key: str | None = None

    clamd_url: str | None = None
    allow_unscanned: bool = False

    #: Where the usual limit does not suit: `image/tiff=100000000,image/gif=5000000`.
    max_bytes: ByteLimits = msgspec.field(default_factory=ByteLimits)
    url_allow_http: bool = False
    #: Networks photos may be fetched from although they are not public.
    url_allowed_networks: tuple[str, ...] = ()

    ocr_engine: Literal["rapidocr", "textract"] = "rapidocr"

    #: Where bugs are told of, scrubbed; without it nowhere.
    sentry_dsn: str | None = None
    #: Where traces are sent, by OTLP over HTTP; without it nowhere.
    otel_exporter_otlp_endpoint: str | None = None
    #: Which traces are kept; the share of those by `traceidratio`.
    otel_traces_sampler: Sampler = "parentbased_always_on"
    otel_traces_sampler_arg: Share = 1.0

    @classmethod
    def from_env(cls, env: Mapping[str, str], *, dotenv: Path | None = None) -> Self:
        """Read the settings, or raise `UnsafeSettings` naming every fault at once."""
        file = dotenv_values(dotenv, interpolate=False) if dotenv else {}
        given, unreadable = with_secret_files(
            (*_names(cls), *_PLANNED),
            {**{name: value or "" for name, value in file.items()}, **env},
        )
        fields, malformed = converted(cls, given)
        faults = [
            *_unknown(cls, file),
            *unreadable,
            *malformed,
            *broken_addresses(given),
            *_planned(given),
            *_missing(cls, given),
        ]
        if not faults:
            settings = cls(**fields)
            faults = [*dangers(settings)]
            if settings.environment != "production" or not faults:
                return settings
        raise UnsafeSettings(faults)

    @property
    def proxy_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        return tuple(map(ip_network, self.trusted_proxies))

    @property
    def url_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        return tuple(map(ip_network, self.url_allowed_networks))

    def __repr__(self) -> str:
        return "Settings(…)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []


def _names(cls: type[Settings]) -> dict[str, str]:
    return {name.upper(): name for name in cls.__struct_fields__}


def _unknown(cls: type[Settings], file: Mapping[str, str | None]) -> Iterator[str]:
    """What `.env` should not hold. A line without a name may be part of a secret.

    Nothing but settings: nobody else reads the file, neither AWS's client nor ours.
    """
    if any(v is None or not _NAME.fullmatch(name) for name, v in file.items()):
        yield "A line of the .env file is no NAME=value."
    known = {*_names(cls), *_PLANNED}
    for name in sorted(filter(_NAME.fullmatch, file)):
        ours = name in known or name.removesuffix("_FILE") in known
        if file[name] is not None and not ours:
            yield f"{name} is no setting."


def _planned(given: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(_PLANNED & set(given)):
        yield f"{name} is not supported by this version yet. Leave it unset."


def _missing(cls: type[Settings], given: Mapping[str, str]) -> Iterator[str]:
    for field in msgspec.structs.fields(cls):
        if field.required and field.encode_name.upper() not in given:
            yield f"{field.encode_name.upper()} is missing."
    if ("TEMPORAL_TLS_CERT" in given) != ("TEMPORAL_TLS_KEY" in given):
        yield "TEMPORAL_TLS_CERT and TEMPORAL_TLS_KEY must be set together."
    if ("OIDC_ISSUER" in given) != ("OIDC_AUDIENCE" in given):
        yield "OIDC_ISSUER and OIDC_AUDIENCE must be set together."
