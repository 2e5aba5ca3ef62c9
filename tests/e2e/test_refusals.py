"""Bad input on the real stack: a code of the contract, and a sentence that helps."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Service

SAMPLES = Path("samples")
JPEG = (SAMPLES / "receipt.jpg").read_bytes()
PNG = (SAMPLES / "form.png").read_bytes()


async def grant(client: httpx.AsyncClient, **promise: object) -> dict[str, Any]:
    answer = await client.post(
        "/v1/uploads", json={"content_type": "image/jpeg", **promise}
    )
    upload: dict[str, Any] = answer.raise_for_status().json()
    return upload


async def send(upload: dict[str, Any], content: bytes) -> httpx.Response:
    async with httpx.AsyncClient(timeout=60) as store:
        return await store.post(
            upload["url"], data=upload["fields"], files={"file": content}
        )


async def submit(client: httpx.AsyncClient, upload: dict[str, Any]) -> httpx.Response:
    source = {"type": "upload", "upload_id": upload["id"]}
    return await client.post("/v1/jobs", json={"source": source})


async def failure(service: Service, content: bytes, **promise: object) -> str:
    async with service.client() as client:
        upload = await grant(client, **promise)
        assert (await send(upload, content)).is_success
        job = (await submit(client, upload)).json()
        ended = (await client.get(f"/v1/jobs/{job['id']}?wait=60")).json()
        assert ended["status"] == "failed"
        assert ended["error"]["detail"].endswith(".")
        assert ended["finished_at"]
        result = await client.get(f"/v1/jobs/{job['id']}/result")
        assert (result.status_code, result.json()["code"]) == (409, "job_failed")
        code: str = ended["error"]["code"]
        return code


@pytest.mark.parametrize(
    ("content", "promise", "code"),
    [
        (b"Dear diary, this is no photo.", {}, "unsupported_media_type"),
        (b"%PDF-1.7 not a photo either", {}, "unsupported_media_type"),
        (PNG, {}, "content_mismatch"),
        (JPEG[: len(JPEG) // 2], {}, "corrupt_image"),
        (JPEG[:64], {}, "corrupt_image"),
    ],
    ids=["text", "pdf", "png as jpeg", "half a jpeg", "a header alone"],
)
async def test_a_file_that_breaks_its_promise_fails_its_job(
    service: Service, content: bytes, promise: dict[str, object], code: str
) -> None:
    assert await failure(service, content, **promise) == code


async def test_the_store_refuses_more_than_was_granted(service: Service) -> None:
    async with service.client() as client:
        upload = await grant(client, size_bytes=1000)
        refused = await send(upload, JPEG)
        answer = await submit(client, upload)
    assert refused.is_client_error
    assert (answer.status_code, answer.json()["code"]) == (409, "upload_missing")


async def test_an_empty_file_is_refused_by_the_store(service: Service) -> None:
    async with service.client() as client:
        assert (await send(await grant(client), b"")).is_client_error


async def test_an_upload_serves_one_job(service: Service) -> None:
    async with service.client() as client:
        upload = await grant(client)
        await send(upload, JPEG)
        first, second = await submit(client, upload), await submit(client, upload)
    assert first.status_code == 202
    assert (second.status_code, second.json()["code"]) == (409, "upload_used")


async def test_another_tenants_job_is_not_there(service: Service) -> None:
    async with service.client() as client:
        upload = await grant(client)
        await send(upload, JPEG)
        job = (await submit(client, upload)).json()
    async with service.client(service.other_tenants_key) as other:
        for path in ("", "/result", "/files"):
            answer = await other.get(f"/v1/jobs/{job['id']}{path}")
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert (await submit(other, upload)).json()["code"] == "not_found"


async def test_a_cancelled_job_stays_cancelled(service: Service) -> None:
    async with service.client() as client:
        upload = await grant(client, content_type="image/tiff")
        await send(upload, (SAMPLES / "minutes.tiff").read_bytes())
        job = (await submit(client, upload)).json()
        cancelled = await client.post(f"/v1/jobs/{job['id']}/cancel")
        again = await client.post(f"/v1/jobs/{job['id']}/cancel")
        ended = (await client.get(f"/v1/jobs/{job['id']}")).json()
    assert cancelled.status_code == 202
    assert (again.status_code, again.json()["code"]) == (409, "job_finished")
    assert (ended["status"], ended["error"]["code"]) == ("cancelled", "cancelled")


async def test_reading_in_one_call_answers_the_text(service: Service) -> None:
    async with service.client() as client:
        answer = await client.post(
            "/v1/read?wait=60&format=text",
            content=JPEG,
            headers={"Content-Type": "image/jpeg"},
        )
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert "HARBOUR LANE GROCERS" in answer.text


async def test_reading_in_one_call_answers_why_it_failed(service: Service) -> None:
    async with service.client() as client:
        answer = await client.post(
            "/v1/read?wait=60",
            content=JPEG[:5000],
            headers={"Content-Type": "image/jpeg"},
        )
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "corrupt_image"
