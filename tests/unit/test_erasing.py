import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from hashlib import sha256

import pytest

from photo.application.erasing import OVER_AFTER
from photo.domain.audit import Action
from photo.domain.erasure import Bucket, Erasure
from photo.domain.errors import NotFound, Unavailable
from photo.domain.files import MANIFEST
from photo.domain.infected import InfectedFile
from photo.domain.job import Job, JobId
from photo.domain.upload import Upload
from tests.makers import ACME, NOW, OTHER, an_upload, photo_bytes
from tests.unit.world import A_SECOND, Crash, World

PHOTO = photo_bytes()
FILES = {"normalized.jpg", "thumbnail.webp", "original"} | {
    "manifest.json",
    "text.json",
    "text.txt",
}


async def submitted(world: World) -> tuple[Upload, Job]:
    upload = await world.arrive(an_upload())
    return upload, await world.submit.on_upload(ACME, upload.id, {"order": "4711"})


async def read(world: World) -> Job:
    _, job = await submitted(world)
    return await world.process(job.id)


async def erase(world: World, job_id: JobId) -> Erasure:
    return await world.erase(world.caller, job_id)


async def nothing_left(world: World, job: Job) -> None:
    assert world.raw.contents() == {}
    assert world.processed.contents() == {}
    assert job.upload_id not in {upload.id for upload in world.uploads.known()}
    with pytest.raises(NotFound):
        await world.jobs.get(job.id)
    assert await world.texts.texts(ACME, [job.id]) == []


async def test_of_an_erased_job_nothing_is_left_but_the_receipt(world: World) -> None:
    job = await read(world)
    contents = world.processed.contents()
    world.clock.step(A_SECOND)
    receipt = await erase(world, job.id)
    await nothing_left(world, job)
    assert receipt.completed_at == world.clock()
    assert receipt.photo_sha256 == sha256(PHOTO).hexdigest()
    assert {each.key.rpartition("/")[2] for each in receipt.objects[1:]} == FILES
    raw = receipt.objects[0]
    assert (raw.bucket, raw.key, raw.sha256) == (
        Bucket.RAW,
        job.raw_key,
        sha256(PHOTO).hexdigest(),
    )
    for each in receipt.objects[1:]:
        data, _ = contents[each.key]
        assert (each.bucket, each.size_bytes) == (Bucket.PROCESSED, len(data))
        assert each.sha256 == sha256(data).hexdigest()
    assert (receipt.rows["jobs"], receipt.rows["uploads"]) == (1, 1)


async def test_the_receipt_is_the_same_for_ever(world: World) -> None:
    job = await read(world)
    receipt = await erase(world, job.id)
    world.clock.step(timedelta(days=400))
    assert await erase(world, job.id) == receipt


async def test_of_many_at_once_one_erases_and_all_get_its_receipt(
    world: World,
) -> None:
    job = await read(world)
    receipts = await asyncio.gather(*(erase(world, job.id) for _ in range(50)))
    assert receipts == [receipts[0]] * 50
    assert await world.post.actions() == [Action.JOB_ERASED]


async def test_another_tenants_job_is_not_there_nor_is_its_receipt(
    world: World,
) -> None:
    job = await read(world)
    stranger = type(world.caller)(OTHER, frozenset(), "key_2")
    for _ in range(2):
        with pytest.raises(NotFound):
            await world.erase(stranger, job.id)
        await erase(world, job.id)


async def test_what_never_was_cannot_be_erased(world: World) -> None:
    with pytest.raises(NotFound):
        await erase(world, JobId("job_unknown"))


async def test_who_erased_what_is_in_the_audit_log(world: World) -> None:
    job = await read(world)
    await erase(world, job.id)
    (entry,) = await world.post.audit.page(ACME, limit=9)
    assert (entry.actor, entry.action, entry.target) == (
        "key_1",
        Action.JOB_ERASED,
        job.id,
    )


async def test_an_unfinished_job_is_cancelled_with_it(world: World) -> None:
    _, job = await submitted(world)
    await world.verify(job.id)
    await erase(world, job.id)
    assert world.engine.cancelled == [job.id]
    (usage,) = await world.usage.days(ACME, first=NOW.date(), last=NOW.date())
    assert (usage.jobs, usage.cancelled) == (1, 1)
    await nothing_left(world, job)


async def test_an_ended_job_counts_once(world: World) -> None:
    job = await read(world)
    await erase(world, job.id)
    assert world.engine.cancelled == []
    (usage,) = await world.usage.days(ACME, first=NOW.date(), last=NOW.date())
    assert (usage.jobs, usage.succeeded, usage.cancelled) == (1, 1, 0)


async def test_what_a_cancelled_job_left_goes_too(world: World) -> None:
    _, job = await submitted(world)
    await world.verify(job.id)
    await world.normalize(job.id)
    await world.cancel(ACME, job.id)
    receipt = await erase(world, job.id)
    names = {each.key.rpartition("/")[2] for each in receipt.objects[1:]}
    assert names == {"original", "normalized.jpg", "thumbnail.webp"}
    assert all(each.sha256 == sha256(PHOTO).hexdigest() for each in receipt.objects)
    await nothing_left(world, job)


