from collections.abc import Mapping
from pathlib import Path

import pytest
from rich.pretty import pretty_repr

from photo.domain.media import ByteLimits, MediaType
from photo.entrypoints.settings import Settings, UnsafeSettings

CANARY = "c4n4ry-5ecret"
NEEDED = {
    "DATABASE_URL": "postgresql://photo:a-long-one@db/photo",
    "S3_BUCKET_RAW": "raw",
    "S3_BUCKET_PROCESSED": "processed",
    "TEMPORAL_TARGET": "temporal:7233",
}


def settings(**given: str) -> Settings:
    return Settings.from_env(NEEDED | given)


def faults(env: Mapping[str, str], dotenv: Path | None = None) -> list[str]:
    with pytest.raises(UnsafeSettings) as unsafe:
        Settings.from_env(env, dotenv=dotenv)
    assert str(unsafe.value) == "\n".join(unsafe.value.faults)
    return unsafe.value.faults


@pytest.fixture
def dotenv(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_what_is_needed_is_enough() -> None:
    read = settings()
    assert (read.database_url, read.s3_bucket_raw) == (NEEDED["DATABASE_URL"], "raw")
    assert (read.environment, read.host, read.port) == (
        "development",
        "127.0.0.1",
        8000,
    )


def test_the_environment_may_hold_other_things() -> None:
    assert settings(PATH="/bin", HOME="/root") == settings()


def test_every_fault_is_named_at_once(dotenv: Path) -> None:
    dotenv.write_text("DATABSE_URL=typo\n")
    env = {
        "PORT": "eighty",
        "DEBUG": "perhaps",
        "ENVIRONMENT": "test",
        "S3_PUBLIC_ENDPOINT": "localhost:8333",
        "CDN_URL": "https://cdn",
        "TEMPORAL_TLS_CERT": "cert",
        "AWS_SESSION_TOKEN_FILE": "/nowhere",
    }
    assert {*faults(env, dotenv)} == {
        "DATABSE_URL is no setting.",
        "AWS_SESSION_TOKEN_FILE must name a readable, non-empty file.",
        "ENVIRONMENT must be one of development, staging, production.",
        "PORT must be a port number.",
        "DEBUG must be true or false.",
        "S3_PUBLIC_ENDPOINT must be a URL.",
        "CDN_URL is not supported by this version yet. Leave it unset.",
        "DATABASE_URL is missing.",
        "S3_BUCKET_RAW is missing.",
        "S3_BUCKET_PROCESSED is missing.",
        "TEMPORAL_TARGET is missing.",
        "TEMPORAL_TLS_CERT and TEMPORAL_TLS_KEY must be set together.",
    }


def test_no_value_is_in_any_message(dotenv: Path) -> None:
    names = [name.upper() for name in Settings.__struct_fields__]
    dotenv.write_text(f"UNKNOWN={CANARY}\n{CANARY}\n{CANARY}=\n")
    assert CANARY not in str(faults(dict.fromkeys(names, CANARY), dotenv))


@pytest.mark.parametrize(
    "line",
    [
        "MIIEvQIBADANBgkqhkiG9w0",
        "MIIEvQIBADANBgkqhkiG9w0==",
        "5EC2E7",
        "ABCDEF",
        "a-b=c",
    ],
)
def test_a_piece_of_a_secret_in_the_file_is_not_shown(dotenv: Path, line: str) -> None:
    dotenv.write_text(f"PORT=1\n{line}\n")
    assert faults(NEEDED, dotenv) == ["A line of the .env file is no NAME=value."]


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://photo:{CANARY}@[::1/photo",
        f"postgresql://photo:{CANARY}@db:port/photo",
        f"postgresql://photo:{CANARY}\u2100@db/photo",
        f"photo:{CANARY}@db/photo",
    ],
)
def test_a_malformed_url_is_refused_unseen(url: str) -> None:
    assert faults(NEEDED | {"DATABASE_URL": url}) == ["DATABASE_URL must be a URL."]


@pytest.mark.parametrize(
    "scheme", ["mysql", "postgres", "sqlite", "postgresql+psycopg"]
)
def test_the_database_is_postgres_by_its_one_driver(scheme: str) -> None:
    url = f"{scheme}://photo:{CANARY}@db/photo"
    assert faults(NEEDED | {"DATABASE_URL": url}) == [
        "DATABASE_URL must begin with postgresql://."
    ]


def test_the_driver_may_be_named() -> None:
    settings(DATABASE_URL="postgresql+asyncpg://photo:a-long-one@db/photo")


def test_a_url_may_lead_to_a_unix_socket() -> None:
    url = "postgresql:///photo?host=/run/postgresql"
    assert settings(DATABASE_URL=url).database_url == url


def test_settings_show_nothing() -> None:
    read = settings(AWS_SECRET_ACCESS_KEY=CANARY)
    for shown in [repr(read), str(read), f"{read}", pretty_repr(read)]:
        assert CANARY not in shown
        assert "postgresql" not in shown


