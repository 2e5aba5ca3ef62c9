"""What `photo doctor` says of what surrounds the service."""

import asyncio
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from photo.application.ports import Clock, JobRepository
from photo.domain.job import Step
from photo.entrypoints.cli.checks import (
    _jobs_go_on,
    around_the_service,
    demanded_of_buckets,
)
from photo.entrypoints.cli.doctor import Finding, _found, _of_all
from photo.entrypoints.in_memory import memory_container
from photo.entrypoints.live import live_container
from photo.entrypoints.settings import Settings
from photo.entrypoints.stopping import closing
from tests.careless_store import careless_store
from tests.makers import a_url_job

NOWHERE = {
    "DATABASE_URL": "postgresql://photo:secret@127.0.0.1:1/photo",
    "S3_BUCKET_RAW": "raw",
    "S3_BUCKET_PROCESSED": "processed",
    "TEMPORAL_TARGET": "127.0.0.1:1",
    "AWS_ACCESS_KEY_ID": "somebody",
    "AWS_SECRET_ACCESS_KEY": "hush",
}


async def finding(name: str, **given: str) -> Finding:
    settings = Settings.from_env(NOWHERE | given)
    checks = [*around_the_service(settings), *demanded_of_buckets(settings)]
    [check] = [check for check in checks if check.name == name]
    async with live_container(settings) as container:
        found = await _found(check, container)
    assert found.latency_ms is not None
    assert (found.mend is None) is (found.failure is None)
    return found


@asynccontextmanager
async def answering(status: bytes) -> AsyncIterator[str]:
    """The address of a server that always says the same, and is asked without a key."""

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        assert b"apublickey" not in request
        assert b"authorization" not in request.lower()
        writer.write(b"HTTP/1.1 %b\r\nContent-Length: 0\r\n" % status)
        writer.write(b"Connection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"{host}:{port}"


def test_only_what_is_set_up_is_looked_at() -> None:
    settings = Settings.from_env(NOWHERE)
    checks = [*around_the_service(settings), *demanded_of_buckets(settings)]
    assert [check.name for check in checks] == ["jobs", "workers", "webhooks"]


async def test_what_fails_for_another_reason_says_what_to_see_to_first() -> None:
    settings = Settings.from_env(
        NOWHERE
        | {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1", "S3_REQUIRE_VERSIONING": "true"}
        | {"CLAMD_URL": "tcp://127.0.0.1:1"}
    )
    mends = {
        finding.name: str(finding.mend)
        async for finding in _of_all(settings)
        if finding.failure
    }
    assert mends["store"].startswith("start the object store")
    firsts = {
        name: mend.split()[2] for name, mend in mends.items() if mend.endswith("first")
    }
    assert firsts == {
        "raw_bucket": "store",
        "processed_bucket": "store",
        "first_write_wins": "raw_bucket",
        "versioning": "raw_bucket",
        "scanner_limits": "scanner",
        "jobs": "database",
        "workers": "workflows",
        "webhooks": "database",
    }


@pytest.mark.parametrize(
    ("is_running", "minutes", "told"),
    [
        (False, 1, ""),
        (False, 3, "the oldest queued job is 3 minutes old"),
        (True, 14, ""),
        (True, 16, "the oldest running job is 16 minutes old"),
    ],
)
async def test_a_job_that_is_late_deserves_a_look(
    *, is_running: bool, minutes: int, told: str
) -> None:
    async with closing(memory_container()) as container:
        now = (await container.get(Clock))()
        at = now - timedelta(minutes=minutes)
        job = a_url_job(now=at)
        job = job.enter(Step.VERIFY, at=at) if is_running else job
        await (await container.get(JobRepository)).add(job)
        warning = await _jobs_go_on(container)
    assert (warning or "").split(": see")[0] == told


@pytest.mark.parametrize("status", [b"405 No", b"200 OK", b"401 Who?"])
async def test_a_collector_that_answers_is_well(status: bytes) -> None:
    async with answering(status) as address:
        url = f"http://{address}/"
        found = await finding("traces", OTEL_EXPORTER_OTLP_ENDPOINT=url)
    assert found.failure is None


@pytest.mark.parametrize("status", [b"404 Not Found", b"502 Bad Gateway"])
async def test_what_takes_no_traces_is_told_with_its_mend(status: bytes) -> None:
    async with answering(status) as address:
        url = f"http://{address}"
        found = await finding("traces", OTEL_EXPORTER_OTLP_ENDPOINT=url)
    assert f"status {status[:3].decode()}" in str(found.failure)
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in str(found.mend)


@pytest.mark.parametrize("status", [b"404 Not Found", b"302 Found"])
async def test_sentry_is_reached_without_its_key(status: bytes) -> None:
    async with answering(status) as address:
        dsn = f"http://apublickey@{address}/42"
        assert (await finding("error_reports", SENTRY_DSN=dsn)).failure is None


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("traces", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}),
        ("error_reports", {"SENTRY_DSN": "http://apublickey@127.0.0.1:1/42"}),
        ("rate_limits", {"RATE_LIMIT_STORAGE": "redis://:apublickey@127.0.0.1:1/0"}),
        (
            "issuer",
            {"OIDC_ISSUER": "http://127.0.0.1:1", "OIDC_AUDIENCE": "photo"},
        ),
        ("webhooks", {}),
        (
            "encryption",
            {
                "S3_REQUIRE_ENCRYPTION": "true",
                "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
            },
        ),
    ],
)
async def test_what_is_away_is_told_with_its_mend(
    name: str, given: dict[str, str]
) -> None:
    found = await finding(name, **given)
    assert found.failure
    assert found.mend
    assert "apublickey" not in str(found)
    assert "127.0.0.1" not in str(found)


async def test_a_port_that_is_free_is_well() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
    found = await finding("metrics_port", METRICS_PORT=port)
    assert (found.failure, found.warning) == (None, None)


async def test_a_port_that_is_taken_may_be_taken_by_the_service() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        found = await finding("metrics_port", METRICS_PORT=port)
    assert found.failure is None
    assert f"{port} is taken" in str(found.warning)


async def test_an_address_of_another_machine_is_told_with_its_mend() -> None:
    found = await finding("metrics_port", METRICS_PORT="9464", HOST="192.0.2.1")
    assert found.failure
    assert "HOST" in str(found.mend)


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("encryption", "S3_REQUIRE_ENCRYPTION"),
        ("versioning", "S3_REQUIRE_VERSIONING"),
    ],
)
async def test_what_is_demanded_of_buckets_is_tried(name: str, setting: str) -> None:
    async with careless_store() as endpoint:
        given = {"AWS_ENDPOINT_URL_S3": endpoint, setting: "true"}
        found = await finding(name, **given)
    assert "The bucket raw " in str(found.failure)
    assert setting in str(found.mend)
