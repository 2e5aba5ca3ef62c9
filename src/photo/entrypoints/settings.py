"""Settings: read once from the environment, a `.env` file and secret files."""

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_origin
from urllib.parse import urlsplit

import msgspec
from dotenv import dotenv_values

from photo.adapters.clamav import parse_clamd_url
from photo.domain.media import LARGEST_FILE, ByteLimits
from photo.entrypoints.production import dangers

#: Planned, but without effect yet: better refused than believed.
_PLANNED = frozenset(
    {
        "CDN_URL",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "SENTRY_DSN",
    }
)
_TARGET = re.compile(r"(?:[\w.-]+|\[[0-9a-fA-F:.]+\]):\d{1,5}")
_URLS = frozenset(
    {"AWS_ENDPOINT_URL_S3", "DATABASE_URL", "OIDC_ISSUER", "S3_PUBLIC_ENDPOINT"}
)
_STORAGES = frozenset({"memory", "redis", "rediss", "valkey", "valkeys"})
_POSTGRES = frozenset({"postgresql", "postgresql+asyncpg"})
_NAME = re.compile(r"[A-Z][A-Z0-9_]*")

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Count = Annotated[int, msgspec.Meta(ge=1, le=10**15)]
Days = Annotated[int, msgspec.Meta(ge=1, le=36500)]

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
    #: Where Prometheus reads what a worker counts; without it nowhere.
    metrics_port: Port | None = None
    debug: bool = False
    log_level: Literal["debug", "info", "warning", "error"] = "info"
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

    @classmethod
    def from_env(cls, env: Mapping[str, str], *, dotenv: Path | None = None) -> Self:
        """Read the settings, or raise `UnsafeSettings` naming every fault at once."""
        file = dotenv_values(dotenv, interpolate=False) if dotenv else {}
        given, unreadable = _with_secret_files(
            cls, {**{name: value or "" for name, value in file.items()}, **env}
        )
        fields, malformed = _converted(cls, given)
        faults = [
            *_unknown(cls, file),
            *unreadable,
            *malformed,
            *_broken_addresses(given),
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


def _with_secret_files(
    cls: type[Settings], env: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """What is set, with `NAME_FILE` replaced by the content of the file as `NAME`."""
    given, faults = {}, []
    for variable in (*_names(cls), *_PLANNED):
        if path := env.get(f"{variable}_FILE"):
            try:
                given[variable] = _secret(Path(path))
            except (OSError, ValueError):
                faults.append(f"{variable}_FILE must name a readable, non-empty file.")
        elif env.get(variable):
            given[variable] = env[variable]
    return given, faults


def _secret(file: Path) -> str:
    if secret := file.read_text(encoding="utf-8").strip():
        return secret
    raise ValueError


def _converted(
    cls: type[Settings], given: Mapping[str, str]
) -> tuple[dict[str, Any], list[str]]:
    values: dict[str, Any] = {}
    faults = []
    for field in msgspec.structs.fields(cls):
        variable = field.encode_name.upper()
        if variable not in given:
            continue
        try:
            raw = _raw(given[variable], field.type)
            values[field.name] = msgspec.convert(raw, field.type, strict=False)
        except (msgspec.ValidationError, ValueError):
            faults.append(f"{variable} must be {_described(field.type)}.")
    return values, faults


def _raw(text: str, kind: Any) -> Any:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if kind is tuple or get_origin(kind) is tuple:
        return parts
    if kind is ByteLimits:
        return {"exceptions": dict(part.split("=") for part in parts)}
    return text.lower() if kind is bool or get_origin(kind) is Literal else text


def _described(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(kind.__args__)
    return {
        ByteLimits: (
            "a comma list of TYPE=BYTES, such as image/tiff=100000000; "
            f"no file may be larger than {LARGEST_FILE}"
        ),
        Count: "a whole number from 1",
        Count | None: "a whole number from 1",
        Days | None: "a number of days from 1",
        Port: "a port number",
        Port | None: "a port number",
        bool: "true or false",
    }.get(kind, "text")


def _broken_addresses(given: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(_URLS & set(given)):
        if not _is_url(given[name]):
            yield f"{name} must be a URL."
        elif name == "DATABASE_URL" and urlsplit(given[name]).scheme not in _POSTGRES:
            yield "DATABASE_URL must begin with postgresql://."
    if not _is_clamd_url(given.get("CLAMD_URL", "unix:/path")):
        yield "CLAMD_URL must be tcp://host:3310 or unix:/path."
    if not all(map(_is_network, _raw(given.get("URL_ALLOWED_NETWORKS", ""), tuple))):
        yield "URL_ALLOWED_NETWORKS must be a comma list such as 10.1.0.0/16."
    if not all(map(_is_network, _raw(given.get("TRUSTED_PROXIES", ""), tuple))):
        yield "TRUSTED_PROXIES must be a comma list such as 10.1.0.0/16."
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
