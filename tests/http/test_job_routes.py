import asyncio
from datetime import datetime
from hashlib import sha256

import httpx
import pytest

from photo.application.ports import ImageNormalizer, WorkflowEngine
from photo.domain.errors import CorruptImage, Unavailable
from photo.domain.job import JobId
from tests.http.conftest import Run
from tests.http.service import JPEG, Service
from tests.http.stand_ins import FailingNormalizer, HeldEngine, instead


async def test_a_job_is_accepted_with_its_place(
    service: Service, api: httpx.AsyncClient
) -> None:
    upload_id = await service.upload(api)
    source = {"type": "upload", "upload_id": upload_id}
    answer = await api.post(
        "/v1/jobs", json={"source": source, "metadata": {"order.id": "a b"}}
    )
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["Location"] == f"/v1/jobs/{job['id']}"
    assert job["status"] == "queued"
    assert job["source"] == source
    assert job["metadata"] == {"order.id": "a b"}
    unknown = {
        "step": None,
        "photo": None,
        "text_preview": None,
        "error": None,
        "started_at": None,
        "finished_at": None,
    }
    assert unknown.items() <= job.items()


async def test_a_job_that_succeeded_tells_all_that_is_known(
    service: Service, api: httpx.AsyncClient
) -> None:
    job = await service.job(api)
    assert job["status"] == "succeeded"
    assert job["photo"] == {
        "content_type": "image/jpeg",
        "size_bytes": len(JPEG),
        "sha256": sha256(JPEG).hexdigest(),
        "width": 100,
        "height": 100,
    }
    assert job["text_preview"] == "Hello photo"
    assert job["error"] is None
    steps = ["verify", "scan", "normalize", "recognize", "publish"]
    assert [*job["timings_ms"]] == steps
    assert all(isinstance(spent, int) for spent in job["timings_ms"].values())
    times = [job["created_at"], job["started_at"], job["finished_at"]]
    assert all(time.endswith("Z") for time in times)
    assert [datetime.fromisoformat(time) for time in times] == sorted(
        datetime.fromisoformat(time) for time in times
    )
    path = f"/v1/jobs/{job['id']}"
    assert job["links"] == {
        "self": path,
        "events": f"{path}/events",
        "result": f"{path}/result",
        "files": f"{path}/files",
    }


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (CorruptImage("The photo ends too early."), False),
        (Unavailable("The recogniser is away."), True),
    ],
)
async def test_a_job_that_failed_tells_why(
    run: Run, error: Exception, retryable: bool
) -> None:
    service = await run(instead(ImageNormalizer, lambda: FailingNormalizer(error)))
    job = await service.job(await service.client())
    assert job["status"] == "failed"
    assert job["error"]["detail"] == str(error)
    assert job["error"]["retryable"] is retryable


async def test_waiting_ends_with_the_job(run: Run) -> None:
    service = await run(instead(WorkflowEngine, HeldEngine))
    api = await service.client()
    job_id = await _queued(service, api)
    engine = await service.container.get(WorkflowEngine)
    assert isinstance(engine, HeldEngine)

    waiting = asyncio.create_task(api.get(f"/v1/jobs/{job_id}", params={"wait": 60}))
    await engine.release(job_id)
    async with asyncio.timeout(60):
        answer = await waiting
    assert answer.json()["status"] == "succeeded"


async def test_waiting_ends_with_the_time(run: Run) -> None:
    service = await run(instead(WorkflowEngine, HeldEngine))
    api = await service.client()
    job_id = await _queued(service, api)
    async with asyncio.timeout(60):
        answer = await api.get(f"/v1/jobs/{job_id}", params={"wait": 1})
    assert answer.status_code == 200
    assert answer.json()["status"] == "queued"


async def test_cancelling_ends_the_job(run: Run) -> None:
    service = await run(instead(WorkflowEngine, HeldEngine))
    api = await service.client()
    path = f"/v1/jobs/{await _queued(service, api)}"
    answer = await api.post(f"{path}/cancel")
    assert answer.status_code == 202
    assert answer.json()["status"] == "cancelled"
    assert (await api.get(path)).json()["error"]["code"] == "cancelled"

    again = await api.post(f"{path}/cancel")
    assert again.status_code == 409
    assert again.json()["code"] == "job_finished"


async def _queued(service: Service, api: httpx.AsyncClient) -> JobId:
    source = {"type": "upload", "upload_id": await service.upload(api)}
    answer = await api.post("/v1/jobs", json={"source": source})
    return JobId(answer.json()["id"])
