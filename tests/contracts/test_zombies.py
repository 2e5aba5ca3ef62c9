"""A step that goes on after its job has ended without it.

Its worker was paused, given up, and is back. No two attempts here make the same bytes,
nor see alike which way up the photo is: workers of two versions need not either.
"""

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterator,
    Sequence,
)
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from pathlib import Path

import pytest

from photo.adapters.memory import MemoryNormalizer, MemoryRecognizer
from photo.adapters.s3.clients import S3Clients
from photo.adapters.s3.store import S3ObjectStore
from photo.application.artifacts import collect
from photo.application.ports import Buckets, PageImage
from photo.domain.errors import Internal, JobFinished, NotFound, UploadMissing
from photo.domain.files import (
    MANIFEST,
    NORMALIZED,
    TEXT_JSON,
    TEXT_PLAIN,
    THUMBNAIL,
    StoredFile,
)
from photo.domain.job import Job, JobId, Status
from photo.domain.media import MediaType
from photo.domain.text import Engine, Line, Page
from tests.makers import (
    ACME,
    a_box,
    a_job,
    a_webhook,
    an_upload,
    in_chunks,
    photo_bytes,
)
from tests.unit.world import A_SECOND, World

#: Each step, and the calls of its own after which its worker may be paused.
PAUSES = [
    *(("normalize", call) for call in range(1, 7)),
    *(("recognize", call) for call in range(1, 5)),
    *(("publish", call) for call in range(1, 4)),
]
at_every_pause = pytest.mark.parametrize(("step", "call"), PAUSES)

Deed = Callable[[], Awaitable[object]]


def size_of(copy: bytes) -> tuple[int, int]:
    """Of the photo, as whoever made the copy turned it."""
    return (200, 100) if copy.endswith(b"0") else (100, 200)


@dataclass
class MoodyNormalizer(MemoryNormalizer):
    moods: Iterator[int] = field(default_factory=count)

    async def normalize(
        self, photo: Path, content_type: MediaType, *, into: Path
    ) -> Sequence[PageImage]:
        pages = await super().normalize(photo, content_type, into=into)
        copy = b"a copy made in mood %d" % (next(self.moods) % 2)
        for path in (pages[0].path, into / THUMBNAIL):
            await asyncio.to_thread(path.write_bytes, copy)
        return [PageImage(pages[0].path, *size_of(copy))]


