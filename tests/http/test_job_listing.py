from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from photo.application.ports import JobRepository, UploadRepository
from photo.domain.access import Tenant
from photo.domain.job import Job, Status
from tests.http.service import Service
from tests.makers import NOW, a_job, an_upload

Store = Callable[..., Awaitable[Job]]


@pytest.fixture
async def store(service: Service, tenant: Tenant) -> Store:
    """Have the client's tenant own a job."""
    uploads = await service.container.get(UploadRepository)
    jobs = await service.container.get(JobRepository)

    async def store(
        *,
        owner: Tenant = tenant,
        status: Status = Status.QUEUED,
        metadata: Mapping[str, str] | None = None,
        now: datetime = NOW,
    ) -> Job:
        upload = an_upload(tenant=owner)
        await uploads.add(upload)
        job = replace(a_job(upload, now=now, metadata=metadata), status=status)
        await jobs.add(job)
        return job

    return store


async def _ids(api: httpx.AsyncClient, query: Mapping[str, Any]) -> list[str]:
    answer = (await api.get("/v1/jobs", params=query)).raise_for_status()
    return [job["id"] for job in answer.json()["items"]]


async def test_without_jobs_the_list_is_empty(api: httpx.AsyncClient) -> None:
    answer = await api.get("/v1/jobs")
    assert answer.json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("limit", [1, 7, 20, 21, 200])
async def test_the_pages_are_all_jobs_newest_first(
    api: httpx.AsyncClient, store: Store, limit: int
) -> None:
    expected = [(await store()).id for _ in range(20)][::-1]
    found: list[str] = []
    query: dict[str, Any] = {"limit": limit}
    pages = 0
    while True:
        page = (await api.get("/v1/jobs", params=query)).json()
        assert 0 < len(page["items"]) <= limit
        found += [job["id"] for job in page["items"]]
        pages += 1
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert found == expected
    assert pages == -(-20 // limit)


async def test_fifty_jobs_are_a_page(api: httpx.AsyncClient, store: Store) -> None:
    for _ in range(51):
        await store()
    assert len(await _ids(api, {})) == 50


async def test_a_job_that_comes_between_two_pages_moves_nothing(
    api: httpx.AsyncClient, store: Store
) -> None:
    expected = [(await store()).id for _ in range(4)][::-1]
    first = (await api.get("/v1/jobs", params={"limit": 2})).json()
    await store()
    rest = await _ids(api, {"cursor": first["next_cursor"]})
    assert [job["id"] for job in first["items"]] + rest == expected


async def test_the_jobs_of_others_are_not_listed(
    api: httpx.AsyncClient, store: Store
) -> None:
    await store(owner=Tenant("somebody else"))
    assert await _ids(api, {}) == []


async def test_jobs_are_found_by_status(api: httpx.AsyncClient, store: Store) -> None:
    await store()
    running = await store(status=Status.RUNNING)
    assert await _ids(api, {"status": "running"}) == [running.id]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"created_after": "2026-01-02T03:04:05Z"}, ["late"]),
        ({"created_after": "2026-01-02T03:04:04.5Z"}, ["late", "early"]),
        ({"created_before": "2026-01-02T04:04:06+01:00"}, ["early"]),
        (
            {
                "created_after": "2026-01-02T03:04:05Z",
                "created_before": "2026-01-02T03:04:06Z",
            },
            [],
        ),
    ],
)
async def test_jobs_are_found_by_time(
    api: httpx.AsyncClient,
    store: Store,
    query: Mapping[str, str],
    expected: list[str],
) -> None:
    early = await store()
    late = await store(now=NOW + timedelta(minutes=1))
    names: dict[str, str] = {early.id: "early", late.id: "late"}
    assert [names[job_id] for job_id in await _ids(api, query)] == expected


async def test_jobs_are_found_by_metadata(api: httpx.AsyncClient, store: Store) -> None:
    await store()
    await store(metadata={"order": "7"})
    wanted = await store(metadata={"order": "7", "shop.id": "Köln 1"})
    query = {"metadata.order": "7", "metadata.shop.id": "Köln 1"}
    assert await _ids(api, query) == [wanted.id]


async def test_filters_hold_on_every_page(api: httpx.AsyncClient, store: Store) -> None:
    wanted = []
    for _ in range(3):
        wanted.append(await store(metadata={"order": "7"}))
        await store()
    query: dict[str, Any] = {"metadata.order": "7", "limit": 2}
    page = (await api.get("/v1/jobs", params=query)).json()
    rest = await _ids(api, query | {"cursor": page["next_cursor"]})
    found = [job["id"] for job in page["items"]] + rest
    assert found == [job.id for job in wanted][::-1]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"limit": "0"}, "/limit"),
        ({"limit": "201"}, "/limit"),
        ({"limit": "many"}, "/limit"),
        ({"cursor": "nonsense"}, "/cursor"),
        ({"cursor": ""}, "/cursor"),
        ({"cursor": "am9iXzA"}, "/cursor"),
        ({"cursor": "%00é"}, "/cursor"),
        ({"status": "done"}, "/status"),
        ({"created_after": "yesterday"}, "/created_after"),
        ({"created_after": "2026"}, "/created_after"),
        ({"created_after": "2026-01-02T03:04:05"}, "/created_after"),
        ({"created_before": "0001-01-01T00:00:00+14:00"}, "/created_before"),
        ({"metadata.": "7"}, "/metadata"),
        ({"metadata.a b": "7"}, "/metadata"),
        ({"metadata.order": "\0"}, "/metadata"),
        ({"statsu": "queued"}, "/statsu"),
    ],
)
async def test_what_is_no_query_is_refused_by_name(
    api: httpx.AsyncClient, query: Mapping[str, str], pointer: str
) -> None:
    answer = await api.get("/v1/jobs", params=query)
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["code"] == "validation_failed"
    assert [fault["pointer"] for fault in problem["errors"]] == [pointer]


async def test_the_values_that_a_filter_takes_are_named(
    api: httpx.AsyncClient,
) -> None:
    answer = await api.get("/v1/jobs", params={"status": "done"})
    assert answer.json()["detail"] == (
        "status: 'done' is not one of queued, running, succeeded, failed, cancelled."
    )


async def test_every_bad_parameter_is_named_at_once(api: httpx.AsyncClient) -> None:
    answer = await api.get("/v1/jobs", params={"limit": "0", "status": "done"})
    pointers = {fault["pointer"] for fault in answer.json()["errors"]}
    assert pointers == {"/limit", "/status"}
