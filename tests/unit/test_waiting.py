"""What a process refuses to start with, tried on a store that can say anything."""

from contextlib import suppress

import pytest
from structlog.testing import capture_logs

from photo.entrypoints.live import live_container
from photo.entrypoints.settings import Settings
from photo.entrypoints.waiting import refuse_unsafe_buckets
from tests.careless_store import careless_store

ENCRYPTED = b"x-amz-server-side-encryption: AES256\r\n"
VERSIONED = b"x-amz-version-id: 3sL4kqtJlcpXroDTDmJ\r\n"
SUSPENDED = b"x-amz-version-id: null\r\n"
BOTH = {"S3_REQUIRE_ENCRYPTION": "true", "S3_REQUIRE_VERSIONING": "true"}


async def refused(endpoint: str, **demands: str) -> list[tuple[str, str]]:
    """The faults for which it does not start."""
    settings = Settings.from_env(
        {
            "DATABASE_URL": "postgresql://photo:secret@127.0.0.1:1/photo",
            "S3_BUCKET_RAW": "raw",
            "S3_BUCKET_PROCESSED": "processed",
            "TEMPORAL_TARGET": "127.0.0.1:1",
            "AWS_ENDPOINT_URL_S3": endpoint,
            "AWS_ACCESS_KEY_ID": "somebody",
            "AWS_SECRET_ACCESS_KEY": "hush",
            **demands,
        }
    )
    async with live_container(settings) as container:
        # It ends the process if, and only if, it has said why.
        with capture_logs() as logs, suppress(SystemExit):
            await refuse_unsafe_buckets(container, settings)
            assert logs == []
    assert all(log["log_level"] == "error" for log in logs)
    return [(log["event"], log["bucket"]) for log in logs]


async def test_every_fault_of_both_buckets_is_named_at_once() -> None:
    async with careless_store() as endpoint:
        assert await refused(endpoint, **BOTH) == [
            ("bucket_is_not_encrypted", "raw"),
            ("bucket_is_not_versioned", "raw"),
            ("bucket_is_not_encrypted", "processed"),
            ("bucket_is_not_versioned", "processed"),
        ]


async def test_buckets_that_are_as_demanded_will_do() -> None:
    async with careless_store(says=ENCRYPTED + VERSIONED) as endpoint:
        assert await refused(endpoint, **BOTH) == []


async def test_versions_that_are_suspended_are_none() -> None:
    async with careless_store(says=SUSPENDED) as endpoint:
        assert await refused(endpoint, S3_REQUIRE_VERSIONING="true") == [
            ("bucket_is_not_versioned", "raw"),
            ("bucket_is_not_versioned", "processed"),
        ]


@pytest.mark.parametrize("environment", ["development", "staging"])
async def test_nothing_is_demanded_unless_the_settings_say_so(environment: str) -> None:
    nowhere = "http://127.0.0.1:1"
    assert await refused(nowhere, ENVIRONMENT=environment) == []


async def test_production_is_for_private_buckets() -> None:
    production = {
        "ENVIRONMENT": "production",
        "SECRET_KEY": "0f3c6e0d5b7a4f0c8d1e2a3b4c5d6e7f",
        "TRUSTED_PROXIES": "10.1.0.0/16",
        "ALLOWED_HOSTS": "photo.example.com",
        "ALLOW_UNSCANNED": "true",
        "DATABASE_URL": "postgresql://photo:a-long-one@127.0.0.1:1/photo",
        "S3_PUBLIC_ENDPOINT": "https://photos.example.com",
    }
    async with careless_store() as endpoint:
        assert await refused(endpoint, **production) == [
            ("bucket_is_public", "raw"),
            ("bucket_is_public", "processed"),
        ]