def test_a_file_may_hold_a_secret(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{CANARY}\n")
    read = settings(AWS_SECRET_ACCESS_KEY_FILE=str(tmp_path / "secret"))
    assert read.aws_secret_access_key == CANARY


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe"])
def test_a_secret_file_must_be_readable_and_hold_something(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / CANARY
    if content is not None:
        file.write_bytes(content)
    assert faults(NEEDED | {"TEMPORAL_API_KEY_FILE": str(file)}) == [
        "TEMPORAL_API_KEY_FILE must name a readable, non-empty file."
    ]


def test_the_file_is_read_and_the_environment_wins(dotenv: Path) -> None:
    dotenv.write_text("PORT=1\nHOST=::1\n# a comment\nexport LOG_LEVEL=error\n")
    read = Settings.from_env(NEEDED | {"PORT": "2"}, dotenv=dotenv)
    assert (read.port, read.host, read.log_level.rest) == (2, "::1", "error")


def test_the_file_is_taken_as_it_stands(
    dotenv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "somewhere")
    dotenv.write_text("AWS_SECRET_ACCESS_KEY='pa${HOME}ss'\n")
    read = Settings.from_env(NEEDED, dotenv=dotenv)
    assert read.aws_secret_access_key == "pa${HOME}ss"


def test_the_file_may_hold_the_path_of_a_secret_file(dotenv: Path) -> None:
    dotenv.write_text("DATABASE_URL_FILE=\n")
    assert Settings.from_env(NEEDED, dotenv=dotenv) == settings()


def test_what_nobody_reads_in_the_file_is_refused(dotenv: Path) -> None:
    dotenv.write_text("AWS_PROFILE=a\nPHOTO_API_URL=b\n")
    assert faults(NEEDED, dotenv) == [
        "AWS_PROFILE is no setting.",
        "PHOTO_API_URL is no setting.",
    ]


def test_an_empty_value_is_no_value() -> None:
    assert settings(PORT="", TEMPORAL_API_KEY="") == settings()
    assert faults(NEEDED | {"S3_BUCKET_RAW": ""}) == ["S3_BUCKET_RAW is missing."]


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("True", True), ("1", True), ("FALSE", False), ("0", False)],
)
def test_a_switch_is_true_or_false(text: str, *, value: bool) -> None:
    assert settings(DEBUG=text).debug is value


@pytest.mark.parametrize("text", ["yes", "on", "2", "truth"])
def test_a_switch_is_nothing_else(text: str) -> None:
    assert faults(NEEDED | {"DEBUG": text}) == ["DEBUG must be true or false."]


@pytest.mark.parametrize("text", ["-1", "65536", "8000.5", "http", "8 000"])
def test_a_port_is_a_number_of_a_port(text: str) -> None:
    assert faults(NEEDED | {"PORT": text}) == ["PORT must be a port number."]


def test_a_choice_may_be_written_in_capitals() -> None:
    assert settings(LOG_LEVEL="INFO", OCR_ENGINE="Textract") == settings(
        LOG_LEVEL="info", OCR_ENGINE="textract"
    )


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("https://a.example", ("https://a.example",)),
        (" https://a , https://b,", ("https://a", "https://b")),
        (",", ()),
        ("*", ("*",)),
    ],
)
def test_a_list_is_separated_by_commas(text: str, items: tuple[str, ...]) -> None:
    assert settings(CORS_ORIGINS=text).cors_origins == items


def test_what_has_no_effect_yet_is_refused_rather_than_believed() -> None:
    (fault,) = faults(NEEDED | {"CDN_URL": "https://cdn.example.com"})
    assert fault.startswith("CDN_URL is not supported")


def test_limits_are_set_by_type() -> None:
    limits = settings(MAX_BYTES="image/tiff=100000000, image/gif=1").max_bytes
    assert limits.of(MediaType.TIFF) == limits.largest == 100_000_000
    assert limits.of(MediaType.GIF) == 1
    assert limits.of(MediaType.JPEG) == ByteLimits().of(MediaType.JPEG)


@pytest.mark.parametrize(
    "text",
    [
        "25000000",
        "image/tiff",
        "image/tiff=many",
        "image/tiff=0",
        "image/tiff=200000001",
        "image/svg+xml=1",
        "image/tiff=1=2",
    ],
)
def test_limits_that_make_no_sense_are_refused(text: str) -> None:
    (fault,) = faults(NEEDED | {"MAX_BYTES": text})
    assert fault.startswith("MAX_BYTES must be a comma list")


