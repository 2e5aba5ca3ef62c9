"""Hostile files and URLs, through the public API of real processes."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx
import pytest

from photo.entrypoints.scanner_probes import eicar
from tests.e2e.conftest import Service
from tests.e2e.test_refusals import grant, send, submit
from tests.hostile_server import HostileServer, Visit, answer, redirects, says, serving
from tests.scanning import Clamd
from tests.services import Servers, s3_client

SAMPLES = Path("samples")
JPEG = (SAMPLES / "receipt.jpg").read_bytes()


def zipped(data: bytes) -> bytes:
    file = BytesIO()
    with ZipFile(file, "w") as archive:
        archive.writestr("readme.txt", data)
    return file.getvalue()


INFECTED = {
    "raw": eicar(),
    "appended": JPEG + eicar(),
    "zipped": zipped(eicar()),
    "zip in jpeg": JPEG + zipped(eicar()),
}


async def run(service: Service, content: bytes, **promise: object) -> dict[str, Any]:
    """Upload a file and follow its job to the end."""
    async with service.client() as client:
        upload = await grant(client, **promise)
        assert (await send(upload, content)).is_success
        job = (await submit(client, upload)).json()
        return await ended(client, job)


async def ended(client: httpx.AsyncClient, job: Mapping[str, Any]) -> dict[str, Any]:
    async with asyncio.timeout(180):
        while True:
            answer = await client.get(f"{job['links']['self']}?wait=60")
            followed: dict[str, Any] = answer.raise_for_status().json()
            if followed["finished_at"]:
                return followed


async def state(
    client: httpx.AsyncClient, job: Mapping[str, Any], **wanted: object
) -> dict[str, Any]:
    """The job as soon as it shows this."""
    async with asyncio.timeout(60):
        while True:
            found = (await client.get(job["links"]["self"])).json()
            if all(found[name] == value for name, value in wanted.items()):
                return dict(found)
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("data", INFECTED.values(), ids=INFECTED)
async def test_an_infected_file_is_refused_deleted_and_remembered(
    service: Service, servers: Servers, clamd: Clamd, data: bytes
) -> None:
    async with service.client() as client:
        upload = await grant(client)
        assert (await send(upload, data)).is_success
        job = await ended(client, (await submit(client, upload)).json())
        assert (job["status"], job["error"]["code"]) == ("failed", "infected")
        assert "eicar" not in str(job).lower()
        files = await client.get(job["links"]["files"])
        assert (files.status_code, files.json()["code"]) == (409, "job_failed")
        promise = {"content_type": "image/jpeg", "sha256": sha256(data).hexdigest()}
        again = await client.post("/v1/uploads", json=promise)
        assert (again.status_code, again.json()["code"]) == (422, "infected")
    async with s3_client(servers.s3) as s3:
        for bucket, prefix in (
            (service.env["S3_BUCKET_RAW"], f"default/{upload['id']}"),
            (service.env["S3_BUCKET_PROCESSED"], f"default/{job['id']}"),
        ):
            found = await s3.list_objects_v2(Bucket=bucket, Prefix=prefix)
            assert found["KeyCount"] == 0


async def test_an_operator_sees_and_forgets_an_infected_file(
    service: Service, clamd: Clamd
) -> None:
    data = JPEG + b"somewhere in here: " + eicar()
    job = await run(service, data)
    assert job["error"]["code"] == "infected"
    checksum = sha256(data).hexdigest()
    _, listed, _ = await service.photo("infected", "list")
    (line,) = (line for line in listed.splitlines() if checksum in line)
    assert "Eicar-Test-Signature" in line
    assert job["id"] in line
    code, _, _ = await service.photo("infected", "forget", checksum)
    assert code == 0
    async with service.client() as client:
        assert await grant(client, sha256=checksum)


async def test_a_photo_waits_for_a_scanner_that_is_away(
    service: Service, clamd: Clamd
) -> None:
    async with service.client() as client:
        async with clamd.away():
            upload = await grant(client)
            await send(upload, JPEG)
            job = (await submit(client, upload)).json()
            waiting = await state(client, job, step="scan")
            while waiting["step_error"] is None:
                waiting = await state(client, job, status="running")
            assert waiting["step_error"]["code"] == "dependency_unavailable"
            while await scanner(client) != "failing":  # or what it was a moment ago
                pass
            files = await client.get(job["links"]["files"])
            assert (files.status_code, files.json()["code"]) == (
                409,
                "job_not_finished",
            )
        job = await ended(client, job)
    assert (job["status"], job["step_error"]) == ("succeeded", None)


async def scanner(client: httpx.AsyncClient) -> str:
    status: str = (await client.get("/readyz")).json()["checks"]["scanner"]["status"]
    return status


@pytest.fixture
async def web() -> AsyncIterator[HostileServer]:
    async def deed(visit: Visit) -> None:
        await PAGES.get(visit.path, says(answer(b"Not here.", status=404)))(visit)

    async with serving(deed) as server:
        yield server


PAGES = {
    "/receipt.jpg?token=c4n4ry": says(answer(JPEG, "Content-Type: text/html")),
    "/page.html": says(answer(b"<html>" * 99, "Content-Type: image/jpeg")),
    "/huge.jpg": says(answer(JPEG, length=50_000_001)),
    "/endless.jpg": says(answer(JPEG.ljust(25_000_001, b"\0"), length=50_000_000)),
    "/here": redirects("/receipt.jpg?token=c4n4ry"),
    "/inside": redirects("http://169.254.169.254/latest/meta-data/"),
    "/file": redirects("file:///etc/passwd"),
    "/infected.jpg": says(answer(JPEG + eicar())),
}


async def read_url(service: Service, url: str) -> dict[str, Any]:
    async with service.client() as client:
        source = {"type": "url", "url": url}
        started = await client.post("/v1/jobs", json={"source": source})
        job = started.raise_for_status().json()
        assert job["source"] == source
        return await ended(client, job)


@pytest.mark.parametrize("path", ["receipt.jpg?token=c4n4ry", "here"])
async def test_a_photo_is_read_from_the_web(
    service: Service, web: HostileServer, path: str
) -> None:
    job = await read_url(service, web.url + path)
    assert job["status"] == "succeeded"
    assert job["photo"]["sha256"] == sha256(JPEG).hexdigest()
    assert [*job["timings_ms"]][:2] == ["fetch", "verify"]
    assert "c4n4ry" not in service.worker_log.read_text()


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("gone.jpg", "url_unreachable"),
        ("page.html", "unsupported_media_type"),
        ("huge.jpg", "file_too_large"),
        ("endless.jpg", "file_too_large"),
        ("inside", "url_refused"),
        ("file", "url_refused"),
    ],
)
async def test_what_cannot_be_fetched_has_its_code(
    service: Service, web: HostileServer, path: str, code: str
) -> None:
    job = await read_url(service, web.url + path)
    assert (job["status"], job["error"]["code"]) == ("failed", code)
    assert job["error"]["detail"].endswith(".")


async def test_an_infected_file_from_the_web_is_infected(
    service: Service, web: HostileServer, clamd: Clamd
) -> None:
    job = await read_url(service, f"{web.url}infected.jpg")
    assert job["error"]["code"] == "infected"


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.2.nip.io:0/",
        "https://10.0.0.1/a.jpg",
        "https://user:c4n4ry@example.com/a.jpg",
        "https://2130706433/a.jpg",
        "https://[::ffff:127.0.0.1]/a.jpg",
        "ftp://example.com/a.jpg",
        "file:///etc/passwd",
        "https:///a.jpg",
    ],
)
async def test_a_url_that_is_not_allowed_makes_no_job(
    service: Service, url: str
) -> None:
    async with service.client() as client:
        answer = await client.post(
            "/v1/jobs", json={"source": {"type": "url", "url": url}}
        )
    assert (answer.status_code, answer.json()["code"]) == (422, "url_refused")
    assert answer.json()["errors"][0]["pointer"] == "/source/url"
    assert "c4n4ry" not in answer.text


async def test_the_command_reads_from_the_web(
    service: Service, web: HostileServer
) -> None:
    code, out, err = await service.photo("read", f"{web.url}receipt.jpg?token=c4n4ry")
    assert (code, err) == (0, "")
    _, from_file, _ = await service.photo("read", "samples/receipt.jpg")
    assert out == from_file
