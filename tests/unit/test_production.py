"""What is safe enough for production, and what is not."""

from collections.abc import Mapping

import pytest

from photo.entrypoints.settings import DEFAULT_SECRET, Settings, UnsafeSettings

SAFE = {
    "DATABASE_URL": "postgresql://photo:a-long-one@db/photo",
    "S3_BUCKET_RAW": "raw",
    "S3_BUCKET_PROCESSED": "processed",
    "TEMPORAL_TARGET": "temporal:7233",
    "ENVIRONMENT": "production",
    "SECRET_KEY": "0f3c6e0d5b7a4f0c8d1e2a3b4c5d6e7f",
    "TRUSTED_PROXIES": "10.1.0.0/16",
    "ALLOWED_HOSTS": "photo.example.com",
    "ALLOW_UNSCANNED": "true",
    "AWS_SECRET_ACCESS_KEY": "a-long-one",
    "AWS_ENDPOINT_URL_S3": "http://s3.internal:8333",
    "S3_PUBLIC_ENDPOINT": "https://photos.example.com",
}
AUDIENCE = {"OIDC_AUDIENCE": "photo"}


def faults(env: Mapping[str, str]) -> list[str]:
    with pytest.raises(UnsafeSettings) as unsafe:
        Settings.from_env(env)
    return unsafe.value.faults


def test_a_scanner_makes_production_safe() -> None:
    env = SAFE | {"ALLOW_UNSCANNED": "false", "CLAMD_URL": "unix:/run/clamd.sock"}
    assert Settings.from_env(env).clamd_url


def test_a_safe_production_starts() -> None:
    assert Settings.from_env(SAFE).environment == "production"


def test_a_password_may_stand_among_the_parameters() -> None:
    url = "postgresql:///photo?host=/run/postgresql&password=a-long-one"
    assert Settings.from_env(SAFE | {"DATABASE_URL": url}).database_url == url


@pytest.mark.parametrize(
    ("unsafe", "fault"),
    [
        ({"DEBUG": "true"}, "DEBUG must be off"),
        ({"CORS_ORIGINS": "https://a,*"}, "CORS_ORIGINS must name origins"),
        ({"CORS_ORIGINS": "https://*.example"}, "CORS_ORIGINS must name origins"),
        ({"CORS_ORIGINS": "*://a"}, "CORS_ORIGINS must name origins"),
        ({"CORS_ORIGINS": "null"}, "CORS_ORIGINS must name origins"),
        ({"CORS_ORIGINS": "http://a.example"}, "CORS_ORIGINS must name origins"),
        ({"CORS_ORIGINS": "https://a.example/"}, "CORS_ORIGINS must name origins"),
        ({"CORS_ORIGINS": "a.example"}, "CORS_ORIGINS must name origins"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS must name"),
        ({"ALLOWED_HOSTS": "a.example,*"}, "ALLOWED_HOSTS must name"),
        ({"ALLOWED_HOSTS": "*.a.example"}, "ALLOWED_HOSTS must name"),
        ({"ALLOWED_HOSTS": "https://a.example"}, "ALLOWED_HOSTS must name"),
        ({"SECRET_KEY": ""}, "SECRET_KEY must be set"),
        ({"SECRET_KEY": DEFAULT_SECRET}, "SECRET_KEY must be set"),
        ({"SECRET_KEY": "0f3c6e0d5b7a4f0c8d1e2a3b4c5d6e7"}, "SECRET_KEY must be set"),
        ({"SECRET_KEY": "secret" * 10}, "SECRET_KEY must be set"),
        ({"OIDC_ISSUER": "http://id.example"} | AUDIENCE, "OIDC_ISSUER must be https"),
        ({"TRUSTED_PROXIES": ""}, "TRUSTED_PROXIES must name"),
        ({"TRUSTED_PROXIES": "10.0.0.0/8,0.0.0.0/0"}, "TRUSTED_PROXIES must not"),
        ({"TRUSTED_PROXIES": "::/0"}, "TRUSTED_PROXIES must not"),
        ({"TRUSTED_PROXIES": "0.0.0.0/1,128.0.0.0/1"}, "TRUSTED_PROXIES must not"),
        ({"TRUSTED_PROXIES": "2000::/3"}, "TRUSTED_PROXIES must not"),
        ({"S3_BUCKET_PROCESSED": "raw"}, "S3_BUCKET_RAW and S3_BUCKET_PROCESSED"),
        ({"S3_PUBLIC_ENDPOINT": "http://s3.example"}, "S3_PUBLIC_ENDPOINT must be"),
        ({"S3_PUBLIC_ENDPOINT": ""}, "S3_PUBLIC_ENDPOINT must be https"),
        ({"ALLOW_UNSCANNED": "false"}, "CLAMD_URL must name"),
        ({"URL_ALLOWED_NETWORKS": "10.0.0.0/8,::/0"}, "URL_ALLOWED_NETWORKS must not"),
        ({"URL_ALLOWED_NETWORKS": "127.0.0.1/32"}, "URL_ALLOWED_NETWORKS must not"),
        ({"DATABASE_URL": "postgresql://db/photo"}, "DATABASE_URL must have"),
        ({"DATABASE_URL": "postgresql://photo:postgres@db/p"}, "DATABASE_URL must"),
        ({"DATABASE_URL": "postgresql://photo:p%6Fstgres@db/p"}, "DATABASE_URL must"),
        ({"DATABASE_URL": "postgresql://db/p?password=postgres"}, "DATABASE_URL must"),
        ({"AWS_SECRET_ACCESS_KEY": "minioadmin"}, "AWS_SECRET_ACCESS_KEY must not"),
    ],
)
def test_an_unsafe_production_does_not_start(
    unsafe: dict[str, str], fault: str
) -> None:
    (found,) = faults(SAFE | unsafe)
    assert found.startswith(fault)


def test_origins_of_pages_may_be_named() -> None:
    origins = "https://console.example.com,https://console.example.com:8443"
    assert Settings.from_env(SAFE | {"CORS_ORIGINS": origins}).cors_origins


def test_an_issuer_over_https_is_safe() -> None:
    issuer = {"OIDC_ISSUER": "https://id.example.com"} | AUDIENCE
    assert Settings.from_env(SAFE | issuer).oidc_issuer


def test_every_danger_is_named_at_once() -> None:
    unsafe = SAFE | {"DEBUG": "true", "SECRET_KEY": "", "TRUSTED_PROXIES": ""}
    assert len(faults(unsafe)) == 3


def test_credentials_of_the_machine_itself_are_safe() -> None:
    env = {**SAFE}
    del env["AWS_SECRET_ACCESS_KEY"], env["AWS_ENDPOINT_URL_S3"]
    del env["S3_PUBLIC_ENDPOINT"]
    assert Settings.from_env(env).aws_secret_access_key is None
