"""Photos that may be anything: verified, scanned, fetched."""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from hashlib import sha256

import pytest

from photo.adapters.memory import MemoryPhotoFetcher, MemoryScanner
from photo.application.intake import FetchPhoto
from photo.application.uploads import PhotoPromise
from photo.domain.errors import (
    ContentMismatch,
    FileTooLarge,
    Infected,
    JobFinished,
    ObjectNotFound,
    PhotoError,
    Unavailable,
    Unscannable,
    UnsupportedMediaType,
    UrlRefused,
    UrlUnreachable,
)
from photo.domain.job import JobId, Status, Step
from photo.domain.media import ByteLimits, MediaType
from tests.makers import ACME, an_upload, in_chunks, photo_bytes
from tests.unit.world import Crash, World

VIRUS = b"a virus"
SIGNATURE = "Test.Virus"
PHOTO = photo_bytes()
INFECTED = PHOTO + VIRUS
URL = "https://example.com/photo.jpg"


class FailingScanner(MemoryScanner):
    """Fails after it has seen some bytes, until it is mended."""

    def __init__(self, failure: PhotoError | None) -> None:
        super().__init__({VIRUS: SIGNATURE})
        self.failure = failure

    async def scan(self, chunks: AsyncIterator[bytes]) -> str | None:
        if self.failure:
            await anext(chunks, b"")
            raise self.failure
        return await super().scan(chunks)


class WrongScanner(MemoryScanner):
    """Calls everything clean and does not even look."""

    async def scan(self, chunks: AsyncIterator[bytes]) -> str | None:
        return None


@pytest.fixture
def scanned() -> World:
    return World(scanner=MemoryScanner({VIRUS: SIGNATURE}))


def without(scanner: PhotoError) -> World:
    return World(scanner=FailingScanner(scanner))


NO_SCANNER = Unavailable("The virus scanner cannot be reached.")


async def test_a_clean_photo_is_scanned_and_goes_on(scanned: World) -> None:
    job = await scanned.process(await scanned.accept())
    assert job.status is Status.SUCCEEDED
    assert Step.SCAN in job.entered


async def test_without_a_scanner_no_scan_is_claimed(world: World) -> None:
    job = await world.process(await world.accept())
    assert Step.SCAN not in job.entered


@pytest.mark.parametrize("data", [INFECTED, VIRUS, VIRUS + PHOTO], ids=len)
async def test_an_infected_file_is_deleted_and_its_job_fails(
    scanned: World, data: bytes
) -> None:
    job_id = await scanned.accept(data=data)
    with pytest.raises(Infected) as refused:
        await scanned.verify(job_id)
    job = await scanned.jobs.get(job_id)
    assert job.status is Status.FAILED
    assert job.error
    assert job.error.code == "infected"
    assert scanned.raw.contents() == {}
    assert scanned.processed.contents() == {}
    assert refused.value.reason == SIGNATURE
    assert SIGNATURE not in job.error.detail + refused.value.detail


async def test_an_infected_file_is_remembered_with_its_signature(
    scanned: World,
) -> None:
    job_id = await scanned.accept(data=INFECTED)
    with pytest.raises(Infected):
        await scanned.verify(job_id)
    (known,) = await scanned.infected.all(limit=10)
    assert known.sha256 == sha256(INFECTED).hexdigest()
    assert (known.signature, known.job_id) == (SIGNATURE, job_id)


async def test_a_file_known_as_infected_needs_no_scanner() -> None:
    scanner = FailingScanner(None)
    world = World(scanner=scanner)
    with pytest.raises(Infected):
        await world.verify(await world.accept(data=INFECTED))
    scanner.failure = NO_SCANNER
    with pytest.raises(Infected):
        await world.verify(await world.accept(data=INFECTED))
    assert world.raw.contents() == {}


async def test_a_file_known_as_infected_gets_no_grant(scanned: World) -> None:
    with pytest.raises(Infected):
        await scanned.verify(await scanned.accept(data=INFECTED))
    promise = PhotoPromise(
        content_type=MediaType.JPEG, sha256=sha256(INFECTED).hexdigest().upper()
    )
    with pytest.raises(Infected) as refused:
        await scanned.grant(ACME, promise)
    assert refused.value.pointer == "/sha256"
    assert SIGNATURE not in refused.value.detail


@pytest.mark.parametrize("call", range(1, 9))
async def test_a_crash_at_any_call_leaves_no_infected_file(
    scanned: World, call: int
) -> None:
    job_id = await scanned.accept(data=INFECTED)
    scanned.fuse.blow_at(call)
    with pytest.raises((Crash, Infected)):
        await scanned.verify(job_id)
    if scanned.fuse.blown:
        with pytest.raises((Infected, JobFinished)):
            await scanned.verify(job_id)
    job = await scanned.jobs.get(job_id)
    assert job.error
    assert job.error.code == "infected"
    assert scanned.raw.contents() == {}


