"""What clients get wrong: each time the contract's code, and a sentence that helps."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from photo.application.ports import Buckets, Clock
from photo.domain.access import Tenant
from photo.domain.media import MediaType
from tests.http.conftest import Run
from tests.http.service import Service
from tests.http.stand_ins import instead
from tests.makers import SteppableClock, new_id, photo_bytes

UPLOAD_ID = "upl_" + "0" * 26


def _source(upload_id: str) -> dict[str, Any]:
    return {"source": {"type": "upload", "upload_id": upload_id}}


@pytest.mark.parametrize("promised", ["image/svg+xml", "application/pdf", "nonsense"])
async def test_a_type_that_is_not_read_is_refused(
    api: httpx.AsyncClient, promised: str
) -> None:
    answer = await api.post("/v1/uploads", json={"content_type": promised})
    assert answer.status_code == 415
    assert answer.json()["code"] == "unsupported_media_type"
    assert "image/jpeg" in answer.json()["detail"]


async def test_a_promise_beyond_the_limit_is_refused(api: httpx.AsyncClient) -> None:
    promise = {"content_type": "image/jpeg", "size_bytes": 25_000_001}
    answer = await api.post("/v1/uploads", json=promise)
    assert answer.status_code == 413
    assert answer.json()["code"] == "file_too_large"


async def test_a_job_on_an_unknown_upload(api: httpx.AsyncClient) -> None:
    answer = await api.post("/v1/jobs", json=_source(UPLOAD_ID))
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


async def test_a_job_on_an_upload_never_sent(run: Run) -> None:
    now = SteppableClock()
    service = await run(instead(Clock, lambda: now))
    api = await service.client()
    grant = await api.post("/v1/uploads", json={"content_type": "image/jpeg"})
    body = _source(grant.json()["id"])

    missing = await api.post("/v1/jobs", json=body)
    assert missing.status_code == 409
    assert missing.json()["code"] == "upload_missing"

    now.step(timedelta(hours=1))
    expired = await api.post("/v1/jobs", json=body)
    assert expired.status_code == 409
    assert expired.json()["code"] == "upload_expired"


async def test_a_job_on_a_used_upload(service: Service, api: httpx.AsyncClient) -> None:
    job = await service.job(api)
    answer = await api.post("/v1/jobs", json={"source": job["source"]})
    assert answer.status_code == 409
    assert answer.json()["code"] == "upload_used"


async def test_a_used_upload_is_used_when_its_photo_is_long_gone(
    run: Run,
) -> None:
    now = SteppableClock()
    service = await run(instead(Clock, lambda: now))
    api = await service.client()
    job = await service.job(api)
    raw = (await service.container.get(Buckets)).raw
    await raw.delete(f"acme/{job['source']['upload_id']}")
    now.step(timedelta(hours=1))
    answer = await api.post("/v1/jobs", json={"source": job["source"]})
    assert answer.json()["code"] == "upload_used"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/uploads"),
        ("GET", f"/v1/uploads/{UPLOAD_ID}"),
        ("POST", "/v1/jobs"),
        ("GET", "/v1/jobs"),
        ("GET", f"/v1/jobs/{new_id('job')}"),
        ("POST", f"/v1/jobs/{new_id('job')}/cancel"),
        ("GET", f"/v1/jobs/{new_id('job')}/result"),
        ("GET", f"/v1/jobs/{new_id('job')}/files"),
        ("POST", "/v1/read"),
    ],
)
@pytest.mark.parametrize(
    ("name", "pointer"), [("wat", "/wat"), ("a/b~", "/a~1b~0"), ("id", "/id")]
)
async def test_an_unknown_parameter_is_refused_by_name(
    api: httpx.AsyncClient, method: str, path: str, name: str, pointer: str
) -> None:
    answer = await api.request(method, path, params={name: "3"})
    assert answer.status_code == 422
    assert answer.json()["code"] == "validation_failed"
    assert answer.json()["errors"] == [
        {"pointer": pointer, "detail": f"There is no parameter {name!r} here."}
    ]


@pytest.mark.parametrize(
    "url", ["", "nonsense", "http://example.com/a.jpg", "file:///etc/passwd"]
)
async def test_a_url_that_is_not_fetched_is_refused(
    api: httpx.AsyncClient, url: str
) -> None:
    source = {"type": "url", "url": url}
    answer = await api.post("/v1/jobs", json={"source": source})
    assert answer.status_code == 422
    [fault] = answer.json()["errors"]
    assert answer.json()["code"] == "url_refused"
    assert fault["pointer"] == "/source/url"


async def test_a_url_with_nothing_behind_it_fails_its_job(
    api: httpx.AsyncClient,
) -> None:
    source = {"type": "url", "url": "https://example.com/a.jpg"}
    accepted = await api.post("/v1/jobs", json={"source": source})
    assert accepted.status_code == 202
    job = (await api.get(accepted.headers["Location"], params={"wait": 10})).json()
    assert job["source"] == source
    assert job["error"]["code"] == "url_unreachable"


@pytest.mark.parametrize(
    ("data", "promise", "code"),
    [
        (b"Dear Sir or Madam", {}, "unsupported_media_type"),
        (b"", {}, "unsupported_media_type"),
        (photo_bytes(MediaType.PNG), {}, "content_mismatch"),
        (photo_bytes(), {"sha256": "0" * 64}, "checksum_mismatch"),
        (photo_bytes(), {"size_bytes": 3}, "file_too_large"),
    ],
)
async def test_a_photo_that_is_not_the_promised_one_fails_its_job(
    service: Service,
    api: httpx.AsyncClient,
    data: bytes,
    promise: dict[str, object],
    code: str,
) -> None:
    job = await service.job(api, data, promise=promise)
    assert job["status"] == "failed"
    assert job["error"]["code"] == code
    assert job["error"]["retryable"] is False


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/jobs/{new_id('job')}",
        f"/v1/jobs/{new_id('job')}/result",
        f"/v1/jobs/{new_id('job')}/files",
        f"/v1/uploads/{new_id('upl')}",
        "/v1/jobs/nonsense",
        "/v1/jobs/%00",
        f"/v1/jobs/{new_id('upl')}",
        "/v1/uploads/nonsense",
        f"/v1/jobs/{'a' * 5000}",
        "/v1",
        "/v1/nothing",
        "/v1/jobs/a/b/c",
        "/",
        "/../etc/passwd",
    ],
)
async def test_what_is_not_there_is_not_found(
    api: httpx.AsyncClient, path: str
) -> None:
    answer = await api.get(path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"


async def test_the_things_of_another_tenant_are_not_there(
    service: Service, api: httpx.AsyncClient
) -> None:
    job = await service.job(api)
    other = await service.client(Tenant("somebody else"))
    source = job["source"]
    links = job["links"]
    refused = [
        await other.get(links["self"]),
        await other.get(links["self"], params={"wait": 60}),
        await other.get(links["result"]),
        await other.get(links["files"]),
        await other.post(f"{links['self']}/cancel"),
        await other.get(f"/v1/uploads/{source['upload_id']}"),
        await other.post("/v1/jobs", json={"source": source}),
    ]
    assert [answer.status_code for answer in refused] == [404] * len(refused)
    assert {answer.json()["code"] for answer in refused} == {"not_found"}


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/jobs", "GET, HEAD, OPTIONS, POST"),
        ("DELETE", "/healthz", "GET, HEAD, OPTIONS"),
        ("TRACE", "/v1/jobs/", "GET, HEAD, OPTIONS, POST"),
        ("GET", "/v1/read", "OPTIONS, POST"),
        ("HEAD", "/v1/read", "OPTIONS, POST"),
    ],
)
async def test_another_method_is_refused_with_those_that_work(
    api: httpx.AsyncClient, method: str, path: str, allowed: str
) -> None:
    answer = await api.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Allow"] == allowed


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("status=queued&status=running", "status"),
        ("limit=5&limit=5", "limit"),
        ("metadata.a=1&metadata.a=2", "metadata.a"),
        ("status=null", "status"),
    ],
)
async def test_a_parameter_is_sent_once_and_has_a_value(
    api: httpx.AsyncClient, query: str, name: str
) -> None:
    answer = await api.get(f"/v1/jobs?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"/{name}"
