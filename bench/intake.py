"""What safety costs: verifying and scanning a photo, and the box it is decoded in.

    CLAMD_URL=tcp://127.0.0.1:3310 python -m bench.intake [FOLDER]

Everything takes turns in one run, on a real S3 server. Without CLAMD_URL nothing is
scanned, and the figures with a scanner are missing.
"""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path
from secrets import token_hex
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from dishka import Provider, Scope

from photo.adapters.clamav import ClamdScanner
from photo.adapters.imaging import ImagingPool, PillowNormalizer, RapidOcrRecognizer
from photo.adapters.s3.buckets import create_bucket
from photo.adapters.s3.clients import open_clients
from photo.adapters.s3.store import S3ObjectStore
from photo.application.intake import VerifyPhoto
from photo.application.ports import (
    Buckets,
    JobRepository,
    ObjectStore,
    Scanner,
    UploadRepository,
)
from photo.domain.access import Tenant
from photo.domain.files import page_name
from photo.domain.job import Job, JobId
from photo.domain.media import SNIFF_BYTES, MediaType
from photo.domain.upload import Upload, UploadId
from photo.entrypoints.client import photos_in
from photo.entrypoints.in_memory import memory_container
from photo.entrypoints.local.children import Children
from photo.entrypoints.local.servers import start_servers

_ROUNDS = 5
_LARGE = 50_000_000
_CHUNK = 1 << 20
_TENANT = Tenant("bench")

Measured = Callable[[], Awaitable[object]]


def main(folder: Path) -> dict[str, Any]:
    """Megabytes a second of verification, and seconds by photo with and without."""
    return asyncio.run(_measure(folder))


async def _measure(folder: Path) -> dict[str, Any]:
    async with AsyncExitStack() as stack:
        data_dir = stack.enter_context(TemporaryDirectory(prefix="photo-bench-"))
        children = await stack.enter_async_context(Children(Path(data_dir)))
        s3 = (await start_servers(children, say=print)).s3
        clients = await stack.enter_async_context(
            open_clients(
                region=s3.region,
                endpoint=s3.endpoint,
                access_key_id=s3.access_key_id,
                secret_access_key=s3.secret_access_key,
                attempts=1,
            )
        )
        await create_bucket(clients, "bench", origins=["http://127.0.0.1"])
        store = S3ObjectStore(clients, bucket="bench")
        pool = await stack.enter_async_context(ImagingPool(workers=1))
        return {
            "verify_mb_per_s": await _throughput(store),
            "photo_seconds": await _photos(folder, store, pool),
        }


async def _throughput(store: ObjectStore) -> dict[str, float]:
    """Of a large file, from S3 on this machine."""
    data = b"II*\0" + os.urandom(_LARGE - 4)
    taker = _Taker(store)
    upload = await taker.send(data, MediaType.TIFF)
    ways: dict[str, Measured] = {
        "sha256 alone": lambda: asyncio.to_thread(_digest, data),
        "S3 alone": lambda: _drain(store.read(upload.key)),
        "verify": lambda: taker.verify(upload, None),
    }
    if scanner := _scanner():
        ways["verify and scan"] = lambda: taker.verify(upload, scanner)
    seconds = await _in_turns(ways)
    return {name: round(_LARGE / 1e6 / each) for name, each in seconds.items()}