async def test_the_crashes_cover_every_call(scanned: World) -> None:
    job_id = await scanned.accept(data=INFECTED)
    scanned.fuse.blow_at(0)
    with pytest.raises(Infected):
        await scanned.verify(job_id)
    assert scanned.fuse.calls == 8


async def test_an_infected_photo_of_a_cancelled_job_is_deleted_as_well() -> None:
    class CancelledMeanwhile(MemoryScanner):
        async def scan(self, chunks: AsyncIterator[bytes]) -> str | None:
            await world.end.cancel(job_id)
            return await super().scan(chunks)

    world = World(scanner=CancelledMeanwhile({VIRUS: SIGNATURE}))
    job_id = await world.accept(data=INFECTED)
    with pytest.raises(Infected):
        await world.verify(job_id)
    assert (await world.jobs.get(job_id)).status is Status.CANCELLED
    assert world.raw.contents() == {}


@pytest.mark.parametrize(
    "failure", [NO_SCANNER, Unscannable("The file is encrypted.")], ids=repr
)
async def test_without_a_verdict_there_is_no_way_on(failure: PhotoError) -> None:
    world = without(failure)
    job_id = await world.accept()
    with pytest.raises(type(failure)):
        await world.verify(job_id)
    job = await world.jobs.get(job_id)
    assert (job.status, job.step) == (Status.RUNNING, Step.SCAN)
    assert job.photo
    assert world.processed.contents() == {}


async def test_a_photo_waits_for_its_scanner() -> None:
    scanner = FailingScanner(NO_SCANNER)
    world = World(scanner=scanner)
    job_id = await world.accept()
    with pytest.raises(Unavailable):
        await world.verify(job_id)
    scanner.failure = None
    job = await world.process(job_id)
    assert job.status is Status.SUCCEEDED


async def test_a_photo_that_waits_is_not_downloaded_again_and_again() -> None:
    world = without(NO_SCANNER)
    job_id = await world.accept(data=PHOTO.ljust(100_000, b"\1"))
    world.raw.chunk_bytes = 1_000
    read = []
    for _ in range(3):
        with pytest.raises(Unavailable):
            await world.verify(job_id)
        read.append(world.raw.chunks_read)
    assert read == [100, 101, 102]


async def test_a_broken_promise_is_told_though_the_scanner_is_down() -> None:
    world = without(NO_SCANNER)
    job_id = await world.accept(an_upload(sha256="0" * 64))
    with pytest.raises(PhotoError) as refused:
        await world.verify(job_id)
    assert refused.value.code == "checksum_mismatch"


async def test_an_infection_is_told_rather_than_a_broken_promise(
    scanned: World,
) -> None:
    upload = replace(an_upload(MediaType.PNG), sha256="0" * 64)
    with pytest.raises(Infected):
        await scanned.verify(await scanned.accept(upload, INFECTED))


async def test_what_a_scanner_does_not_read_is_verified_all_the_same() -> None:
    world = World(scanner=WrongScanner())
    job_id = await world.accept()
    await world.verify(job_id)
    photo = (await world.jobs.get(job_id)).verified_photo
    assert photo.sha256 == sha256(PHOTO).hexdigest()
    with pytest.raises(ContentMismatch):
        await world.verify(await world.accept(an_upload(MediaType.PNG), PHOTO))


async def test_a_store_that_fails_midway_is_no_short_photo() -> None:
    world = World(scanner=MemoryScanner())
    job_id = await world.accept()
    world.raw.cut_after = 100
    with pytest.raises(Unavailable, match="object store"):
        await world.verify(job_id)
    assert (await world.jobs.get(job_id)).photo is None


async def test_a_photo_swapped_while_it_waits_for_the_scanner_is_refused() -> None:
    scanner = FailingScanner(NO_SCANNER)
    world = World(scanner=scanner)
    upload = an_upload()
    job_id = await world.accept(upload)
    with pytest.raises(Unavailable):
        await world.verify(job_id)
    scanner.failure = None
    await world.send(upload, PHOTO + b"another")
    with pytest.raises(PhotoError) as refused:
        await world.verify(job_id)
    assert refused.value.code == "checksum_mismatch"


async def test_a_vanished_photo_is_missing_whatever_the_scanner_says(
    scanned: World,
) -> None:
    upload = an_upload()
    job_id = await scanned.accept(upload)
    await scanned.raw.delete(upload.key)
    with pytest.raises(PhotoError) as refused:
        await scanned.verify(job_id)
    assert refused.value.code == "upload_missing"


# --- Photos by URL ---------------------------------------------------------------


async def fetched(world: World, url: str = URL) -> JobId:
    job_id = await world.accept_url(url)
    await world.fetch(job_id)
    return job_id


async def test_a_photo_is_fetched_and_read() -> None:
    world = World(internet={URL: PHOTO})
    job = await world.process(await world.accept_url(URL))
    assert job.status is Status.SUCCEEDED
    assert [*job.entered][:2] == [Step.FETCH, Step.VERIFY]
    assert job.verified_photo.sha256 == sha256(PHOTO).hexdigest()


