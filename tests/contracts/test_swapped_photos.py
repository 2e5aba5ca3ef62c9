"""A photo that its sender swaps behind our back, on the real store.

A grant works for minutes after its photo has been verified, so the object can be
overwritten at any moment. What is read is nevertheless what was verified.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256

import httpx
import pytest

from photo.adapters.memory import MemoryScanner
from photo.adapters.s3.clients import S3Clients
from photo.adapters.s3.links import S3ObjectLinks
from photo.adapters.s3.store import S3ObjectStore
from photo.application.ports import Buckets
from photo.domain.errors import ChecksumMismatch, ObjectNotFound
from photo.domain.job import Job, JobId, Status
from tests.makers import a_job, an_upload, photo_bytes
from tests.services import Servers, fresh_bucket
from tests.unit.world import World

VIRUS = b"a virus"
#: Of several chunks, so that there is a middle.
PHOTO = photo_bytes().ljust(4_000_000, b"\1")
ANOTHER = photo_bytes().ljust(4_000_000, b"\2")
INFECTED = PHOTO[: -len(VIRUS)] + VIRUS


class Sender:
    """Has a grant and a job, and goes on using the grant."""

    def __init__(self, buckets: Buckets, links: S3ObjectLinks) -> None:
        self.world = World(scanner=self.scanner(), buckets=buckets)
        self._buckets = buckets
        self._links = links
        self.upload = an_upload(created_at=datetime.now(UTC))
        self.job_id = JobId("")

    def scanner(self) -> MemoryScanner:
        return MemoryScanner({VIRUS: "Test.Virus"})

    async def begin(self) -> None:
        await self.send(PHOTO)
        await self.world.uploads.add(self.upload)
        job = a_job(self.upload)
        await self.world.jobs.add(job)
        self.job_id = job.id

    async def send(self, data: bytes) -> None:
        form = await self._links.grant_upload(self.upload)
        async with httpx.AsyncClient(timeout=60) as store:
            answer = await store.post(form.url, data=form.fields, files={"file": data})
        assert answer.is_success

    async def kept(self, job: Job) -> bytes | None:
        """The photo in the processed bucket, which alone is ever linked."""
        try:
            found = self._buckets.processed.read(job.artifact_key("original"))
            return b"".join([chunk async for chunk in found])
        except ObjectNotFound:
            return None


class MidwaySender(Sender):
    """Swaps the photo while it is being scanned."""

    def scanner(self) -> MemoryScanner:
        sender = self

        class Interrupted(MemoryScanner):
            async def scan(self, chunks: AsyncIterator[bytes]) -> str | None:
                first = await anext(chunks)
                await sender.send(ANOTHER)
                return await super().scan(_after(first, chunks))

        return Interrupted({VIRUS: "Test.Virus"})


async def _after(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


@pytest.fixture
async def places(
    servers: Servers, clients: S3Clients
) -> AsyncIterator[tuple[Buckets, S3ObjectLinks]]:
    async with fresh_bucket(servers) as raw, fresh_bucket(servers) as processed:
        links = S3ObjectLinks(
            clients, raw=raw, processed=processed, now=lambda: datetime.now(UTC)
        )
        yield (
            Buckets(
                raw=S3ObjectStore(clients, bucket=raw),
                processed=S3ObjectStore(clients, bucket=processed),
            ),
            links,
        )


@pytest.fixture
async def sender(places: tuple[Buckets, S3ObjectLinks]) -> Sender:
    sender = Sender(*places)
    await sender.begin()
    return sender


@pytest.mark.parametrize("swapped_for", [ANOTHER, INFECTED], ids=["photo", "infected"])
async def test_a_photo_swapped_after_it_was_verified_is_never_opened(
    sender: Sender, swapped_for: bytes
) -> None:
    await sender.world.verify(sender.job_id)
    await sender.send(swapped_for)
    with pytest.raises(ChecksumMismatch):
        await sender.world.normalize(sender.job_id)
    assert await sender.kept(await sender.world.jobs.get(sender.job_id)) is None


async def test_a_photo_swapped_while_it_is_verified_is_never_opened(
    places: tuple[Buckets, S3ObjectLinks],
) -> None:
    sender = MidwaySender(*places)
    await sender.begin()
    await sender.world.verify(sender.job_id)
    job = await sender.world.jobs.get(sender.job_id)
    assert job.verified_photo.sha256 == sha256(PHOTO).hexdigest()
    with pytest.raises(ChecksumMismatch):
        await sender.world.normalize(sender.job_id)
    assert await sender.kept(job) is None


async def test_a_photo_swapped_after_it_was_opened_changes_nothing(
    sender: Sender,
) -> None:
    world = sender.world
    await world.verify(sender.job_id)
    files, pages = await world.normalize(sender.job_id)
    await sender.send(INFECTED)
    texts, engine = await world.recognize(sender.job_id, pages)
    await world.publish(sender.job_id, [*files, *texts], engine)
    job = await world.jobs.get(sender.job_id)
    assert job.status is Status.SUCCEEDED
    assert await sender.kept(job) == PHOTO


async def test_a_photo_swapped_all_the_time_is_read_as_verified_or_not_at_all(
    places: tuple[Buckets, S3ObjectLinks],
) -> None:
    for _ in range(6):
        sender = Sender(*places)
        await sender.begin()
        swapping = asyncio.create_task(_swap_for_ever(sender))
        with suppress(ChecksumMismatch):
            await sender.world.process(sender.job_id)
        swapping.cancel()
        await asyncio.gather(swapping, return_exceptions=True)
        job = await sender.world.jobs.get(sender.job_id)
        if kept := await sender.kept(job):
            assert sha256(kept).hexdigest() == job.verified_photo.sha256


async def _swap_for_ever(sender: Sender) -> None:
    while True:
        for data in (ANOTHER, PHOTO):
            await sender.send(data)