async def test_a_job_whose_photo_has_been_swept_is_erased(world: World) -> None:
    job = await read(world)
    await world.raw.delete(job.raw_key)
    receipt = await erase(world, job.id)
    assert {each.bucket for each in receipt.objects} == {Bucket.PROCESSED}


@pytest.mark.parametrize("damaged", [b"", b"{}", b'{"files": ['])
async def test_a_damaged_manifest_keeps_nothing_from_being_erased(
    world: World, damaged: bytes
) -> None:
    job = await read(world)
    manifest = job.artifact_key(MANIFEST)
    await world.processed.receive(manifest, damaged, content_type="application/json")
    receipt = await erase(world, job.id)
    await nothing_left(world, job)
    sums = {each.key: each.sha256 for each in receipt.objects}
    assert sums[manifest] == sha256(damaged).hexdigest()
    assert len(sums) == 1 + len(FILES)


async def test_its_neighbours_stay(world: World) -> None:
    job, other = await read(world), await read(world)
    await erase(world, job.id)
    assert await world.jobs.get(other.id) == other
    assert {key.split("/")[1] for key in world.processed.contents()} == {other.id}
    assert {*world.raw.contents()} == {other.raw_key}


async def test_a_retry_stays_until_it_is_erased_itself(world: World) -> None:
    job = await read(world)
    again = await world.retry(ACME, job.id)
    await world.process(again.id)
    receipt = await erase(world, job.id)
    assert receipt.rows["uploads"] == 0
    kept = await world.jobs.get(again.id)
    assert (kept.retry_of, kept.upload_id) == (None, job.upload_id)
    assert {key.split("/")[1] for key in world.processed.contents()} == {again.id}
    await erase(world, again.id)
    await nothing_left(world, again)


@pytest.mark.parametrize("steps", range(4))
async def test_a_step_after_it_finds_no_job(world: World, steps: int) -> None:
    _, job = await submitted(world)
    left = steps

    async def erased_before_one(step: Callable[[], Awaitable[object]], /) -> object:
        nonlocal left
        left -= 1
        if left >= 0:
            return await step()
        await erase(world, job.id)
        return await step()

    with pytest.raises(NotFound):
        await world.process(job.id, erased_before_one)  # type: ignore[arg-type]  # it passes on whatever the step returns
    await nothing_left(world, job)


async def test_what_a_step_still_at_work_wrote_is_deleted_later(world: World) -> None:
    upload, job = await submitted(world)
    await world.verify(job.id)

    async def erased() -> None:
        await erase(world, job.id)

    # After the first of its files was written.
    world.fuse.blow_at(3, meanwhile=erased)
    with pytest.raises(NotFound):
        await world.normalize(job.id)
    await world.send(upload)
    assert world.processed.contents()
    world.clock.step(OVER_AFTER)
    assert await world.confirm() == 0
    world.clock.step(A_SECOND)
    assert await world.confirm() == 1
    await nothing_left(world, job)
    assert await world.confirm() == 0
    (erasure,) = world.erasures.known()
    assert erasure.confirmed_at == world.clock()


async def test_who_found_a_harmful_file_is_forgotten(world: World) -> None:
    _, job = await submitted(world)
    file = InfectedFile(sha256="0" * 64, signature="Bad", found_at=NOW, job_id=job.id)
    await world.infected.add(file)
    await erase(world, job.id)
    assert [known.job_id for known in await world.infected.all(limit=9)] == [None]


async def test_an_engine_that_is_away_keeps_nothing_from_being_erased(
    world: World,
) -> None:
    _, job = await submitted(world)
    world.engine.fault = Unavailable("Temporal is away.")
    await erase(world, job.id)
    await nothing_left(world, job)


ERASE_CALLS = 18


@pytest.mark.parametrize("call", range(1, ERASE_CALLS + 1))
async def test_a_crash_at_any_call_is_made_good_by_trying_again(
    world: World, call: int
) -> None:
    job = await read(world)
    world.fuse.blow_at(call)
    with pytest.raises(Crash):
        await erase(world, job.id)
    receipt = await erase(world, job.id)
    await nothing_left(world, job)
    assert await erase(world, job.id) == receipt
    assert len(receipt.objects) == 1 + len(FILES)
    assert await world.post.actions() == [Action.JOB_ERASED]


async def test_the_crashes_cover_every_call(world: World) -> None:
    job = await read(world)
    world.fuse.blow_at(0)
    await erase(world, job.id)
    assert world.fuse.calls == ERASE_CALLS


@pytest.mark.parametrize("call", range(1, 11))
async def test_a_crash_while_erasing_an_unfinished_job_is_made_good_by_the_pass(
    world: World, call: int
) -> None:
    _, job = await submitted(world)
    await world.verify(job.id)
    world.fuse.blow_at(call)
    with pytest.raises(Crash):
        await erase(world, job.id)
    if not world.erasures.known():
        await erase(world, job.id)
    world.clock.step(OVER_AFTER + A_SECOND)
    await world.confirm()
    await nothing_left(world, job)
    (usage,) = await world.usage.days(ACME, first=NOW.date(), last=NOW.date())
    assert usage.cancelled == 1
