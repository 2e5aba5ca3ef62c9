import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from photo.domain.access import Scope
from photo.entrypoints.local.ports import choose_ports
from photo.entrypoints.local.service import furnish, service_variables
from tests.e2e.patient import PatientTransport
from tests.scanning import Clamd
from tests.services import Servers

PHOTO = str(Path(sys.executable).with_name("photo"))


@dataclass(frozen=True)
class Service:
    """`photo api` and `photo worker` as processes of their own."""

    url: str
    key: str
    other_tenants_key: str
    env: Mapping[str, str]
    worker: psutil.Process
    #: JSON lines.
    worker_log: Path

    def client(self, key: str | None = None) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {key or self.key}"}
        return httpx.AsyncClient(
            transport=PatientTransport(),
            base_url=self.url,
            headers=headers,
            timeout=90,
        )

    async def admins_key(self, tenant: str = "default") -> str:
        """A key with every scope."""
        scopes = [f"--scope={scope}" for scope in Scope]
        code, key, told = await self.photo(
            "keys", "create", "--name=admin", f"--tenant={tenant}", *scopes
        )
        assert code == 0, told
        return key.strip()

    async def photo(self, *arguments: str) -> tuple[int, str, str]:
        """Run the `photo` command in a pipe: exit code, output and errors."""
        process = await asyncio.create_subprocess_exec(
            PHOTO,
            *arguments,
            env={**self.env, "PHOTO_API_URL": self.url, "PHOTO_API_KEY": self.key},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()


@pytest.fixture(scope="session")
async def service(
    servers: Servers,
    any_clamd: Clamd | None,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Service]:
    port = choose_ports(["api"])["api"]
    env = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        **service_variables(servers, port),
        **({"CLAMD_URL": any_clamd.tcp_url} if any_clamd else {}),
        "URL_ALLOW_HTTP": "true",
        "URL_ALLOWED_NETWORKS": "127.0.0.1/32",
        "ENVIRONMENT": "staging",
        "TMPDIR": str(tmp_path_factory.mktemp("scratch")),
    }
    await furnish(servers, port)
    async with deployed(env, tmp_path_factory.mktemp("logs")) as service:
        yield service


@asynccontextmanager
async def deployed(env: Mapping[str, str], logs: Path) -> AsyncIterator[Service]:
    """An API and a worker with these settings; their logs lie in the folder."""
    url = f"http://127.0.0.1:{env['PORT']}"
    with ExitStack() as stack:
        processes = [_start(stack, name, env, logs) for name in ("api", "worker")]
        try:
            await _until_ready(url, processes, logs)
            key, other = (create_key(env, tenant) for tenant in ("default", "other"))
            worker = psutil.Process(processes[-1].pid)
            yield Service(url, key, other, env, worker, logs / "worker.log")
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                await asyncio.to_thread(process.wait, 60)


def _start(
    stack: ExitStack, name: str, env: Mapping[str, str], logs: Path
) -> subprocess.Popen[bytes]:
    log = stack.enter_context((logs / f"{name}.log").open("wb"))
    return subprocess.Popen([PHOTO, name], env=env, stdout=log, stderr=log)


def create_key(env: Mapping[str, str], tenant: str = "default") -> str:
    command = [PHOTO, "keys", "create", "--name", "e2e", "--tenant", tenant]
    return subprocess.check_output(command, env=env, text=True).strip()


async def _until_ready(
    url: str, processes: list[subprocess.Popen[bytes]], logs: Path
) -> None:
    transport = httpx.AsyncHTTPTransport(retries=10)
    async with httpx.AsyncClient(
        transport=transport, base_url=url, timeout=60
    ) as client:
        answer: Any = None
        while answer is None or answer.status_code != httpx.codes.OK:
            if any(process.poll() is not None for process in processes):
                pytest.fail("\n".join(log.read_text() for log in logs.iterdir()))
            answer = await client.get("/readyz")
