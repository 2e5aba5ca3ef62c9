"""A POST that is sent again does nothing again, and is answered the same."""

import asyncio
from uuid import uuid4

import httpx
import pytest

from photo.domain.access import Scope, Tenant
from tests.http.service import JPEG, Service
from tests.makers import photo_bytes

UPLOAD = {"content_type": "image/jpeg"}


def under(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


@pytest.fixture
def key() -> dict[str, str]:
    return under(uuid4().hex)


async def test_the_same_request_gets_the_same_answer(
    api: httpx.AsyncClient, key: dict[str, str]
) -> None:
    first = await api.post("/v1/uploads", json=UPLOAD, headers=key)
    again = await api.post("/v1/uploads", json=UPLOAD, headers=key)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Content-Type"] == first.headers["Content-Type"]


async def test_without_a_key_every_request_is_new(api: httpx.AsyncClient) -> None:
    first, second = [await api.post("/v1/uploads", json=UPLOAD) for _ in "ab"]
    assert first.json()["id"] != second.json()["id"]


async def test_of_fifty_equal_requests_one_makes_a_job(
    service: Service, api: httpx.AsyncClient, key: dict[str, str]
) -> None:
    source = {"type": "upload", "upload_id": await service.upload(api)}
    answers = await asyncio.gather(
        *(api.post("/v1/jobs", json={"source": source}, headers=key) for _ in range(50))
    )
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    listed = (await api.get("/v1/jobs")).json()["items"]
    assert [job["id"] for job in listed] == [answers[0].json()["id"]]


async def test_the_first_answer_is_given_again_whatever_became_of_the_job(
    service: Service, api: httpx.AsyncClient, key: dict[str, str]
) -> None:
    body = {"source": {"type": "upload", "upload_id": await service.upload(api)}}
    first = await api.post("/v1/jobs", json=body, headers=key)
    await api.get(first.headers["Location"], params={"wait": 10})
    again = await api.post("/v1/jobs", json=body, headers=key)
    assert again.json() == first.json()
    assert again.json()["status"] == "queued"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/uploads", {"content_type": "image/png"}),
        ("/v1/jobs", UPLOAD),
    ],
)
async def test_another_request_with_the_same_key_is_refused(
    api: httpx.AsyncClient, key: dict[str, str], path: str, body: dict[str, str]
) -> None:
    await api.post("/v1/uploads", json=UPLOAD, headers=key)
    refused = await api.post(path, json=body, headers=key)
    assert refused.status_code == 422
    if path == "/v1/uploads":
        assert refused.json()["code"] == "idempotency_mismatch"


async def test_a_refused_request_may_be_mended_under_its_key(
    service: Service, api: httpx.AsyncClient, key: dict[str, str]
) -> None:
    grant = (await api.post("/v1/uploads", json=UPLOAD)).json()
    body = {"source": {"type": "upload", "upload_id": grant["id"]}}
    early = await api.post("/v1/jobs", json=body, headers=key)
    assert early.json()["code"] == "upload_missing"
    body["source"]["upload_id"] = await service.upload(api)
    assert (await api.post("/v1/jobs", json=body, headers=key)).status_code == 202


async def test_tenants_do_not_meet_in_their_keys(
    service: Service, api: httpx.AsyncClient, key: dict[str, str]
) -> None:
    mine = await api.post("/v1/uploads", json=UPLOAD, headers=key)
    other = await service.client("somebody-else")
    theirs = await other.post("/v1/uploads", json=UPLOAD, headers=key)
    assert theirs.json()["id"] != mine.json()["id"]


@pytest.mark.parametrize("bad", ["", " ", "a b", "x" * 256, "é", '"', '"a'])
async def test_what_is_no_key_is_refused(api: httpx.AsyncClient, bad: str) -> None:
    headers = {b"Idempotency-Key": bad.encode("latin-1")}
    refused = await api.post("/v1/uploads", json=UPLOAD, headers=headers)
    assert refused.status_code == 422
    assert refused.json()["code"] == "validation_failed"
    assert refused.json()["errors"][0]["pointer"] == "/Idempotency-Key"
    assert "Idempotency-Key" in refused.json()["detail"]


async def test_two_keys_are_one_too_many(api: httpx.AsyncClient) -> None:
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    refused = await api.post("/v1/uploads", json=UPLOAD, headers=headers)
    assert refused.status_code == 422


async def test_a_key_may_be_quoted_as_the_draft_has_it(api: httpx.AsyncClient) -> None:
    key = uuid4().hex
    first = await api.post("/v1/uploads", json=UPLOAD, headers=under(f'"{key}"'))
    again = await api.post("/v1/uploads", json=UPLOAD, headers=under(key))
    assert first.json() == again.json()


async def test_a_photo_that_is_sent_again_is_read_once(
    api: httpx.AsyncClient, key: dict[str, str]
) -> None:
    headers = {**key, "Content-Type": "image/jpeg"}
    first, again = [
        await api.post("/v1/read", content=JPEG, headers=headers) for _ in "ab"
    ]
    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len((await api.get("/v1/jobs")).json()["items"]) == 1


async def test_another_photo_under_the_same_key_is_refused(
    api: httpx.AsyncClient, key: dict[str, str]
) -> None:
    headers = {**key, "Content-Type": "image/jpeg"}
    await api.post("/v1/read", content=JPEG, headers=headers)
    other = photo_bytes() + b"another"
    refused = await api.post("/v1/read", content=other, headers=headers)
    assert refused.json()["code"] == "idempotency_mismatch"


async def test_every_post_says_that_it_takes_a_key(service: Service) -> None:
    paths = service.app.openapi_schema.to_schema()["paths"]
    for path, operations in paths.items():
        if post := operations.get("post"):
            names = [each["name"] for each in post.get("parameters", [])]
            assert "Idempotency-Key" in names, path
            assert {"409", "422"} <= post["responses"].keys(), path


async def test_an_answer_is_not_given_to_a_credential_that_may_do_less(
    service: Service, tenant: Tenant, key: dict[str, str]
) -> None:
    everything = await service.client(tenant)
    admin = await service.client(tenant, [Scope.ADMIN])
    body = {"name": "reader", "scopes": ["photos:read"]}
    made = await everything.post("/v1/keys", json=body, headers=key)
    assert made.status_code == 201
    refused = await admin.post("/v1/keys", json=body, headers=key)
    assert refused.json()["code"] == "idempotency_mismatch"
