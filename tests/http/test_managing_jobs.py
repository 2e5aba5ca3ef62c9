import asyncio
from datetime import datetime, timedelta

import httpx
import pytest

from photo.application.ports import Buckets, WorkflowEngine
from photo.domain.access import Scope, Tenant
from photo.domain.usage import DailyQuota
from tests.http.conftest import Run
from tests.http.service import JPEG, Service
from tests.http.stand_ins import HeldEngine, instead
from tests.makers import new_id


async def stored(service: Service, tenant: Tenant) -> list[str]:
    """The keys of all the tenant's objects, in both buckets."""
    buckets = await service.container.get(Buckets)
    return [
        item.key
        for store in (buckets.raw, buckets.processed)
        for item in await store.list(after=f"{tenant}/", limit=1000)
        if item.key.startswith(f"{tenant}/")
    ]


async def test_a_job_is_retried(service: Service, api: httpx.AsyncClient) -> None:
    job = await service.job(api, metadata={"order": "4711"})
    answer = await api.post(f"{job['links']['self']}/retry")
    assert answer.status_code == 202
    again = answer.json()
    assert answer.headers["Location"] == again["links"]["self"]
    assert again["id"] != job["id"]
    assert (again["retry_of"], again["source"]) == (job["id"], job["source"])
    assert again["metadata"] == {"order": "4711"}
    ended = await api.get(again["links"]["self"], params={"wait": 10})
    assert ended.json()["status"] == "succeeded"
    assert ended.json()["photo"] == job["photo"]
    assert job["retry_of"] is None


