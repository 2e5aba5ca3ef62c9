"""Where the time of a photo goes, and what each process needs, on the real stack."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import psutil

from photo.adapters.imaging import child
from photo.entrypoints.client import PhotoClient, photos_in
from photo.entrypoints.credentials import load_credentials
from photo.entrypoints.local.ports import choose_ports
from photo.entrypoints.local.service import serve_locally

_ROUNDS = 3
_MEGABYTE = 1_000_000
_IMAGING = {"normalize", "recognize"}


def main(folder: Path) -> dict[str, Any]:
    """Read every photo of a folder, one at a time, a few times over.

    Answers seconds by step (medians over all photos and rounds), the share of a
    job's time that is neither decoding nor OCR, and megabytes by process.
    """
    figures: dict[str, Any] = {}

    async def measure(data_dir: Path) -> None:
        async def serve() -> None:
            figures["rest_mb"] = _memory()
            peaks = asyncio.create_task(_peak_memory())
            figures.update(await _read_all(folder, data_dir))
            peaks.cancel()
            figures["peak_mb"] = (await asyncio.gather(peaks))[0]

        port = choose_ports(["api"])["api"]
        await serve_locally(data_dir, port=port, workers=1, serve=serve, say=print)

    with TemporaryDirectory(prefix="photo-bench-") as data_dir:
        asyncio.run(measure(Path(data_dir)))
    return figures


async def _read_all(folder: Path, data_dir: Path) -> dict[str, Any]:
    credentials = load_credentials(data_dir)
    if credentials is None:
        raise RuntimeError("the local service left no credentials")
    rows = []
    async with PhotoClient.connect(credentials.url, credentials.key) as client:
        for round_ in range(_ROUNDS + 1):
            for photo in photos_in(folder):
                row = await _read(client, photo)
                if round_:  # the first round warms up
                    rows.append(row)
    steps = {name: median(row[name] for row in rows) for name in rows[0]}
    imaging = sum(row[name] for row in rows for name in _IMAGING)
    total = sum(row["upload_to_text"] for row in rows)
    return {"seconds": steps, "share_not_imaging": 1 - imaging / total}


async def _read(client: PhotoClient, photo: Path) -> dict[str, float]:
    since = perf_counter()
    job = await client.read(await client.submit_file(photo))
    await client.text(job)
    total = perf_counter() - since
    steps = {step: ms / 1000 for step, ms in job["timings_ms"].items()}
    return {**steps, "upload_to_text": total}


def _memory() -> dict[str, int]:
    """Resident megabytes by program, of this process's descendants."""
    found: dict[str, int] = {}
    for process in psutil.Process(os.getpid()).children(recursive=True):
        try:
            name, resident = _name(process), process.memory_info().rss // _MEGABYTE
        except psutil.NoSuchProcess:
            continue
        found[name] = found.get(name, 0) + resident
    return found


def _name(process: psutil.Process) -> str:
    command = process.cmdline()
    if "photo" in command:
        return f"photo {command[-1]}"
    if any(child.__name__ in part for part in command):
        return "imaging children"
    return process.name()


async def _peak_memory() -> Mapping[str, int]:
    peaks: dict[str, int] = {}
    try:
        while True:
            for name, resident in _memory().items():
                peaks[name] = max(resident, peaks.get(name, 0))
            await asyncio.sleep(0.2)
    except asyncio.CancelledError:
        return peaks
