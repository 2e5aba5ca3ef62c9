from datetime import UTC, datetime, timedelta

import httpx

from photo.application.ports import Clock
from tests.http.conftest import Run
from tests.http.service import Service
from tests.http.stand_ins import instead
from tests.makers import SteppableClock


async def test_a_grant_says_how_to_send_the_photo(api: httpx.AsyncClient) -> None:
    answer = await api.post(
        "/v1/uploads",
        json={
            "content_type": "image/jpeg",
            "size_bytes": 1234,
            "sha256": "0" * 64,
            "filename": "receipt.jpg",
        },
    )
    assert answer.status_code == 201
    grant = answer.json()
    assert grant.keys() == {
        "id",
        "method",
        "url",
        "fields",
        "max_bytes",
        "expires_at",
    }
    assert grant["method"] == "POST"
    assert grant["max_bytes"] == 1234
    assert grant["fields"]["key"].endswith(grant["id"])
    assert datetime.fromisoformat(grant["expires_at"]) > datetime.now(UTC)


async def test_without_a_size_the_limit_of_the_type_holds(
    api: httpx.AsyncClient,
) -> None:
    answer = await api.post("/v1/uploads", json={"content_type": "image/tiff"})
    assert answer.json()["max_bytes"] == 50_000_000


async def test_a_checksum_may_be_written_in_capitals(api: httpx.AsyncClient) -> None:
    grant = await api.post(
        "/v1/uploads", json={"content_type": "image/jpeg", "sha256": "AB" * 32}
    )
    upload = await api.get(f"/v1/uploads/{grant.json()['id']}")
    assert upload.json()["sha256"] == "ab" * 32


async def test_a_common_alias_of_a_type_is_understood(api: httpx.AsyncClient) -> None:
    answer = await api.post("/v1/uploads", json={"content_type": "image/jpg"})
    assert answer.json()["fields"]["Content-Type"] == "image/jpeg"


async def test_an_upload_goes_from_pending_to_arrived_to_used(
    service: Service, api: httpx.AsyncClient
) -> None:
    answer = await api.post(
        "/v1/uploads", json={"content_type": "image/jpeg", "filename": "a.jpg"}
    )
    pending = (await api.get(f"/v1/uploads/{answer.json()['id']}")).json()
    assert pending["status"] == "pending"
    assert pending["filename"] == "a.jpg"
    assert pending["job_id"] is None

    arrived = await service.upload(api)
    assert (await api.get(f"/v1/uploads/{arrived}")).json()["status"] == "arrived"

    job = await service.job(api)
    used = (await api.get(f"/v1/uploads/{job['source']['upload_id']}")).json()
    assert used["status"] == "used"
    assert used["job_id"] == job["id"]


async def test_an_upload_never_sent_expires(run: Run) -> None:
    now = SteppableClock()
    service = await run(instead(Clock, lambda: now))
    api = await service.client()
    answer = await api.post("/v1/uploads", json={"content_type": "image/jpeg"})
    now.step(timedelta(hours=1))
    upload = (await api.get(f"/v1/uploads/{answer.json()['id']}")).json()
    assert upload["status"] == "expired"