async def test_a_fetched_photo_is_scanned_too() -> None:
    world = World(internet={URL: INFECTED}, scanner=MemoryScanner({VIRUS: SIGNATURE}))
    with pytest.raises(Infected):
        await world.verify(await fetched(world))
    assert world.raw.contents() == {}


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"<html>Not found</html>" * 99, UnsupportedMediaType),
        (b"GIF", UnsupportedMediaType),
        (b"", UnsupportedMediaType),
        (photo_bytes(MediaType.GIF).ljust(2_001, b"\0"), FileTooLarge),
        (photo_bytes(MediaType.TIFF).ljust(50_000_001, b"\0"), FileTooLarge),
    ],
    ids=["html", "short", "empty", "large gif", "large tiff"],
)
async def test_what_cannot_be_read_is_not_kept(
    data: bytes, error: type[PhotoError]
) -> None:
    world = World(
        internet={URL: data}, limits=ByteLimits(exceptions={MediaType.GIF: 2_000})
    )
    with pytest.raises(error):
        await fetched(world)
    assert world.raw.contents() == {}


async def test_a_url_that_leads_nowhere_is_unreachable(world: World) -> None:
    with pytest.raises(UrlUnreachable):
        await fetched(world)


async def test_a_url_that_is_not_allowed_makes_no_job(world: World) -> None:
    with pytest.raises(UrlRefused):
        await world.submit.on_url(ACME, "http://example.com/photo.jpg", {})
    assert world.engine.started == []


async def test_a_job_on_a_url_is_recorded_and_started(world: World) -> None:
    job = await world.submit.on_url(ACME, URL, {"page": "1"})
    await world.starter.idle()
    assert await world.jobs.get(job.id) == job
    assert (job.source_url, job.upload_id, job.metadata) == (URL, None, {"page": "1"})
    assert job.raw_key == f"{ACME}/{job.id}"
    assert world.engine.started == [job.id]


async def test_a_photo_is_not_fetched_again_once_it_is_verified() -> None:
    internet = {URL: PHOTO}
    world = World(internet=internet)
    job_id = await fetched(world)
    await world.verify(job_id)
    internet[URL] = PHOTO + b"another"
    await world.fetch(job_id)
    await world.normalize(job_id)
    assert (await world.jobs.get(job_id)).verified_photo.size_bytes == len(PHOTO)


async def test_a_photo_is_not_fetched_again_once_it_is_there() -> None:
    internet = {URL: PHOTO}
    world = World(internet=internet)
    job_id = await fetched(world)
    del internet[URL]
    job = await world.process(job_id)
    assert job.verified_photo.sha256 == sha256(PHOTO).hexdigest()


async def test_a_belated_fetch_replaces_nothing() -> None:
    class Belated(MemoryPhotoFetcher):
        """Its worker is paused, and another makes the whole job meanwhile."""

        async def fetch(
            self, url: str, *, max_bytes: int
        ) -> AsyncGenerator[bytes, None]:
            yield photo_bytes(MediaType.PNG)
            await world.process(job_id)
            yield b"what the URL leads to by now"

    world = World(internet={URL: PHOTO})
    job_id = await world.accept_url(URL)
    await FetchPhoto(world.jobs, world.buckets, Belated(), world.limits, world.clock)(
        job_id
    )
    job = await world.jobs.get(job_id)
    assert job.status is Status.SUCCEEDED
    assert [data for data, _ in world.raw.contents().values()] == [PHOTO]


async def test_the_object_of_a_url_is_gone_before_it_is_verified(world: World) -> None:
    job_id = await world.accept_url(URL)
    with pytest.raises(ObjectNotFound):
        await world.raw.head(f"{ACME}/{job_id}")
    with pytest.raises(PhotoError) as refused:
        await world.verify(job_id)
    assert refused.value.code == "upload_missing"


# --- Steps that wait -------------------------------------------------------------


async def test_a_job_shows_why_it_waits_once(world: World) -> None:
    job_id = await world.accept()
    await world.verify(job_id)
    world.fuse.blow_at(0)
    for _ in range(3):
        await world.note_waiting(job_id, NO_SCANNER)
    job = await world.jobs.get(job_id)
    assert job.step_error
    assert job.step_error.code == "dependency_unavailable"
    assert world.fuse.calls == 1


async def test_no_harm_is_done_where_nothing_can_be_noted(world: World) -> None:
    await world.note_waiting(JobId("job_unknown"), NO_SCANNER)
    job_id = await world.accept()
    await world.end.cancel(job_id)
    await world.note_waiting(job_id, NO_SCANNER)
    assert (await world.jobs.get(job_id)).step_error is None


async def test_limits_are_those_of_the_grant() -> None:
    world = World(limits=ByteLimits(exceptions={MediaType.JPEG: 1_000}))
    promise = PhotoPromise(content_type=MediaType.JPEG)
    upload, _ = await world.grant(ACME, promise)
    assert upload.max_bytes == 1_000
    with pytest.raises(FileTooLarge):
        await world.receive(ACME, promise, in_chunks(PHOTO.ljust(1_001, b"\0")))