async def _photos(folder: Path, store: ObjectStore, pool: ImagingPool) -> Any:
    """By photo: decoding and reading in a plain process, the same boxed, the rest."""
    taker, scanner = _Taker(store), _scanner()
    boxed = _Boxed(pool)
    rows: list[dict[str, float]] = []
    with ProcessPoolExecutor(1, get_context("spawn")) as plain:
        for photo in photos_in(folder):
            kind = MediaType.accepted(photo.read_bytes()[:SNIFF_BYTES])
            upload = await taker.send(photo.read_bytes(), kind)
            ways: dict[str, Measured] = {
                "decode and read": lambda: asyncio.wrap_future(
                    plain.submit(_decode_and_read, photo, kind)  # noqa: B023 - awaited in this turn
                ),
                "boxed": lambda: boxed(photo, kind),  # noqa: B023 - the same
                "verify": lambda: taker.verify(upload, None),  # noqa: B023 - the same
            }
            if scanner:
                ways["verify and scan"] = lambda: taker.verify(upload, scanner)  # noqa: B023
            rows.append(await _in_turns(ways))
    figures = {name: round(sum(row[name] for row in rows), 4) for name in rows[0]}
    intake = figures.get("verify and scan", figures["verify"])
    alone = figures["decode and read"]
    return figures | {
        "photos": len(rows),
        "overhead": round((intake + figures["boxed"] - alone) / alone, 4),
    }


@dataclass(frozen=True)
class _Boxed:
    pool: ImagingPool

    async def __call__(self, photo: Path, kind: MediaType) -> None:
        normalizer, recognizer = (
            PillowNormalizer(self.pool),
            RapidOcrRecognizer(self.pool),
        )
        with TemporaryDirectory(prefix="photo-") as scratch:
            copy = shutil.copy(photo, scratch)
            for page in await normalizer.normalize(
                Path(copy), kind, into=Path(scratch)
            ):
                await recognizer.recognize(page.path)


def _decode_and_read(photo: Path, kind: MediaType) -> None:
    """What a child does, without a box around it."""
    from photo.adapters.imaging import normalize, recognize  # noqa: PLC0415 - heavy

    with TemporaryDirectory() as scratch:
        into = Path(scratch)
        for number in range(1, normalize.count_pages(photo, kind) + 1):
            normalize.normalize_page(photo, kind, number, into)
            recognize.recognize_page(into / page_name(number))


class _Taker:
    """Verifies a photo again and again, each time for a new job."""

    def __init__(self, store: ObjectStore) -> None:
        self._buckets = Buckets(raw=store, processed=store)

    async def send(self, data: bytes, kind: MediaType) -> Upload:
        upload = Upload(
            id=UploadId(f"upl_{token_hex(13)}"),
            tenant=_TENANT,
            content_type=kind,
            max_bytes=_LARGE,
            created_at=datetime.now(UTC),
        )
        await self._buckets.raw.write(upload.key, _chunks(data), content_type=kind)
        return upload

    async def verify(self, upload: Upload, scanner: Scanner | None) -> None:
        adapters = Provider(scope=Scope.APP)
        adapters.provide(lambda: self._buckets, provides=Buckets)
        adapters.provide(lambda: scanner, provides=Scanner | None)
        container = memory_container(adapters)
        uploads: UploadRepository = await container.get(UploadRepository)
        jobs: JobRepository = await container.get(JobRepository)
        job = Job.on(upload, id=JobId("job_bench"), metadata={}, now=datetime.now(UTC))
        await uploads.add(upload)
        await jobs.add(job)
        await (await container.get(VerifyPhoto))(job.id)


async def _in_turns(ways: dict[str, Measured]) -> dict[str, float]:
    """Median seconds; the first round warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(_ROUNDS + 1):
        for name, way in ways.items():
            since = perf_counter()
            await way()
            if turn:
                seconds[name].append(perf_counter() - since)
    return {name: median(each) for name, each in seconds.items()}


def _scanner() -> Scanner | None:
    url = os.environ.get("CLAMD_URL")
    return ClamdScanner(url, max_bytes=_LARGE) if url else None


def _digest(data: bytes) -> str:
    digest = sha256()
    for start in range(0, len(data), _CHUNK):
        digest.update(data[start : start + _CHUNK])
    return digest.hexdigest()


async def _chunks(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), _CHUNK):
        yield data[start : start + _CHUNK]


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    async for _ in chunks:
        pass


if __name__ == "__main__":
    found = main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("samples"))
    print(json.dumps(found, indent=2))
