"""What a request costs: `GET /v1/jobs/{id}` beside raw ASGI and bare Litestar."""

import asyncio
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psutil

from bench.wire import Wire, get
from photo.entrypoints.credentials import load_credentials
from photo.entrypoints.local.ports import choose_ports
from photo.entrypoints.local.service import ENV_FILE, serve_locally

_CONNECTIONS = 8
_REQUESTS = 2000
_ROUNDS = 3
UNLIMITED = {
    f"RATE_LIMIT_PER_{each}": str(10**9) for each in ("KEY", "TENANT", "ADDRESS")
}


def main() -> dict[str, Any]:
    """Microseconds of the server's CPU a request, medians of rounds taken by turns."""
    figures: dict[str, Any] = {}
    ports = choose_ports(["api", "staging", "raw", "litestar"])
    os.environ.update(UNLIMITED)

    async def measure(data_dir: Path) -> None:
        async def serve() -> None:
            figures.update(await _compare(data_dir, ports))

        await serve_locally(
            data_dir, port=ports["api"], workers=0, serve=serve, say=print
        )

    with TemporaryDirectory(prefix="photo-bench-") as data_dir:
        asyncio.run(measure(Path(data_dir)))
    return figures


async def _compare(data_dir: Path, ports: dict[str, int]) -> dict[str, Any]:
    credentials = load_credentials(data_dir)
    if credentials is None:
        raise RuntimeError("the local service left no credentials")
    headers = {"Authorization": f"Bearer {credentials.key}"}
    job = {"source": {"type": "url", "url": "https://photos.example/1.jpg"}}
    async with httpx.AsyncClient(base_url=credentials.url, headers=headers) as client:
        accepted = (await client.post("/v1/jobs", json=job)).raise_for_status()
    path = accepted.headers["Location"]
    request = get(path, credentials.key)
    with (
        _rival("raw", ports["raw"]) as raw,
        _rival("litestar", ports["litestar"]) as bare,
        api_process(data_dir, ports["staging"]) as api,
    ):
        servers = {
            "raw": (raw, ports["raw"]),
            "litestar": (bare, ports["litestar"]),
            "api": (api, ports["staging"]),
        }
        rows = []
        for round_ in range(_ROUNDS + 1):
            row = {name: await cost(*each, request) for name, each in servers.items()}
            if round_:  # the first round warms up
                rows.append(row)
    cost = {name: median(row[name] for row in rows) for name in servers}
    return {
        "cpu_us_per_request": cost,
        "api_over_raw": median(row["api"] / row["raw"] for row in rows),
        "api_over_litestar": median(row["api"] / row["litestar"] for row in rows),
    }


@contextmanager
def api_process(data_dir: Path, port: int) -> Iterator[psutil.Process]:
    """Another API on the same servers, as operators run it: its log is of JSON."""
    settings = settings_of(data_dir) | {"ENVIRONMENT": "staging", "PORT": str(port)}
    with process([sys.executable, "-m", "photo", "api"], settings) as api:
        yield api


def settings_of(data_dir: Path) -> dict[str, str]:
    lines = (data_dir / ENV_FILE).read_text(encoding="utf-8").splitlines()
    return dict(shlex.split(line)[0].split("=", 1) for line in lines)


@contextmanager
def _rival(name: str, port: int) -> Iterator[psutil.Process]:
    command = [sys.executable, "-m", "bench.raw_servers", name, str(port)]
    with process(command, {}) as rival:
        yield rival


@contextmanager
def process(command: list[str], settings: dict[str, str]) -> Iterator[psutil.Process]:
    with subprocess.Popen(
        command, env=os.environ | settings, stderr=subprocess.DEVNULL
    ) as started:
        try:
            yield psutil.Process(started.pid)
        finally:
            started.terminate()


async def cost(server: psutil.Process, port: int, request: bytes) -> float:
    """Microseconds of its CPU for each of many such requests."""
    async with Wire(port) as wire:
        await _load(wire, request, _CONNECTIONS)
        before = _cpu_seconds(server)
        await _load(wire, request, _REQUESTS)
    return round((_cpu_seconds(server) - before) / _REQUESTS * 1e6, 1)


def _cpu_seconds(server: psutil.Process) -> float:
    times = server.cpu_times()
    return float(times.user + times.system)


async def _load(wire: Wire, request: bytes, count: int) -> None:
    share = count // _CONNECTIONS
    async with asyncio.TaskGroup() as group:
        for _ in range(_CONNECTIONS):
            group.create_task(wire.ask_in_turn(request, share))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(), indent=2) + "\n")
