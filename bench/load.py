"""How many jobs a process takes beside plain inserts, and what readers feel of it."""

import asyncio
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import httpx

from bench.api import UNLIMITED, api_process
from bench.wire import Wire, get, post
from photo.entrypoints.credentials import load_credentials
from photo.entrypoints.local.binaries import postgres
from photo.entrypoints.local.ports import choose_ports
from photo.entrypoints.local.service import serve_locally
from photo.entrypoints.local.state import State

_CLIENTS = 8
_SECONDS = 8
_ROUNDS = 3
_READS_PER_SECOND = 40
#: After a refusal.
_PAUSE_SECONDS = 0.1
_JOB = b'{"source": {"type": "url", "url": "https://photos.example/1.jpg"}}'
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
    ports = choose_ports(["api", "staging"])
    os.environ.update(UNLIMITED | {"MAX_QUEUED_JOBS": str(10**9)})

    async def measure(data_dir: Path) -> None:
        async def serve() -> None:
            with api_process(data_dir, ports["staging"]):
                figures.update(await _measure(data_dir, ports["staging"]))

        await serve_locally(
            data_dir, port=ports["api"], workers=0, serve=serve, say=print
        )

    with TemporaryDirectory(prefix="photo-bench-") as data_dir:
        asyncio.run(measure(Path(data_dir)))
    return figures


async def _measure(data_dir: Path, port: int) -> dict[str, Any]:
    credentials = load_credentials(data_dir)
    if credentials is None:
        raise RuntimeError("the local service left no credentials")
    headers = {
        "Authorization": f"Bearer {credentials.key}",
        "Content-Type": "application/json",
    }
    async with httpx.AsyncClient(base_url=credentials.url, headers=headers) as client:
        accepted = (await client.post("/v1/jobs", content=_JOB)).raise_for_status()
    look = get(accepted.headers["Location"], credentials.key)
    submit = post("/v1/jobs", credentials.key, _JOB)
    async with Wire(port) as wire:
        rows = [
            (await _closed_loop(wire, submit), await _pgbench(data_dir))
            for _ in range(_ROUNDS)
        ]
        sustainable = median(jobs for jobs, _ in rows)
        at_rest = await _reads(wire, look)
        under_load, answers = await _under_load(wire, look, submit, 2 * sustainable)
    return {
        "jobs_per_second": sustainable,
        "inserts_per_second": median(inserts for _, inserts in rows),
        "jobs_over_inserts": median(jobs / inserts for jobs, inserts in rows),
        "read_ms": {"at_rest": at_rest, "at_twice_the_load": under_load},
        "p99_ratio": under_load["p99"] / at_rest["p99"],
        "answers_per_second": answers,
    }


async def _closed_loop(wire: Wire, submit: bytes) -> float:
    until = perf_counter() + _SECONDS

    async def client() -> int:
        done = 0
        while perf_counter() < until:
            if await wire.ask(submit) == httpx.codes.ACCEPTED:
                done += 1
            else:
                await asyncio.sleep(_PAUSE_SECONDS)
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


async def _reads(wire: Wire, look: bytes) -> dict[str, float]:
    """Milliseconds of reads that begin at fixed moments, whatever the others do."""
    times: list[float] = []

    async def read() -> None:
        since = perf_counter()
        await wire.ask_in_turn(look, 1)
        times.append((perf_counter() - since) * 1000)

    await _open_loop(read, _READS_PER_SECOND)
    cuts = quantiles(times, n=100)
    return {"p50": round(cuts[49], 1), "p99": round(cuts[98], 1)}


async def _under_load(
    wire: Wire, look: bytes, submit: bytes, rate: float
) -> tuple[dict[str, float], dict[int, float]]:
    answers: Counter[int] = Counter()

    async def ask() -> None:
        answers[await wire.ask(submit)] += 1

    submitting = asyncio.create_task(_open_loop(ask, rate))
    read = await _reads(wire, look)
    await submitting
    return read, {status: count / _SECONDS for status, count in answers.items()}


async def _open_loop(
    act: Callable[[], Coroutine[None, None, None]], rate: float
) -> None:
    began = perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(int(rate * _SECONDS)):
            await asyncio.sleep(max(0.0, began + number / rate - perf_counter()))
            group.create_task(act())


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(), indent=2) + "\n")
