"""What a real worker tells those who probe it on its METRICS_PORT."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from drill.shapes import Deed
from photo.entrypoints.local.ports import choose_ports
from photo.entrypoints.scraped import parsed
from tests.e2e.apart import apart
from tests.e2e.conftest import create_key
from tests.e2e.processes import READY_SECONDS, Running, running
from tests.faults import in_front_of
from tests.hostile_server import Visit, serving
from tests.services import Servers

FAILED = "photo_http_requests_total"


class Probed:
    def __init__(self, worker: Running, client: httpx.AsyncClient) -> None:
        self.worker = worker
        self._client = client

    async def get(self, path: str) -> httpx.Response:
        return await self._client.get(path)

    async def until_it_is(self, status: str) -> Any:
        """What /readyz says by then."""
        async with asyncio.timeout(READY_SECONDS):
            while True:
                self.worker.must_run()
                await asyncio.sleep(0.1)
                try:
                    answer = await self.get("/readyz")
                except httpx.TransportError:
                    continue  # it does not listen yet
                if answer.json()["status"] == status:
                    assert (answer.status_code == 200) == (status == "ok")
                    return answer.json()


@asynccontextmanager
async def a_worker(
    env: Mapping[str, str], folder: Path, **settings: str
) -> AsyncIterator[Probed]:
    port = str(choose_ports(["metrics"])["metrics"])
    env = {**env, "METRICS_PORT": port, **settings}
    async with (
        running("worker", env, folder / "worker.log") as worker,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        yield Probed(worker, client)


@pytest.fixture
async def env(servers: Servers, tmp_path: Path) -> AsyncIterator[Mapping[str, str]]:
    async with apart(servers, tmp_path, PATH=os.environ["PATH"]) as env:
        yield env


async def test_a_worker_is_ready_while_it_can_work(
    env: Mapping[str, str], tmp_path: Path
) -> None:
    async with (
        in_front_of(env["TEMPORAL_TARGET"]) as temporal,
        a_worker(env, tmp_path, TEMPORAL_TARGET=f"127.0.0.1:{temporal.port}") as worker,
    ):
        checks = (await worker.until_it_is("ok"))["checks"]
        assert checks["polling"]["status"] == "ok"
        told = parsed((await worker.get("/metrics")).text)
        names = {name for name, _ in told}
        assert {"photo_build_info", "temporal_worker_task_slots_available"} <= names

        await temporal.set(Deed.CUT)
        checks = (await worker.until_it_is("failing"))["checks"]
        assert checks["workflows"]["status"] == "failing"
        assert checks["database"]["status"] == "ok"
        assert (await worker.get("/healthz")).json()["status"] == "ok"

        await temporal.set(None)
        await worker.until_it_is("ok")


async def test_a_worker_that_drains_is_alive_and_not_ready(
    env: Mapping[str, str], tmp_path: Path
) -> None:
    asked, drained = asyncio.Event(), asyncio.Event()

    async def hold(visit: Visit) -> None:
        asked.set()
        await drained.wait()
        await visit.say(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    async with (
        serving(hold) as web,
        running("api", env, tmp_path / "api.log") as api,
        a_worker(env, tmp_path) as worker,
        httpx.AsyncClient(base_url=api.url, timeout=90) as client,
    ):
        await api.until_ready()
        counts = (await client.get("/metrics")).text
        assert f'{FAILED}{{method="POST",route="/v1/jobs",status="503"}} 0.0' in counts
        await worker.until_it_is("ok")
        client.headers["Authorization"] = f"Bearer {create_key(env)}"
        source = {"type": "url", "url": f"{web.url}a.jpg"}
        (await client.post("/v1/jobs", json={"source": source})).raise_for_status()
        await asked.wait()

        worker.worker.process.send_signal(signal.SIGTERM)
        await worker.until_it_is("draining")
        assert (await worker.get("/healthz")).status_code == 200
        drained.set()
        assert await worker.worker.process.wait() == 0
