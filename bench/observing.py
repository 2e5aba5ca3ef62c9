"""What logs, metrics and traces cost: the same service with all of them and with none.

On: a line for every request and step, METRICS_PORT read every other second, and a span
for all there is, sent to a collector that takes anything. Off: `LOG_LEVEL=error`, no
port, no collector; what is counted for metrics is still counted.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, NamedTuple

import httpx
import psutil

from bench.api import UNLIMITED, cost, process, settings_of
from bench.wire import get
from photo.entrypoints.client import PhotoClient, photos_in
from photo.entrypoints.credentials import load_credentials
from photo.entrypoints.local.ports import choose_ports
from photo.entrypoints.local.service import serve_locally

_ROUNDS = 3
_SCRAPE_SECONDS = 2
_WAYS = ("off", "on", "on, 1 trace in 10")


_PHOTO = (sys.executable, "-m", "photo")


class _Costs(NamedTuple):
    look_cpu_us: float
    photo_seconds: float
    #: Of API, worker and its children.
    photo_cpu_seconds: float


class _Service(NamedTuple):
    """An API and a worker with a queue of their own, on servers that all share."""

    port: int
    api: psutil.Process
    worker: psutil.Process


def main(folder: Path) -> dict[str, Any]:
    """CPU of a look at a job, and CPU and seconds of a photo, on over off.

    Medians of rounds that are taken by turns.
    """
    figures: dict[str, Any] = {}
    os.environ.update(UNLIMITED)
    port = choose_ports(["api"])["api"]

    async def measure(data_dir: Path) -> None:
        async def serve() -> None:
            figures.update(await _compare(folder, data_dir))

        await serve_locally(data_dir, port=port, workers=0, serve=serve, say=print)

    with TemporaryDirectory(prefix="photo-bench-") as data_dir:
        asyncio.run(measure(Path(data_dir)))
    return figures


async def _compare(folder: Path, data_dir: Path) -> dict[str, Any]:
    credentials = load_credentials(data_dir)
    if credentials is None:
        raise RuntimeError("the local service left no credentials")
    collector = choose_ports(["collector"])["collector"]
    rounds = []
    with _collector(collector):
        for _ in range(_ROUNDS + 1):
            costs = {}
            for way in _WAYS:
                async with _serving(way, data_dir, collector) as service:
                    costs[way] = await _costs(service, credentials.key, folder)
            rounds.append(costs)
    return {name: _figure(rounds[1:], name) for name in _Costs._fields}


def _figure(rounds: list[dict[str, _Costs]], name: str) -> dict[str, Any]:
    """The first round, which warms up, should not be among them."""
    rows = [{way: getattr(costs, name) for way, costs in row.items()} for row in rounds]
    return {
        "median": _medians(rows),
        "over_off": _medians(
            [{way: row[way] / row["off"] for way in _WAYS} for row in rows]
        ),
    }


def _medians(rows: list[dict[str, float]]) -> dict[str, float]:
    return {way: round(median(row[way] for row in rows), 4) for way in _WAYS}


@asynccontextmanager
async def _serving(way: str, data_dir: Path, collector: int) -> AsyncIterator[_Service]:
    ports = choose_ports(["api", "api metrics", "worker metrics"])
    settings = settings_of(data_dir) | {
        "ENVIRONMENT": "staging",
        "PORT": str(ports["api"]),
        "TEMPORAL_TASK_QUEUE": f"bench {way}",
        **_observing(way, collector),
    }
    watched = {} if way == "off" else {"METRICS_PORT": str(ports["api metrics"])}
    with process([*_PHOTO, "api"], settings | watched) as api:
        if watched:
            watched = {"METRICS_PORT": str(ports["worker metrics"])}
        with process([*_PHOTO, "worker"], settings | watched) as worker:
            await _until_ready(ports["api"])
            scraped = [ports["api metrics"], ports["worker metrics"]]
            async with _scraped(scraped if watched else []):
                yield _Service(ports["api"], api, worker)


def _observing(way: str, collector: int) -> dict[str, str]:
    if way == "off":
        return {"LOG_LEVEL": "error"}
    sampler = {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.1"}
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector}",
        **(sampler if way != "on" else {}),
    }


async def _until_ready(port: int) -> None:
    async with httpx.AsyncClient() as client:
        while True:
            try:
                if (await client.get(f"http://127.0.0.1:{port}/readyz")).is_success:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)


@asynccontextmanager
async def _scraped(ports: list[int]) -> AsyncIterator[None]:
    async def scrape(client: httpx.AsyncClient) -> None:
        while True:
            for port in ports:
                await client.get(f"http://127.0.0.1:{port}/metrics")
            await asyncio.sleep(_SCRAPE_SECONDS)

    async with httpx.AsyncClient(timeout=30) as client:
        scraping = asyncio.create_task(scrape(client))
        try:
            yield
        finally:
            scraping.cancel()


async def _costs(service: _Service, key: str, folder: Path) -> _Costs:
    photos = list(photos_in(folder))
    url = f"http://127.0.0.1:{service.port}"
    async with PhotoClient.connect(url, key) as client:
        await _read(client, photos[0])
        before = _cpu_seconds(service)
        since = perf_counter()
        for photo in photos:
            job = await _read(client, photo)
        seconds = perf_counter() - since
        cpu = _cpu_seconds(service) - before
    look = get(f"/v1/jobs/{job['id']}", key)
    return _Costs(
        look_cpu_us=await cost(service.api, service.port, look),
        photo_seconds=seconds / len(photos),
        photo_cpu_seconds=cpu / len(photos),
    )


async def _read(client: PhotoClient, photo: Path) -> dict[str, Any]:
    job = await client.read(await client.submit_file(photo))
    await client.text(job)
    return job


def _cpu_seconds(service: _Service) -> float:
    all_ = [service.api, service.worker, *service.worker.children(recursive=True)]
    times = [each.cpu_times() for each in all_]
    return float(sum(each.user + each.system for each in times))


@contextmanager
def _collector(port: int) -> Iterator[None]:
    with process([sys.executable, "-m", "bench.raw_servers", "raw", str(port)], {}):
        yield


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("samples")
    sys.stdout.write(json.dumps(main(folder), indent=2) + "\n")