@pytest.mark.parametrize("url", ["tcp://clamd:3310", "unix:/run/clamd.sock"])
def test_a_scanner_has_a_url(url: str) -> None:
    assert settings(CLAMD_URL=url).clamd_url == url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CLAMD_URL", "clamd:3310"),
        ("CLAMD_URL", f"http://{CANARY}"),
        ("URL_ALLOWED_NETWORKS", f"10.0.0.0/8,{CANARY}"),
        ("URL_ALLOWED_NETWORKS", "10.0.0.1/8"),
        ("URL_ALLOW_HTTP", CANARY),
        ("TRUSTED_PROXIES", f"10.0.0.0/8,{CANARY}"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("RATE_LIMIT_STORAGE", f"memcached://{CANARY}"),
        ("RATE_LIMIT_STORAGE", CANARY),
        ("RATE_LIMIT_PER_KEY", CANARY),
        ("RATE_LIMIT_PER_KEY", "0"),
        ("RATE_LIMIT_PER_TENANT", "-1"),
        ("RATE_LIMIT_PER_ADDRESS", "1.5"),
        ("DAILY_JOBS", "0"),
        ("DAILY_BYTES", CANARY),
        ("MAX_QUEUED_JOBS", "0"),
        ("RETENTION_DAYS", "0"),
        ("RETENTION_DAYS", "36501"),
        ("S3_REQUIRE_ENCRYPTION", CANARY),
        ("SENTRY_DSN", CANARY),
        ("SENTRY_DSN", f"https://sentry.example/{CANARY}"),
        ("SENTRY_DSN", f"https://{CANARY}@sentry.example/project"),
        ("SENTRY_DSN", f"https://{CANARY}@sentry.example"),
        ("SENTRY_DSN", f"udp://{CANARY}@sentry.example/1"),
    ],
)
def test_what_cannot_be_a_value_is_refused_and_not_repeated(
    name: str, value: str
) -> None:
    (fault,) = faults(NEEDED | {name: value})
    assert fault.startswith(f"{name} must be ")
    assert CANARY not in fault


@pytest.mark.parametrize(
    "dsn", ["https://key@o1.ingest.sentry.example/42", "http://k:s@relay:3000/base/1"]
)
def test_errors_are_reported_to_a_project(dsn: str) -> None:
    assert settings(SENTRY_DSN=dsn).sentry_dsn == dsn


def test_limits_have_defaults_and_may_be_set() -> None:
    usual = settings()
    assert (usual.daily_jobs, usual.daily_bytes, usual.retention_days) == (None,) * 3
    assert usual.rate_limit_storage == "memory://"
    given = settings(
        RATE_LIMIT_PER_KEY="1", DAILY_BYTES="5000000000", RETENTION_DAYS="30"
    )
    assert given.rate_limit_per_key == 1
    assert given.daily_bytes == 5_000_000_000
    assert given.retention_days == 30


@pytest.mark.parametrize(
    "url", ["memory://", "redis://r:6379/0", "rediss://u:p@r/1", "valkey://v:6379"]
)
def test_counts_are_kept_here_or_where_all_processes_can_see_them(url: str) -> None:
    assert settings(RATE_LIMIT_STORAGE=url).rate_limit_storage == url


@pytest.mark.parametrize("name", ["OIDC_ISSUER", "OIDC_AUDIENCE"])
def test_an_issuer_and_an_audience_go_together(name: str) -> None:
    both = {"OIDC_ISSUER": "https://id.example", "OIDC_AUDIENCE": "photo"}
    assert settings(**both).oidc_tenant_claim == "tenant"
    assert faults(NEEDED | {name: both[name]}) == [
        "OIDC_ISSUER and OIDC_AUDIENCE must be set together."
    ]


def test_proxies_that_are_trusted_are_named() -> None:
    given = settings(TRUSTED_PROXIES="10.1.0.0/16, fd12::/48,192.0.2.1")
    assert [str(network) for network in given.proxy_networks] == [
        "10.1.0.0/16",
        "fd12::/48",
        "192.0.2.1/32",
    ]
    assert settings().proxy_networks == ()


def test_networks_of_ones_own_are_named() -> None:
    given = settings(URL_ALLOWED_NETWORKS="10.1.0.0/16, fd12::/48")
    assert [str(network) for network in given.url_networks] == [
        "10.1.0.0/16",
        "fd12::/48",
    ]


@pytest.mark.parametrize("environment", ["development", "staging"])
def test_what_is_unsafe_is_allowed_elsewhere(environment: str) -> None:
    settings(ENVIRONMENT=environment, DEBUG="true", CORS_ORIGINS="*")


def test_levels_of_logs_that_make_no_sense_are_refused_and_not_repeated() -> None:
    assert faults(NEEDED | {"LOG_LEVEL": f"info,{CANARY}=debug"}) == [
        "LOG_LEVEL: Part 2 names no module such as photo.adapters.s3."
    ]


def test_a_collector_has_a_url() -> None:
    name = "OTEL_EXPORTER_OTLP_ENDPOINT"
    assert faults(NEEDED | {name: CANARY}) == [f"{name} must be a URL."]
    url = "http://127.0.0.1:4318"
    assert settings(**{name: url}).otel_exporter_otlp_endpoint == url


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("OTEL_TRACES_SAMPLER", "half", "OTEL_TRACES_SAMPLER must be one of always_on"),
        ("OTEL_TRACES_SAMPLER_ARG", "10", "OTEL_TRACES_SAMPLER_ARG must be a number"),
        ("OTEL_TRACES_SAMPLER_ARG", "nan", "OTEL_TRACES_SAMPLER_ARG must be a number"),
    ],
)
def test_how_traces_are_sampled_is_checked(name: str, text: str, fault: str) -> None:
    [told] = faults(NEEDED | {name: text})
    assert told.startswith(fault)
