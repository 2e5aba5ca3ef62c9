"""What is counted is what has happened: once, and never what was undone."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from photo.adapters.memory import MemoryScanner
from photo.application.ports import Receipt, Verdict
from photo.application.uploads import PhotoPromise
from photo.domain.errors import (
    FileTooLarge,
    Infected,
    PhotoError,
    Unavailable,
    Unscannable,
    UrlUnreachable,
)
from photo.domain.job import Failure, Status
from photo.domain.media import MediaType
from photo.domain.upload import RAW_LIFETIME
from photo.domain.webhook import DeliveryStatus, Event
from tests.makers import ACME, an_upload, photo_bytes
from tests.unit.post import ADMIN
from tests.unit.world import A_SECOND, World

PHOTO = photo_bytes()
VIRUS = b"a virus"
WHY = Failure("timed_out", "Too slow.", retryable=True)


class SlowScanner(MemoryScanner):
    """Takes two seconds, then answers or fails."""

    def __init__(self, failure: PhotoError | None = None) -> None:
        super().__init__({VIRUS: "Test"})
        self.world: World
        self._failure = failure

    async def scan(self, chunks: AsyncIterator[bytes]) -> str | None:
        self.world.clock.step(timedelta(seconds=2))
        if self._failure:
            raise self._failure
        return await super().scan(chunks)


def scanning(scanner: SlowScanner) -> World:
    scanner.world = World(scanner=scanner)
    return scanner.world


async def test_a_grant_is_counted(world: World) -> None:
    upload, _ = await world.grant(ACME, PhotoPromise(content_type=MediaType.JPEG))
    assert world.measures.notes == [("granted", upload)]


async def test_a_grant_that_is_undone_is_not_counted(world: World) -> None:
    with pytest.raises(RuntimeError):
        async with world.transactions.begin():
            await world.grant(ACME, PhotoPromise(content_type=MediaType.JPEG))
            raise RuntimeError
    assert world.measures.notes == []


async def test_a_photo_has_arrived_when_it_has_a_job(world: World) -> None:
    upload = await world.arrive(an_upload(), PHOTO)
    assert world.measures.of("arrived") == []
    await world.submit.on_upload(ACME, upload.id, {})
    assert world.measures.notes == [("arrived", len(PHOTO))]


async def test_a_photo_behind_a_url_is_no_upload(world: World) -> None:
    await world.submit.on_url(ACME, "https://example.com/photo.jpg", {})
    assert world.measures.notes == []


async def test_uploads_that_are_forgotten_have_expired(world: World) -> None:
    for _ in range(3):
        await world.uploads.add(an_upload(created_at=world.clock()))
    world.clock.step(RAW_LIFETIME + A_SECOND)
    await world.sweep()
    assert world.measures.notes == [("expired", 3)]


async def test_a_job_ends_once_however_often_it_is_told(world: World) -> None:
    job_id = await world.accept()
    for _ in range(2):
        await world.end.fail(job_id, WHY)
    await world.end.cancel(job_id)
    assert world.measures.notes == [("ended", await world.jobs.get(job_id))]


async def test_an_end_that_is_undone_is_not_counted(world: World) -> None:
    job_id = await world.accept()
    with pytest.raises(RuntimeError):
        async with world.transactions.begin():
            await world.finish.cancel(job_id)
            assert world.measures.notes == []
            raise RuntimeError
    assert world.measures.notes == []


async def test_every_page_is_counted_and_the_job_that_succeeds(world: World) -> None:
    job = await world.process(await world.accept(data=PHOTO))
    assert job.status is Status.SUCCEEDED
    names = [note[0] for note in world.measures.notes]
    assert names == ["recognized", "ended"]
    assert world.measures.of("ended") == [(job,)]


async def test_a_verdict_is_counted_with_its_time() -> None:
    world = scanning(SlowScanner())
    await world.verify(await world.accept())
    assert world.measures.of("scanned") == [(Verdict.CLEAN, 2.0)]


async def test_an_infected_photo_is_counted_with_the_job_that_fails() -> None:
    world = scanning(SlowScanner())
    with pytest.raises(Infected):
        await world.verify(await world.accept(data=PHOTO + VIRUS))
    assert world.measures.of("scanned") == [(Verdict.INFECTED, 2.0)]
    assert len(world.measures.of("ended")) == 1


@pytest.mark.parametrize(
    ("failure", "verdict"),
    [
        (Unavailable("The scanner is away."), Verdict.UNAVAILABLE),
        (Unscannable("It is encrypted."), Verdict.UNSCANNABLE),
    ],
)
async def test_what_is_no_verdict_is_counted(
    failure: PhotoError, verdict: Verdict
) -> None:
    world = scanning(SlowScanner(failure))
    with pytest.raises(type(failure)):
        await world.verify(await world.accept())
    assert world.measures.of("scanned") == [(verdict, 2.0)]


async def test_a_store_that_fails_is_not_the_scanners_fault() -> None:
    world = scanning(SlowScanner())
    job_id = await world.accept()
    world.raw.cut_after = 100
    with pytest.raises(Unavailable):
        await world.verify(job_id)
    assert world.measures.notes == []


async def test_a_photo_that_is_too_large_has_no_verdict() -> None:
    world = scanning(SlowScanner())
    job_id = await world.accept(an_upload(size_bytes=10), PHOTO)
    with pytest.raises(FileTooLarge):
        await world.verify(job_id)
    assert world.measures.notes == []


async def test_deliveries_of_a_webhook_that_was_disabled_are_counted_as_failed(
    world: World,
) -> None:
    await world.post.create(ADMIN, "https://hooks.example.com/photos", [*Event])
    for _ in range(2):
        await world.end.fail(await world.accept(), WHY)
    world.post.sender.answers = [Receipt(410)]
    for delivery in world.post.deliveries.known():
        await world.post.attempt(delivery.id)
    assert len(world.post.sender.sent) == 1
    gone, given_up = world.measures.of("delivered")
    assert gone[0] == DeliveryStatus.FAILED
    assert given_up == (DeliveryStatus.FAILED, None)


async def test_every_attempt_at_a_delivery_is_counted(world: World) -> None:
    await world.post.create(ADMIN, "https://hooks.example.com/photos", [*Event])
    job_id = await world.accept()
    await world.end.fail(job_id, WHY)
    (delivery,) = await world.post.deliveries.of_job(job_id)
    world.post.sender.answers = [
        UrlUnreachable("Too slow."),
        Receipt(503),
        Receipt(200),
    ]
    for _ in range(3):
        due_at = (await world.post.deliveries.get(delivery.id)).due_at
        assert due_at
        world.clock.at = due_at
        await world.post.attempt(delivery.id)
    assert [status for status, _ in world.measures.of("delivered")] == [
        DeliveryStatus.PENDING,
        DeliveryStatus.PENDING,
        DeliveryStatus.DELIVERED,
    ]
