"""Whether a worker's memory stays flat: many mixed photos, one worker.

python -m bench.memory [FOLDER] [PHOTOS]
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import psutil

from photo.entrypoints.client import PhotoClient, Refused, photos_in
from photo.entrypoints.credentials import load_credentials
from photo.entrypoints.local.ports import choose_ports
from photo.entrypoints.local.service import serve_locally

_AT_ONCE = 4
_ROWS = 20
_MEGABYTE = 1_000_000


class Sample(NamedTuple):
    photos: int
    worker_mb: int
    children_mb: int
    open_files: int


def main(folder: Path, photos: int = 500) -> list[Sample]:
    """Send the photos of a folder over and over; measure the worker now and then."""
    samples: list[Sample] = []

    async def measure(data_dir: Path) -> None:
        async def serve() -> None:
            credentials = load_credentials(data_dir)
            if credentials is None:
                raise RuntimeError("the local service left no credentials")
            async with PhotoClient.connect(credentials.url, credentials.key) as client:
                worker, endless = _worker(), cycle(photos_in(folder))
                for done in range(0, photos, photos // _ROWS):
                    samples.append(_sample(worker, done))
                    print(samples[-1])
                    await _read(client, [*islice(endless, photos // _ROWS)])
                samples.append(_sample(worker, photos))
                print(samples[-1])

        port = choose_ports(["api"])["api"]
        await serve_locally(data_dir, port=port, workers=1, serve=serve, say=print)

    with TemporaryDirectory(prefix="photo-bench-") as data_dir:
        asyncio.run(measure(Path(data_dir)))
    return samples


async def _read(client: PhotoClient, photos: Sequence[Path]) -> None:
    free = asyncio.Semaphore(_AT_ONCE)

    async def read(photo: Path) -> None:
        async with free:
            with suppress(Refused):  # broken photos belong to the mix
                await client.read(await client.submit_file(photo))

    await asyncio.gather(*map(read, photos))


def _worker() -> psutil.Process:
    (worker,) = (
        process
        for process in psutil.Process(os.getpid()).children(recursive=True)
        if process.cmdline()[-2:] == ["photo", "worker"]
    )
    return worker


def _sample(worker: psutil.Process, photos: int) -> Sample:
    resident = [child.memory_info().rss for child in worker.children(recursive=True)]
    return Sample(
        photos,
        worker.memory_info().rss // _MEGABYTE,
        sum(resident) // _MEGABYTE,
        worker.num_fds(),
    )


if __name__ == "__main__":
    arguments = sys.argv[1:]
    main(
        Path(arguments[0]) if arguments else Path("samples"),
        int(arguments[1]) if arguments[1:] else 500,
    )
