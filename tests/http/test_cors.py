"""What browsers let the pages of other origins do."""

import httpx
import pytest

from photo.application.ports import UploadRepository
from photo.domain.errors import RateLimited
from photo.entrypoints.http.app import HttpConfig
from tests.http.conftest import Run
from tests.http.service import Service
from tests.http.stand_ins import FailingUploads, instead
from tests.makers import new_id

ORIGIN = "https://console.test"
OTHER = "https://console.test.evil.test"
ALLOWED = HttpConfig(version="1", cors_origins=(ORIGIN, "https://second.test"))


async def preflight(
    client: httpx.AsyncClient, origin: str, path: str = "/v1/jobs"
) -> httpx.Response:
    return await client.options(
        path,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, idempotency-key",
        },
    )


async def test_pages_of_other_origins_are_kept_out(service: Service) -> None:
    anyone = await service.anyone()
    answer = await anyone.get("/healthz", headers={"Origin": ORIGIN})
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert (
        "Access-Control-Allow-Origin" not in (await preflight(anyone, ORIGIN)).headers
    )


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/jobs/job_0/events", "/nothing"])
async def test_a_browser_may_ask_without_a_credential(run: Run, path: str) -> None:
    service = await run(config=ALLOWED)
    answer = await preflight(await service.anyone(), ORIGIN, path)
    assert answer.status_code == 204
    assert answer.content == b""
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Vary"] == "Origin"
    assert {*answer.headers["Access-Control-Allow-Methods"].split(", ")} == {
        *("GET", "HEAD", "POST", "DELETE")
    }
    assert {*answer.headers["Access-Control-Allow-Headers"].split(", ")} == {
        *("Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID"),
        *("X-Request-Id", "traceparent"),
    }
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin", [OTHER, "null", "", ORIGIN.upper(), f"{ORIGIN}:443", f"{ORIGIN}, {OTHER}"]
)
async def test_no_other_origin_is_let_in(run: Run, origin: str) -> None:
    service = await run(config=ALLOWED)
    anyone = await service.anyone()
    for answer in [
        await preflight(anyone, origin),
        await anyone.get("/healthz", headers={"Origin": origin}),
    ]:
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert answer.headers["Vary"] == "Origin"


async def test_errors_can_be_read_by_an_allowed_page(run: Run) -> None:
    slow = RateLimited("Slow down.")
    limited = await run(
        instead(UploadRepository, lambda: FailingUploads(slow)), config=ALLOWED
    )
    broken = await run(
        instead(UploadRepository, lambda: FailingUploads(RuntimeError())),
        config=ALLOWED,
    )
    path, headers = f"/v1/uploads/{new_id('upl')}", {"Origin": ORIGIN}
    answers = [
        await (await limited.anyone()).get(path, headers=headers),
        await (await limited.client()).get("/v1/nothing", headers=headers),
        await (await limited.client()).get(path, headers=headers),
        await (await broken.client()).get(path, headers=headers),
        await (await limited.anyone()).get("/docs", headers={**headers, "Host": "?"}),
    ]
    assert [answer.status_code for answer in answers] == [401, 404, 429, 500, 400]
    for answer in answers:
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert answer.headers["Vary"] == "Origin"
        assert {*answer.headers["Access-Control-Expose-Headers"].split(", ")} == {
            *("Content-Location", "Location", "Idempotent-Replayed", "Retry-After"),
            *("RateLimit", "RateLimit-Policy", "X-Request-Id"),
        }


async def test_what_is_kept_for_one_origin_is_not_given_to_another(run: Run) -> None:
    service = await run(config=ALLOWED)
    anyone = await service.anyone()
    assert (await anyone.get("/openapi.json")).headers["Vary"] == "Origin"


async def test_any_origin_may_be_allowed(run: Run) -> None:
    service = await run(config=HttpConfig(version="1", cors_origins=("*",)))
    anyone = await service.anyone()
    for answer in [
        await preflight(anyone, OTHER),
        await anyone.get("/v1/jobs", headers={"Origin": OTHER}),
        await anyone.get("/v1/jobs"),
    ]:
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_other_options_are_what_the_route_answers(run: Run) -> None:
    service = await run(config=ALLOWED)
    answer = await (await service.anyone()).options(
        "/healthz", headers={"Origin": ORIGIN}
    )
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
