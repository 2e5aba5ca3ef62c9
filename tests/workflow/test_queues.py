"""What waits long for others keeps nobody else waiting."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import timedelta

from dishka import Provider, Scope
from structlog.typing import EventDict
from temporalio.client import Client

from photo.adapters.memory import MemoryPhotoFetcher, MemoryScanner
from photo.adapters.temporal.worker import FETCHES, LIGHT_STEPS, SCANS
from photo.application.draining import Draining
from photo.application.ports import PhotoFetcher, Scanner
from photo.domain.job import JobId, Status
from photo.entrypoints.worker import work
from tests.workflow.stage import Stage

URL = "https://example.com/photo.jpg"


class Queue:
    """Lets nobody go, and tells when so many wait at once."""

    def __init__(self, length: int) -> None:
        self.full = asyncio.Barrier(length + 1)

    async def stand(self) -> None:
        await self.full.wait()
        await asyncio.Event().wait()


class SilentServer(MemoryPhotoFetcher):
    def __init__(self, queue: Queue) -> None:
        super().__init__({})
        self._queue = queue

    async def fetch(self, url: str, *, max_bytes: int) -> AsyncGenerator[bytes, None]:
        await self._queue.stand()
        yield b""


class SilentScanner(MemoryScanner):
    def __init__(self, queue: Queue) -> None:
        super().__init__()
        self._queue = queue

    async def scan(self, chunks: AsyncIterator[bytes]) -> str | None:
        await self._queue.stand()
        return None


def stage_with(client: Client, part: object, port: object) -> Stage:
    provider = Provider(scope=Scope.APP)
    provider.provide(lambda: part, provides=port)
    return Stage(client, None, provider)


async def cancelled(stage: Stage, job_ids: Sequence[JobId]) -> None:
    """Cancel jobs, and return when their workflows have ended."""
    for job_id in job_ids:
        await stage.cancel(job_id)
    endings = [stage.workflow(job_id).result() for job_id in job_ids]
    await asyncio.gather(*endings, return_exceptions=True)
    jobs = [await stage.job(job_id) for job_id in job_ids]
    assert {job.status for job in jobs} == {Status.CANCELLED}


async def test_photos_are_read_while_every_fetch_waits_for_a_silent_server(
    client: Client,
) -> None:
    queue = Queue(FETCHES)
    stage = stage_with(client, SilentServer(queue), PhotoFetcher)
    async with await stage.working(), asyncio.timeout(180):
        waiting = [await stage.submit_url(URL) for _ in range(FETCHES + 5)]
        await queue.full.wait()
        job = await stage.ended(await stage.submit())
        await cancelled(stage, waiting)
    assert job.status is Status.SUCCEEDED


async def test_jobs_end_while_every_scan_waits_for_a_silent_scanner(
    client: Client,
) -> None:
    queue = Queue(SCANS)
    stage = stage_with(client, SilentScanner(queue), Scanner | None)
    async with await stage.working(), asyncio.timeout(180):
        waiting = [await stage.submit() for _ in range(SCANS + LIGHT_STEPS)]
        await queue.full.wait()
        job = await stage.ended(await stage.submit_url(URL))
        await cancelled(stage, waiting)
    assert job.error
    assert job.error.code == "url_unreachable"


async def test_only_scans_wait_until_the_scanner_is_known_to_see(
    client: Client,
) -> None:
    stage, seen, draining = Stage(client), asyncio.Event(), Draining()

    async def probe() -> Sequence[str]:
        await seen.wait()
        return ()

    async with asyncio.timeout(180):
        working = asyncio.create_task(work(await stage.workers(), probe, draining))
        job_id = await stage.submit()
        nowhere = await stage.ended(await stage.submit_url(URL))
        assert nowhere.status is Status.FAILED
        assert (await stage.job(job_id)).status is Status.QUEUED
        seen.set()
        assert (await stage.ended(job_id)).status is Status.SUCCEEDED
        draining.begin()
        assert await working == ()


async def test_a_worker_ends_when_the_scanner_is_found_blind(
    client: Client, logs: list[EventDict]
) -> None:
    stage = Stage(client)

    async def probe() -> Sequence[str]:
        return ["What is encrypted passes."]

    job_id = await stage.submit()
    async with asyncio.timeout(180):
        faults = await work(await stage.workers(), probe, Draining())
    assert faults == ["What is encrypted passes."]
    blind = [log["faults"] for log in logs if log["event"] == "scanner_is_blind"]
    assert blind == [faults]
    assert (await stage.job(job_id)).status is Status.QUEUED
    await stage.workflow(job_id).terminate()


async def test_every_step_hears_of_its_cancellation_within_a_second(
    client: Client,
) -> None:
    """With the answer to a heartbeat: Temporal's workers save most of them."""
    for worker in await Stage(client).workers():
        config = worker.config()
        assert config["max_heartbeat_throttle_interval"] == timedelta(seconds=1)
        assert config["default_heartbeat_throttle_interval"] == timedelta(seconds=1)


async def test_a_worker_stops_while_the_scanner_is_away(client: Client) -> None:
    stage, draining = Stage(client), Draining()

    async def probe() -> Sequence[str]:
        draining.begin()
        await asyncio.Event().wait()
        raise AssertionError

    async with asyncio.timeout(180):
        assert await work(await stage.workers(), probe, draining) == ()
