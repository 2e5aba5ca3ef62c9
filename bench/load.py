"""How many jobs a process takes beside plain inserts, and what readers feel of it."""

import asyncio
import json
import os
import re
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import httpx

from bench.api import UNLIMITED
from photo.entrypoints.credentials import load_credentials
from photo.entrypoints.local.binaries import postgres
from photo.entrypoints.local.ports import choose_ports
from photo.entrypoints.local.service import serve_locally
from photo.entrypoints.local.state import State

_CLIENTS = 8
_SECONDS = 8
_ROUNDS = 3
_READS_PER_SECOND = 40
_JOB = {"source": {"type": "url", "url": "https://photos.example/1.jpg"}}
_INSERT = (
    "INSERT INTO bench (tenant, url, metadata) "
    "VALUES ('default', 'https://photos.example/1.jpg', '{}');"
)
_TABLE = (
    "CREATE TABLE IF NOT EXISTS bench (id bigserial PRIMARY KEY, tenant text, "
    "url text, metadata jsonb, created_at timestamptz DEFAULT now())"
)
_TPS = re.compile(r"tps = ([0-9.]+)")


def main() -> dict[str, Any]:
    """Jobs and inserts a second, by turns; milliseconds of reads, at rest and not."""
    figures: dict[str, Any] = {}
    port = choose_ports(["api"])["api"]
    os.environ.update(UNLIMITED | {"MAX_QUEUED_JOBS": str(10**9)})

    async def measure(data_dir: Path) -> None:
        async def serve() -> None:
            figures.update(await _measure(data_dir))

        await serve_locally(data_dir, port=port, workers=0, serve=serve, say=print)

    with TemporaryDirectory(prefix="photo-bench-") as data_dir:
        asyncio.run(measure(Path(data_dir)))
    return figures


async def _measure(data_dir: Path) -> dict[str, Any]:
    credentials = load_credentials(data_dir)
    if credentials is None:
        raise RuntimeError("the local service left no credentials")
    headers = {"Authorization": f"Bearer {credentials.key}"}
    limits = httpx.Limits(max_connections=400, max_keepalive_connections=400)
    async with httpx.AsyncClient(
        base_url=credentials.url, headers=headers, limits=limits, timeout=60
    ) as client:
        path = (await client.post("/v1/jobs", json=_JOB)).headers["Location"]
        rows = []
        for _ in range(_ROUNDS):
            jobs = await _closed_loop(lambda: client.post("/v1/jobs", json=_JOB))
            rows.append((jobs, await _pgbench(data_dir)))
        sustainable = median(jobs for jobs, _ in rows)
        at_rest = await _reads(client, path)
        under_load, refused = await _under_load(client, path, 2 * sustainable)
    return {
        "jobs_per_second": sustainable,
        "inserts_per_second": median(inserts for _, inserts in rows),
        "jobs_over_inserts": median(jobs / inserts for jobs, inserts in rows),
        "read_ms": {"at_rest": at_rest, "at_twice_the_load": under_load},
        "p99_ratio": under_load["p99"] / at_rest["p99"],
        "refused_share": refused,
    }


async def _closed_loop(ask: Callable[[], Awaitable[httpx.Response]]) -> float:
    until = perf_counter() + _SECONDS

    async def client() -> int:
        done = 0
        while perf_counter() < until:
            (await ask()).raise_for_status()
            done += 1
        return done

    return sum(await asyncio.gather(*(client() for _ in range(_CLIENTS)))) / _SECONDS


async def _pgbench(data_dir: Path) -> float:
    state = State.open(data_dir)
    script = data_dir / "insert.sql"
    script.write_text(_INSERT)
    where = ["-h", "127.0.0.1", "-p", str(state.ports["postgres"]), "-U", "photo"]
    environment = {"PGPASSWORD": state.photo_password}
    psql = [postgres("psql"), *where, "-d", "photo", "-qc", _TABLE]
    await _run(psql, environment)
    flags = [
        "-n",
        "-c",
        str(_CLIENTS),
        "-j",
        "1",
        "-T",
        str(_SECONDS),
        "-M",
        "prepared",
    ]
    command = [postgres("pgbench"), *where, *flags, "-f", str(script), "photo"]
    found = _TPS.search(await _run(command, environment))
    if found is None:
        raise RuntimeError("pgbench told no rate")
    return float(found[1])


async def _run(command: list[str], environment: dict[str, str]) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(out.decode())
    return out.decode()


async def _reads(client: httpx.AsyncClient, path: str) -> dict[str, float]:
    """Milliseconds of reads that begin at fixed moments, whatever the others do."""
    times: list[float] = []

    async def read() -> None:
        since = perf_counter()
        (await client.get(path)).raise_for_status()
        times.append((perf_counter() - since) * 1000)

    await _open_loop(read, _READS_PER_SECOND)
    cuts = quantiles(times, n=100)
    return {"p50": round(cuts[49], 1), "p99": round(cuts[98], 1)}


async def _under_load(
    client: httpx.AsyncClient, path: str, rate: float
) -> tuple[dict[str, float], float]:
    answers: list[int] = []

    async def submit() -> None:
        with suppress(httpx.TransportError):
            answers.append((await client.post("/v1/jobs", json=_JOB)).status_code)

    submitting = asyncio.create_task(_open_loop(submit, rate))
    read = await _reads(client, path)
    await submitting
    refused = sum(status >= httpx.codes.BAD_REQUEST for status in answers)
    return read, round(refused / len(answers), 3)


async def _open_loop(act: Callable[[], Awaitable[None]], rate: float) -> None:
    began = perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(int(rate * _SECONDS)):
            await asyncio.sleep(max(0.0, began + number / rate - perf_counter()))
            group.create_task(_awaited(act))


async def _awaited(act: Callable[[], Awaitable[None]]) -> None:
    await act()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(), indent=2) + "\n")
