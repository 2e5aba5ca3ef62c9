import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import httpx
import pytest

from photo.application.admission import (
    _MOST_WAITING,
    _PLACES,
    AdmitJob,
    MaxUnfinished,
)
from photo.application.ports import Stopwatch, WorkflowEngine
from photo.domain.job import JobId
from tests.http.conftest import Run
from tests.http.service import Service
from tests.http.stand_ins import HeldEngine, instead
from tests.makers import SteppableStopwatch, photo_bytes

A_SECOND = timedelta(seconds=1)
A_JOB = {"source": {"type": "url", "url": "https://example.com/photo.jpg"}}
JPEG = {"Content-Type": "image/jpeg"}


class Crowd:
    """A service that has one job more than it takes on."""

    def __init__(self, service: Service, stopwatch: SteppableStopwatch) -> None:
        self.service = service
        self.stopwatch = stopwatch
        self.jobs: list[dict[str, Any]] = []

    async def submit(self, api: httpx.AsyncClient) -> httpx.Response:
        self.stopwatch.step(A_SECOND)
        return await api.post("/v1/jobs", json=A_JOB)


@pytest.fixture
async def crowd(run: Run) -> Crowd:
    stopwatch = SteppableStopwatch()
    service = await run(
        instead(WorkflowEngine, HeldEngine),
        instead(MaxUnfinished, lambda: MaxUnfinished(2)),
        instead(Stopwatch, lambda: stopwatch),
    )
    crowd = Crowd(service, stopwatch)
    api = await service.client("somebody-else")
    for _ in range(3):
        accepted = await crowd.submit(api)
        assert accepted.status_code == 202
        crowd.jobs.append(accepted.json())
    stopwatch.step(A_SECOND)
    return crowd


class Unread(AsyncIterator[bytes]):
    async def __anext__(self) -> bytes:
        pytest.fail("The body was read.")


async def test_new_jobs_are_refused_and_told_when_to_come_back(crowd: Crowd) -> None:
    answer = await crowd.submit(await crowd.service.client())
    problem = answer.json()
    assert answer.status_code == 503
    assert (problem["code"], problem["retryable"]) == ("overloaded", True)
    assert answer.headers["Retry-After"] == "60"


async def test_a_photo_that_has_arrived_is_refused_and_waits(crowd: Crowd) -> None:
    api = await crowd.service.client("somebody-else")
    upload_id = await crowd.service.upload(api)
    job = {"source": {"type": "upload", "upload_id": upload_id}}
    assert (await api.post("/v1/jobs", json=job)).status_code == 503
    await api.post(f"/v1/jobs/{crowd.jobs[0]['id']}/cancel")
    crowd.stopwatch.step(A_SECOND)
    assert (await api.post("/v1/jobs", json=job)).status_code == 202


async def test_a_photo_is_refused_before_it_is_read(crowd: Crowd) -> None:
    api = await crowd.service.client()
    answer = await api.post("/v1/read", content=Unread(), headers=JPEG)
    assert answer.status_code == 503
    assert answer.json()["code"] == "overloaded"


async def test_what_makes_no_job_goes_on(crowd: Crowd) -> None:
    api = await crowd.service.client("somebody-else")
    assert (await api.get("/v1/jobs")).status_code == 200
    assert (await api.get(crowd.jobs[0]["links"]["self"])).status_code == 200
    upload = await api.post("/v1/uploads", json={"content_type": "image/jpeg"})
    assert upload.status_code == 201


async def test_jobs_are_taken_again_when_some_have_ended(crowd: Crowd) -> None:
    api = await crowd.service.client("somebody-else")
    job_id = JobId(crowd.jobs[0]["id"])
    assert (await api.post(f"/v1/jobs/{job_id}/cancel")).status_code == 202
    assert (await crowd.submit(api)).status_code == 202
    answer = await crowd.submit(api)
    assert answer.status_code == 503
    # One has ended in two minutes, and two should.
    assert answer.headers["Retry-After"] == "240"


@pytest.fixture
async def busy(run: Run) -> AsyncIterator[Service]:
    """A service where as many jobs are coming in as may at once, and wait for that."""
    service = await run()
    admit = await service.container.get(AdmitJob)

    async def take_one() -> None:
        async with admit.place():
            pass

    async with AsyncExitStack() as places:
        for _ in range(_PLACES):
            await places.enter_async_context(admit.place())
        waiting = [asyncio.create_task(take_one()) for _ in range(_MOST_WAITING)]
        await asyncio.sleep(0)
        yield service
    await asyncio.wait(waiting)


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/jobs/any/retry", "/v1/read"])
async def test_what_would_make_a_job_is_refused_unread_while_too_many_come_in(
    busy: Service, path: str
) -> None:
    api = await busy.client()
    answer = await api.post(path, content=Unread(), headers=JPEG)
    assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
    assert answer.headers["Retry-After"] == "1"


async def test_the_others_do_not_notice_how_many_jobs_come_in(busy: Service) -> None:
    api = await busy.client()
    assert (await api.get("/v1/jobs")).status_code == 200
    upload = await api.post("/v1/uploads", json={"content_type": "image/jpeg"})
    assert upload.status_code == 201


async def test_a_photo_takes_no_place_while_it_is_being_sent(run: Run) -> None:
    service = await run(instead(WorkflowEngine, HeldEngine))
    admit, api = await service.container.get(AdmitJob), await service.client()

    async def photo() -> AsyncIterator[bytes]:
        async with AsyncExitStack() as places:
            for _ in range(_PLACES):
                await places.enter_async_context(admit.place())
            yield photo_bytes()

    answer = await api.post(
        "/v1/read", content=photo(), params={"wait": 0}, headers=JPEG
    )
    assert answer.status_code == 202
    admit.refuse_if_busy()