async def test_a_retry_under_one_key_is_one_job(
    service: Service, api: httpx.AsyncClient
) -> None:
    job = await service.job(api)
    answers = [
        await api.post(
            f"{job['links']['self']}/retry", headers={"Idempotency-Key": "once"}
        )
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_only_what_has_ended_is_retried(run: Run) -> None:
    service = await run(instead(WorkflowEngine, HeldEngine))
    api = await service.client()
    upload_id = await service.upload(api)
    source = {"source": {"type": "upload", "upload_id": upload_id}}
    job = (await api.post("/v1/jobs", json=source)).json()
    answer = await api.post(f"{job['links']['self']}/retry")
    assert (answer.status_code, answer.json()["code"]) == (409, "job_not_finished")


async def test_a_photo_that_is_nowhere_is_missing(
    service: Service, api: httpx.AsyncClient, tenant: Tenant
) -> None:
    job = await service.job(api, b"no photo")
    buckets = await service.container.get(Buckets)
    for key in await stored(service, tenant):
        await buckets.raw.delete(key)
    answer = await api.post(f"{job['links']['self']}/retry")
    assert (answer.status_code, answer.json()["code"]) == (409, "upload_missing")
    assert "new upload" in answer.json()["detail"]


async def test_an_erased_job_leaves_a_receipt_and_nothing_else(
    service: Service, api: httpx.AsyncClient, tenant: Tenant
) -> None:
    job = await service.job(api)
    assert len(await stored(service, tenant)) == 7
    answer = await api.delete(job["links"]["self"])
    assert answer.status_code == 200
    receipt = answer.json()
    assert receipt["job_id"] == job["id"]
    assert receipt["photo_sha256"] == job["photo"]["sha256"]
    assert {each["bucket"] for each in receipt["objects"]} == {"raw", "processed"}
    assert receipt["objects"][0]["size_bytes"] == len(JPEG)
    assert receipt["rows"]["jobs"] == 1
    assert receipt["completed_at"] >= receipt["requested_at"]
    assert await stored(service, tenant) == []
    for method, path in (
        ("GET", ""),
        ("GET", "/result"),
        ("GET", "/files"),
        ("POST", "/cancel"),
        ("POST", "/retry"),
    ):
        gone = await api.request(method, f"{job['links']['self']}{path}")
        assert (gone.status_code, gone.json()["code"]) == (404, "not_found")
    upload = await api.get(f"/v1/uploads/{job['source']['upload_id']}")
    assert upload.status_code == 404
    again = await api.delete(job["links"]["self"])
    assert (again.status_code, again.json()) == (200, receipt)


async def test_of_fifty_deletes_each_gets_the_receipt(
    service: Service, api: httpx.AsyncClient
) -> None:
    job = await service.job(api)
    answers = await asyncio.gather(
        *(api.delete(job["links"]["self"]) for _ in range(50))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    entries = (await api.get("/v1/audit")).json()["items"]
    assert [entry["action"] for entry in entries].count("job.erased") == 1


async def test_a_job_that_has_not_ended_is_erased(run: Run) -> None:
    service = await run(instead(WorkflowEngine, HeldEngine))
    api = await service.client()
    upload_id = await service.upload(api)
    source = {"source": {"type": "upload", "upload_id": upload_id}}
    job = (await api.post("/v1/jobs", json=source)).json()
    assert (await api.delete(job["links"]["self"])).status_code == 200
    assert (await api.get(job["links"]["self"])).status_code == 404
    assert await stored(service, Tenant("acme")) == []


@pytest.mark.parametrize("id", [new_id("job"), new_id("upl"), "job_1"])
async def test_what_never_was_is_not_found(api: httpx.AsyncClient, id: str) -> None:
    for answer in (
        await api.delete(f"/v1/jobs/{id}"),
        await api.post(f"/v1/jobs/{id}/retry"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_erasing_asks_for_the_right_to_write(
    service: Service, api: httpx.AsyncClient, tenant: Tenant
) -> None:
    job = await service.job(api)
    reader = await service.client(tenant, [Scope.READ])
    assert (await reader.delete(job["links"]["self"])).status_code == 403
    stranger = await service.client("stranger")
    assert (await stranger.delete(job["links"]["self"])).status_code == 404
    await api.delete(job["links"]["self"])
    assert (await stranger.delete(job["links"]["self"])).status_code == 404


async def test_the_audit_log_says_who_erased_what(
    service: Service, api: httpx.AsyncClient
) -> None:
    jobs = [await service.job(api) for _ in range(3)]
    for job in jobs:
        await api.delete(job["links"]["self"])
    first = (await api.get("/v1/audit", params={"limit": 2})).json()
    assert [entry["target"] for entry in first["items"]] == [
        jobs[2]["id"],
        jobs[1]["id"],
    ]
    (entry, _) = first["items"]
    assert entry["id"].startswith("aud_")
    assert entry["actor"].startswith("key_")
    assert (entry["action"], entry["details"]) == ("job.erased", {})
    cursor = first["next_cursor"]
    rest = (await api.get("/v1/audit", params={"limit": 2, "cursor": cursor})).json()
    assert rest["items"][0]["target"] == jobs[0]["id"]


async def test_the_audit_log_is_for_admins(service: Service, tenant: Tenant) -> None:
    writer = await service.client(tenant, [Scope.READ, Scope.WRITE])
    assert (await writer.get("/v1/audit")).status_code == 403


async def test_usage_is_counted_by_day(
    service: Service, api: httpx.AsyncClient
) -> None:
    await service.job(api)
    erased = await service.job(api)
    await api.delete(erased["links"]["self"])
    await service.job(api, b"no photo")
    (today,) = (await api.get("/v1/usage")).json()["items"]
    day = datetime.fromisoformat(erased["created_at"]).date()
    assert today == {
        "day": day.isoformat(),
        "jobs": 3,
        "bytes": 2 * len(JPEG) + len(b"no photo"),
        "succeeded": 2,
        "failed": 1,
        "cancelled": 0,
    }
    span = {"from": day.isoformat(), "to": day.isoformat()}
    assert (await api.get("/v1/usage", params=span)).json()["items"] == [today]
    before = (day - timedelta(days=1)).isoformat()
    assert (await api.get("/v1/usage", params={"to": before})).json() == {"items": []}


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"from": "yesterday"}, "/from"),
        ({"to": "2026-02-30"}, "/to"),
        ({"from": "2026-01-02", "to": "2026-01-01"}, "/from"),
        ({"from": "2025-01-01", "to": "2026-01-02"}, "/from"),
        ({"first": "2026-01-01"}, "/first"),
    ],
)
async def test_a_span_of_days_that_makes_no_sense_is_refused(
    api: httpx.AsyncClient, query: dict[str, str], pointer: str
) -> None:
    answer = await api.get("/v1/usage", params=query)
    assert answer.status_code in {400, 422}
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_a_year_and_a_day_is_shown(api: httpx.AsyncClient) -> None:
    span = {"from": "2024-01-01", "to": "2024-12-31"}
    assert (await api.get("/v1/usage", params=span)).json() == {"items": []}
    first = {"to": "0001-01-02"}
    assert (await api.get("/v1/usage", params=first)).status_code == 200


async def test_beyond_the_quota_jobs_wait_for_tomorrow(run: Run) -> None:
    service = await run(instead(DailyQuota, lambda: DailyQuota(jobs=2)))
    api = await service.client()
    jobs = [await service.job(api) for _ in range(2)]
    upload_id = await service.upload(api)
    source = {"source": {"type": "upload", "upload_id": upload_id}}
    refused = [
        await api.post("/v1/jobs", json=source),
        await api.post(f"{jobs[0]['links']['self']}/retry"),
        await api.post(
            "/v1/read", content=JPEG, headers={"Content-Type": "image/jpeg"}
        ),
    ]
    for answer in refused:
        assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
        assert 0 < int(answer.headers["Retry-After"]) <= 86_400
        assert "2 jobs" in answer.json()["detail"]
    assert (await api.get(jobs[0]["links"]["self"])).status_code == 200
    await api.delete(jobs[0]["links"]["self"])
    assert (await api.post("/v1/jobs", json=source)).status_code == 429
    other = await service.client("other")
    await service.job(other)