class MoodyRecognizer(MemoryRecognizer):
    def __init__(self) -> None:
        super().__init__()
        self._readings = count(1)

    async def recognize(self, page: Path) -> Page:
        reading = str(next(self._readings))
        self.engine = Engine("memory", reading, "none")
        width, height = size_of(await asyncio.to_thread(page.read_bytes))
        line = Line(f"reading {reading}", 0.9, a_box())
        return Page(width // 2, height // 2, (line,))


class BurningStore(S3ObjectStore):
    """The real one, with a fuse as those in memory have it."""

    burn: Deed

    async def read(self, key: str) -> AsyncGenerator[bytes, None]:
        async for chunk in super().read(key):
            yield chunk
        await self.burn()

    async def write(
        self, key: str, chunks: AsyncIterator[bytes], *, content_type: str
    ) -> bool:
        written = await super().write(key, chunks, content_type=content_type)
        await self.burn()
        return written


@dataclass
class Haunted:
    """A job, and the zombie that works on it."""

    world: World
    job_id: JobId
    made: Sequence[StoredFile] = ()

    async def attempt(
        self, step: str, *, paused_at: int = 0, meanwhile: Deed | None = None
    ) -> None:
        """Take the job to a step, and through it, pausing after one of its calls."""
        world, job_id = self.world, self.job_id

        def begin(begun: str) -> None:
            if begun == step:
                world.fuse.blow_at(paused_at, meanwhile)

        await world.verify(job_id)
        begin("normalize")
        images, pages = await world.normalize(job_id)
        if step == "normalize":
            return
        begin("recognize")
        texts, engine = await world.recognize(job_id, pages)
        self.made = [*images, *texts]
        if step == "recognize":
            return
        begin("publish")
        await world.publish(job_id, self.made, engine)

    async def job(self) -> Job:
        return await self.world.jobs.get(self.job_id)

    async def files(self) -> dict[str, bytes]:
        store = self.world.buckets.processed
        prefix = f"{ACME}/{self.job_id}/"
        listed = await store.list(after=prefix, limit=9)
        keys = [item.key for item in listed if item.key.startswith(prefix)]
        return {key.removeprefix(prefix): await collect(store, key) for key in keys}

    async def statuses(self) -> list[Status]:
        versions = await self.world.jobs.after(ACME, self.job_id, 0)
        return [job.status for job in versions]


async def haunted_by(world: World) -> Haunted:
    upload = an_upload()
    await world.uploads.add(upload)
    await world.buckets.raw.write(
        upload.key, in_chunks(photo_bytes()), content_type=upload.content_type
    )
    for _ in range(2):
        await world.post.webhooks.add(a_webhook(), at_most=9)
    job = a_job(upload)
    await world.jobs.add(job)
    return Haunted(world, job.id)


@pytest.fixture(params=["memory", "s3"])
async def haunted(
    request: pytest.FixtureRequest, clients: S3Clients, shared_bucket: str
) -> Haunted:
    store = BurningStore(clients, bucket=shared_bucket)
    real = Buckets(raw=store, processed=store) if request.param == "s3" else None
    world = World(
        normalizer=MoodyNormalizer(), recognizer=MoodyRecognizer(), buckets=real
    )
    store.burn = world.fuse.burn
    return await haunted_by(world)


async def check_success(haunted: Haunted) -> None:
    job, files = await haunted.job(), await haunted.files()
    sums = {name: sha256(data).hexdigest() for name, data in files.items()}
    assert job.manifest_sha256 == sums.pop(MANIFEST)
    documents = haunted.world.documents
    manifest = documents.read_manifest(files[MANIFEST])
    assert {file.name: file.sha256 for file in manifest.files} == sums

    result = documents.read_result(files[TEXT_JSON])
    (page,) = result.pages
    assert (result.engine, page.text) == (manifest.engine, job.text_preview)
    assert files[TEXT_PLAIN].decode() == page.text
    photo = job.verified_photo
    assert (page.width, page.height) == (photo.width, photo.height)
    assert (page.width, page.height) == size_of(files[NORMALIZED])
    (found,) = await haunted.world.texts.texts(ACME, [job.id])
    assert page.text in str(found)


async def check_one_end(haunted: Haunted, end: Status) -> None:
    statuses = await haunted.statuses()
    assert (statuses[-1], statuses.count(end)) == (end, 1)
    told = [each.webhook_id for each in haunted.world.post.deliveries.known()]
    assert len(told) == len({*told}) == 2


@at_every_pause
async def test_a_zombie_changes_nothing_of_a_success(
    haunted: Haunted, step: str, call: int
) -> None:
    at_its_end: list[object] = []

    async def succeed() -> None:
        await haunted.world.process(haunted.job_id)
        at_its_end.extend([await haunted.job(), await haunted.files()])

    with suppress(JobFinished):
        await haunted.attempt(step, paused_at=call, meanwhile=succeed)
    assert haunted.world.fuse.blown
    assert [await haunted.job(), await haunted.files()] == at_its_end
    await check_success(haunted)
    await check_one_end(haunted, Status.SUCCEEDED)


@at_every_pause
async def test_two_attempts_that_take_turns_make_one_success(
    haunted: Haunted, step: str, call: int
) -> None:
    """The first is paused, the second makes the step, and the first goes on from it."""

    async def second() -> None:
        await haunted.attempt(step)

    await haunted.attempt(step, paused_at=call, meanwhile=second)
    assert haunted.world.fuse.blown
    await haunted.world.process(haunted.job_id)
    await check_success(haunted)
    await check_one_end(haunted, Status.SUCCEEDED)


async def test_a_job_that_came_out_of_a_backup_ends_with_the_files_that_it_has(
    haunted: Haunted,
) -> None:
    world, accepted = haunted.world, await haunted.job()
    await world.process(haunted.job_id)
    files = await haunted.files()
    world.clock.step(A_SECOND)
    world.jobs.restore(accepted)
    assert (await world.process(haunted.job_id)).status is Status.SUCCEEDED
    assert await haunted.files() == files
    await check_success(haunted)
    assert len(world.post.deliveries.known()) == 2


@pytest.mark.parametrize("name", [TEXT_JSON, MANIFEST])
async def test_what_a_manifest_does_not_vouch_for_is_no_success(
    haunted: Haunted, name: str
) -> None:
    """Somebody replaced it: a worker of an earlier release, or who restored files."""
    world, accepted = haunted.world, await haunted.job()
    await world.process(haunted.job_id)
    store, key = world.buckets.processed, accepted.artifact_key(name)
    replaced = (await haunted.files())[name].replace(b"reading 1", b"reading 9")
    replaced = replaced.replace(b'sha256": "', b'sha256": "0')
    world.jobs.restore(accepted)
    await haunted.attempt("recognize")
    await store.delete(key)
    await store.write(key, in_chunks(replaced), content_type="application/json")
    if name == TEXT_JSON:
        await store.delete(accepted.artifact_key(MANIFEST))
    with pytest.raises(Internal):
        await world.publish(haunted.job_id, haunted.made, MemoryRecognizer.engine)
    assert (await haunted.job()).status is Status.RUNNING


@at_every_pause
async def test_a_zombie_of_a_cancelled_job_is_turned_away(
    haunted: Haunted, step: str, call: int
) -> None:
    world = haunted.world

    async def cancel() -> None:
        await world.cancel(ACME, haunted.job_id)
        await world.end.cancel(haunted.job_id)
        assert await haunted.files() == {}

    with suppress(JobFinished):
        await haunted.attempt(step, paused_at=call, meanwhile=cancel)
    assert world.fuse.blown
    with pytest.raises(JobFinished):
        await haunted.attempt(step)
    await check_one_end(haunted, Status.CANCELLED)
    await world.end.cancel(haunted.job_id)
    assert await haunted.files() == {}


@at_every_pause
async def test_a_zombie_of_an_erased_job_is_turned_away(
    haunted: Haunted, step: str, call: int
) -> None:
    world = haunted.world

    async def erase() -> None:
        await world.erase(world.caller, haunted.job_id)

    with suppress(NotFound, UploadMissing):
        await haunted.attempt(step, paused_at=call, meanwhile=erase)
    assert world.fuse.blown
    with pytest.raises(NotFound):
        await haunted.job()
    assert world.post.deliveries.known() == []
    await world.end.cancel(haunted.job_id)
    assert await haunted.files() == {}
