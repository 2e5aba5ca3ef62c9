"""The API processes and workers of the drill, with settings that point at proxies."""

import os
import ssl
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from drill import clamd
from drill.crash import FOLDER_VARIABLE
from drill.scratch import Scratch
from drill.shapes import Part
from drill.supervisor import Kept, Running
from photo.entrypoints.local.ports import HOST, choose_ports
from photo.entrypoints.local.process import Program
from photo.entrypoints.local.servers import Servers
from photo.entrypoints.local.service import service_variables

_ROOT = Path(__file__).parents[1]
_INHERITED = ("HOME", "PATH")
_READY_SECONDS = 120.0
_STARTED = b'"worker_started"'
#: Of a worker: longer than it may take to finish its steps.
_GRACE_SECONDS = 30.0
_PLENTY = str(10**9)
#: By default every client makes its own, which takes longer than all that it asks.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def behind(servers: Servers, ports: Mapping[Part, int]) -> Servers:
    """The same servers, by the way of the proxies that listen on these ports."""
    address, _, name = servers.database_url.rpartition("/")
    login, _, _ = address.rpartition("@")
    return replace(
        servers,
        database_url=f"{login}@{HOST}:{ports[Part.POSTGRES]}/{name}",
        s3=replace(servers.s3, endpoint=f"http://{HOST}:{ports[Part.S3]}"),
        temporal_target=f"{HOST}:{ports[Part.TEMPORAL]}",
    )


def settings(servers: Servers, ports: Mapping[Part, int]) -> dict[str, str]:
    """The environment of every process of the service."""
    proxied = behind(servers, ports)
    scanner = {"CLAMD_URL": clamd.url(ports[Part.CLAMD])} if Part.CLAMD in ports else {}
    return {
        **{name: os.environ[name] for name in _INHERITED if name in os.environ},
        **service_variables(proxied, 0),
        **scanner,
        "S3_PUBLIC_ENDPOINT": proxied.s3.endpoint,
        "ENVIRONMENT": "staging",
        "PYTHONPATH": str(_ROOT),
        "RATE_LIMIT_PER_ADDRESS": _PLENTY,
        "RATE_LIMIT_PER_KEY": _PLENTY,
        "RATE_LIMIT_PER_TENANT": _PLENTY,
        "URL_ALLOWED_NETWORKS": f"{HOST}/32",
        "URL_ALLOW_HTTP": "true",
    }


class Api:
    def __init__(
        self, number: int, children: Running, variables: Mapping[str, str], crash: Path
    ) -> None:
        port = choose_ports(["api"])["api"]
        self.url = f"http://{HOST}:{port}"
        #: What the next one finds in its environment besides.
        self.besides: Mapping[str, str] = {}
        self._children = children
        self._program = Program(
            name=f"api-{number}",
            argv=[sys.executable, "-m", "drill.process", Part.API],
            env={**variables, "PORT": str(port), FOLDER_VARIABLE: str(crash)},
            cwd=children.data_dir,
        )
        self.kept = Kept(self._program.name, children, self.start)

    async def start(self) -> None:
        env = {**self._program.env, **self.besides}
        process = await self._children.start(replace(self._program, env=env))
        await process.until(self.lives, seconds=_READY_SECONDS)

    async def lives(self) -> bool:
        return await self._answers("/healthz") is not None

    async def is_ready(self) -> bool:
        return (await self._answers("/readyz") or {}).get("status") == "ok"

    async def has(self, *checks: str) -> bool:
        """Whether these dependencies work for it, or it works no more itself."""
        said = await self._answers("/readyz")
        return said is None or all(
            said["checks"][name]["status"] == "ok" for name in checks
        )

    async def _answers(self, path: str) -> dict[str, Any] | None:
        async with httpx.AsyncClient(
            base_url=self.url, trust_env=False, verify=_NO_TLS
        ) as client:
            try:
                answer = await client.get(path)
            except httpx.TransportError:
                return None
        said: dict[str, Any] = answer.json()
        return said


class Worker:
    def __init__(
        self,
        number: int,
        children: Running,
        variables: Mapping[str, str],
        crash: Path,
        scratch: Scratch,
    ) -> None:
        port = choose_ports(["metrics"])["metrics"]
        self.metrics_url = f"http://{HOST}:{port}/metrics"
        self._children = children
        self._program = Program(
            name=f"worker-{number}",
            argv=[
                *scratch.entering,
                *(sys.executable, "-m", "drill.process", Part.WORKER),
            ],
            env={
                **variables,
                "METRICS_PORT": str(port),
                "TMPDIR": str(scratch.inside),
                FOLDER_VARIABLE: str(crash),
            },
            cwd=children.data_dir,
            grace_seconds=_GRACE_SECONDS,
        )
        self.kept = Kept(self._program.name, children, self.start)

    async def start(self) -> None:
        log = self._children.logs / f"{self._program.name}.log"
        told = log.stat().st_size if log.exists() else 0

        async def has_started() -> bool:
            with log.open("rb") as file:
                file.seek(told)
                return _STARTED in file.read()

        process = await self._children.start(self._program)
        await process.until(has_started, seconds=_READY_SECONDS)
