"""Processes that start while everything they need is away."""

import asyncio
import os
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from alembic import command
from sqlalchemy import make_url

from drill.proxy import FaultProxy
from drill.shapes import Deed
from photo.adapters.postgres.migrate import config, migrate, on_connection
from photo.entrypoints.local.ports import choose_ports
from photo.entrypoints.local.service import furnish, service_variables
from tests.e2e.conftest import PHOTO
from tests.e2e.patient import PatientTransport
from tests.faults import in_front_of
from tests.scanning import Clamd
from tests.services import Servers, fresh_database
from tests.valkey import Valkey

READY_SECONDS = 240


class Deployment:
    """An API and a worker, and a proxy before each of their dependencies."""

    def __init__(self, env: Mapping[str, str], folder: Path) -> None:
        self.env = env
        self.folder = folder
        self.proxies: list[FaultProxy] = []
        self.processes: dict[str, Process] = {}
        self.url = f"http://127.0.0.1:{env['PORT']}"

    async def start(self, name: str, env: Mapping[str, str]) -> None:
        with self.log(name).open("wb") as log:
            self.processes[name] = await asyncio.create_subprocess_exec(
                PHOTO, name, env=env, stdout=log, stderr=log
            )

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    async def says(self, name: str, *words: str) -> None:
        async with asyncio.timeout(READY_SECONDS):
            while not all(word in self.log(name).read_text() for word in words):
                self.must_run()
                await asyncio.sleep(0.05)

    def must_run(self) -> None:
        for name, process in self.processes.items():
            assert process.returncode is None, self.log(name).read_text()

    async def set(self, deed: Deed | None) -> None:
        for proxy in self.proxies:
            await proxy.set(deed)

    async def answers(self, path: str, status: int) -> httpx.Response:
        """Ask until the answer is this one."""
        transport = httpx.AsyncHTTPTransport(retries=10)
        async with (
            asyncio.timeout(READY_SECONDS),
            httpx.AsyncClient(transport=transport, base_url=self.url) as client,
        ):
            while True:
                self.must_run()
                answer = await client.get(path, timeout=READY_SECONDS)
                if answer.status_code == status:
                    return answer

    async def key(self) -> str:
        """Made past the proxies."""
        create = await asyncio.create_subprocess_exec(
            PHOTO,
            *("keys", "create", "--name=start"),
            env=self.env,
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await create.communicate()
        return out.decode().strip()

    async def read(self, photo: Path) -> dict[str, Any]:
        """Its job, when that has ended."""
        headers = {
            "Authorization": f"Bearer {await self.key()}",
            "Content-Type": "image/jpeg",
        }
        async with (
            asyncio.timeout(READY_SECONDS),
            httpx.AsyncClient(
                transport=PatientTransport(),
                base_url=self.url,
                headers=headers,
                timeout=90,
            ) as client,
        ):
            answer = await client.post("/v1/read?wait=0", content=photo.read_bytes())
            job: dict[str, Any] = answer.raise_for_status().json()
            while not job["finished_at"]:
                answer = await client.get(job["links"]["self"], params={"wait": 60})
                job = answer.raise_for_status().json()
            return job


async def variables(
    servers: Servers, database_url: str, scratch: Path
) -> dict[str, str]:
    port = choose_ports(["api"])["api"]
    await furnish(servers, port)
    inherited = {
        name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ
    }
    return {
        **inherited,
        **service_variables(servers, port),
        "DATABASE_URL": database_url,
        "TEMPORAL_TASK_QUEUE": "late",
        "ENVIRONMENT": "staging",
        "TMPDIR": str(scratch),
    }


@asynccontextmanager
async def ended(deployment: Deployment) -> AsyncIterator[Deployment]:
    try:
        yield deployment
    finally:
        for process in deployment.processes.values():
            process.terminate()
        for process in deployment.processes.values():
            await asyncio.wait_for(process.wait(), 60)


@pytest.fixture
async def deployment(
    servers: Servers, any_clamd: Clamd | None, valkey: Valkey, tmp_path: Path
) -> AsyncIterator[Deployment]:
    async with AsyncExitStack() as stack:
        database_url = await stack.enter_async_context(fresh_database(servers))
        await migrate(database_url)
        direct = await variables(servers, database_url, tmp_path / "scratch")
        deployment = await stack.enter_async_context(
            ended(Deployment(direct, tmp_path))
        )

        async def through(address: str) -> str:
            proxy = await stack.enter_async_context(in_front_of(address))
            await proxy.set(Deed.CUT)
            deployment.proxies.append(proxy)
            return f"127.0.0.1:{proxy.port}"

        _, _, port_of_database = (await through(database_url)).partition(":")
        database = make_url(database_url).set(port=int(port_of_database))
        late = {
            **direct,
            "DATABASE_URL": database.render_as_string(hide_password=False),
            "AWS_ENDPOINT_URL_S3": f"http://{await through(servers.s3.endpoint)}",
            "TEMPORAL_TARGET": await through(servers.temporal_target),
            "RATE_LIMIT_STORAGE": f"redis://{await through(valkey.url)}/0",
        }
        if any_clamd:
            late["CLAMD_URL"] = f"tcp://{await through(any_clamd.tcp_url)}"
        for name in ("api", "worker"):
            await deployment.start(name, late)
        yield deployment


@pytest.mark.timeout(900)
async def test_processes_wait_for_what_they_need_and_then_work(
    deployment: Deployment,
) -> None:
    await deployment.answers("/healthz", 200)
    await deployment.says("api", "api_started", '"version"')
    checks = (await deployment.answers("/readyz", 503)).json()["checks"]
    assert {each["status"] for each in checks.values()} == {"failing"}
    await deployment.says("worker", "waiting_for_dependency")
    await deployment.set(None)
    await deployment.answers("/readyz", 200)
    await deployment.says("worker", "waiting_for_dependency", "TMPDIR")
    assert "worker_started" not in deployment.log("worker").read_text()
    Path(deployment.env["TMPDIR"]).mkdir()
    job = await deployment.read(Path("samples/receipt.jpg"))
    assert job["status"] == "succeeded", job
    deployment.must_run()


@pytest.mark.timeout(900)
async def test_processes_of_this_release_wait_until_the_database_is_migrated(
    servers: Servers, database_url: str, tmp_path: Path
) -> None:
    await migrate(database_url)
    await on_connection(
        database_url, lambda connection: command.downgrade(config(connection), "-1")
    )
    env = await variables(servers, database_url, tmp_path)
    async with ended(Deployment(env, tmp_path)) as deployment:
        for name in ("api", "worker"):
            await deployment.start(name, env)
        await deployment.says("worker", "waiting_for_dependency", "photo migrate")
        checks = (await deployment.answers("/readyz", 503)).json()["checks"]
        assert [name for name in checks if checks[name]["status"] == "failing"] == [
            "database"
        ]
        assert "worker_started" not in deployment.log("worker").read_text()
        await migrate(database_url)
        await deployment.says("worker", "worker_started")
        await deployment.answers("/readyz", 200)
