import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from litestar import Request, get
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from photo.domain.access import Tenant
from photo.entrypoints.http.exchange import ANSWER_HEADERS
from tests.http.conftest import Run
from tests.http.service import JPEG, Service

PATHS = ["/healthz", "/docs", "/nothing", "/v1/jobs", "/v1/nothing", "/openapi.json"]


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    with capture_logs(processors=[merge_contextvars]) as logs:
        yield logs


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_has_safe_headers(service: Service, path: str) -> None:
    anyone = await service.anyone()
    headers = (await anyone.get(path)).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" not in headers
    assert len(headers) == len(headers.raw)


async def test_what_a_route_says_of_itself_stands(service: Service) -> None:
    anyone = await service.anyone()
    script = await anyone.get("/docs/swagger-ui-bundle.js")
    assert script.headers.get_list("Cache-Control") == ["public, max-age=86400"]
    page = await anyone.get("/docs")
    (policy,) = page.headers.get_list("Content-Security-Policy")
    assert "script-src 'self'" in policy


async def test_a_route_may_add_headers_to_whatever_is_answered(run: Run) -> None:
    service = await run()

    @get("/v1/fails")
    async def fails(request: Request[Any, Any, Any]) -> None:
        request.scope["state"][ANSWER_HEADERS]["RateLimit"] = '"burst";r=0;t=7'
        raise RuntimeError

    service.app.register(fails)
    answer = await (await service.anyone()).get("/v1/fails")
    assert answer.status_code == 500
    assert answer.headers["RateLimit"] == '"burst";r=0;t=7'
    again = await (await service.anyone()).get("/v1/nothing")
    assert "RateLimit" not in again.headers


async def test_over_https_it_stays_there(service: Service) -> None:
    anyone = await service.anyone(url="https://photo.test")
    headers = (await anyone.get("/healthz")).headers
    assert headers["Strict-Transport-Security"].startswith("max-age=")


@pytest.mark.parametrize("path", PATHS)
async def test_a_sane_request_id_is_kept(service: Service, path: str) -> None:
    anyone = await service.anyone()
    sent = "Trace.1_2-3"
    answer = await anyone.get(path, headers={"X-Request-Id": sent})
    assert answer.headers["X-Request-Id"] == sent


@pytest.mark.parametrize("sent", ["", "a b", "x" * 129, 'a"b', "a\tb", "é"])
async def test_another_request_id_is_replaced(service: Service, sent: str) -> None:
    anyone = await service.anyone()
    answer = await anyone.get(
        "/v1/jobs", headers={b"X-Request-Id": sent.encode("latin-1")}
    )
    given = answer.headers["X-Request-Id"]
    assert given != sent
    assert answer.json()["request_id"] == given


async def test_two_requests_have_two_ids(service: Service) -> None:
    anyone = await service.anyone()
    given = {(await anyone.get("/healthz")).headers["X-Request-Id"] for _ in range(2)}
    assert len(given) == 2


async def test_a_request_is_one_line_in_the_log(
    service: Service, tenant: Tenant, api: httpx.AsyncClient, logs: list[Any]
) -> None:
    answer = await api.get(
        "/v1/jobs?limit=7&metadata.name=secret", headers={"X-Request-Id": "r-1"}
    )
    [line] = logs
    assert line.pop("duration_ms") > 0
    key = line.pop("key")
    assert key.startswith("key_")
    assert line == {
        "event": "request",
        "log_level": "info",
        "method": "GET",
        "route": "/v1/jobs",
        "status": 200,
        "complete": True,
        "bytes_in": 0,
        "bytes_out": len(answer.content),
        "request_id": "r-1",
        "tenant": tenant,
    }


async def test_a_request_about_a_job_names_it(
    service: Service, api: httpx.AsyncClient, logs: list[Any]
) -> None:
    read = await api.post(
        "/v1/read", content=JPEG, headers={"Content-Type": "image/jpeg"}
    )
    job_id = read.json()["job_id"]
    await api.get(f"/v1/jobs/{job_id}")
    upload_id = await service.upload(api)
    source = {"type": "upload", "upload_id": upload_id}
    created = (await api.post("/v1/jobs", json={"source": source})).json()["id"]
    lines = [(line["route"], line.get("job_id")) for line in logs]
    assert lines == [
        ("/v1/read", job_id),
        ("/v1/jobs/{id}", job_id),
        ("/v1/uploads", None),
        ("/v1/jobs", created),
    ]
    assert logs[0]["bytes_in"] == len(JPEG)


async def test_what_one_request_bound_is_not_in_the_next_ones_line(
    service: Service, api: httpx.AsyncClient, logs: list[Any]
) -> None:
    await api.get("/v1/jobs")
    await (await service.anyone()).get("/healthz")
    assert "tenant" in logs[0]
    assert "tenant" not in logs[1]


async def test_the_log_holds_no_secret_no_text_and_no_link(
    service: Service, api: httpx.AsyncClient, logs: list[Any]
) -> None:
    job = await service.job(
        api, metadata={"name": "Erika Mustermann"}, promise={"filename": "diary.jpg"}
    )
    answers = [
        await api.get(job["links"]["result"], params={"format": "text"}),
        await api.get(job["links"]["files"]),
        await api.get("/v1/jobs", params={"metadata.name": "Erika Mustermann"}),
        await api.get("/v1/jobs", params={"status": "Erika Mustermann"}),
        await api.post("/v1/uploads", json={"Mustermann": 1}),
        await api.post("/v1/read", files={"file": ("diary.jpg", JPEG)}),
        await api.get("/v1/nothing?token=Mustermann"),
    ]
    assert len(logs) > len(answers)
    logged = json.dumps(logs, default=repr)
    secret = api.headers["Authorization"].rpartition("_")[2]
    for word in [secret, "Hello", "Mustermann", "diary", "memory://"]:
        assert word not in logged


async def test_a_path_that_no_route_knows_is_in_no_line(
    service: Service, logs: list[Any]
) -> None:
    anyone = await service.anyone()
    await anyone.get("/a%0Aevent=forged%1b%5b2J" + "x" * 1000)
    [line] = logs
    assert line["route"] == "none"


@pytest.mark.parametrize(
    ("path", "route"),
    [
        *((known, known) for known in ("/healthz", "/readyz", "/v1/jobs")),
        ("/no", "none"),
    ],
)
async def test_the_answer_to_head_is_that_to_get_without_its_body(
    service: Service, api: httpx.AsyncClient, logs: list[Any], path: str, route: str
) -> None:
    headers = {"X-Request-Id": "r-1"}
    get = await api.get(path, headers=headers)
    head = await api.head(path, headers=headers)
    assert head.status_code == get.status_code
    assert head.headers.keys() == get.headers.keys()
    assert head.headers["Content-Type"] == get.headers["Content-Type"]
    assert head.content == b""
    line = logs[-1]
    assert (line["method"], line["route"]) == ("HEAD", route)
    assert line["bytes_out"] == 0


async def test_options_names_head_with_get(api: httpx.AsyncClient) -> None:
    answer = await api.options("/healthz")
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"


async def test_options_names_the_methods_of_every_route_at_the_path(
    api: httpx.AsyncClient,
) -> None:
    answer = await api.options("/v1/jobs")
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
