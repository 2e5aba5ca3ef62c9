"""Files of jobs against their rows."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from photo.adapters.memory import MemoryObjectStore
from photo.application import reconciling
from photo.application.ports import Buckets, ListedObject, Repair
from photo.application.reconciling import AT_WORK, LATELY, SKEW, Stretch
from photo.domain.access import Tenant
from photo.domain.errors import Unavailable
from photo.domain.files import (
    ALWAYS_THERE,
    MANIFEST,
    NORMALIZED,
    TEXT_JSON,
    artifact_of,
)
from photo.domain.job import Failure, Job, Step
from tests.makers import NOW, OTHER, a_job, an_upload, in_chunks
from tests.unit.world import A_SECOND, Crash, World

BROKEN = Failure("corrupt_image", "This is no photo.", retryable=False)
A_DAY = timedelta(days=1)
FOREIGN = ("readme.txt", "acme/readme.txt", "acme/job_1/text.txt", "acme/job_")


async def put(world: World, *keys: str) -> None:
    for key in keys:
        await world.processed.write(key, in_chunks(b"x"), content_type="image/jpeg")


async def succeeded(world: World, job: Job | None = None) -> Job:
    job_id = job.id if job else await world.accept()
    return await world.process(job_id)


async def erased(world: World) -> Job:
    job = await world.jobs.get(await world.accept())
    await world.erase(world.caller, job.id)
    return job


async def swept(world: World) -> Stretch:
    """All the way."""
    so_far = Stretch()
    while so_far.next is not None:
        so_far = await world.sweep_artifacts(so_far)
    return so_far


async def checked(world: World) -> Stretch:
    so_far = Stretch()
    while so_far.next is not None:
        so_far = await world.check_results(so_far)
    return so_far


def an_hour_later(world: World) -> World:
    world.clock.step(AT_WORK + A_SECOND)
    return world


def keys(world: World) -> set[str]:
    return {*world.processed.contents()}


def damaged(world: World) -> list[tuple[object, object]]:
    return [
        (about["job_id"], about["files"])
        for repair, _, about in world.repairs.notes
        if repair is Repair.RESULT_DAMAGED
    ]


async def test_files_of_a_job_that_was_erased_go_after_an_hour(world: World) -> None:
    gone = await erased(world)
    await put(world, gone.artifact_key("a.jpg"), gone.artifact_key("b.jpg"))
    world.clock.step(AT_WORK)
    assert (await swept(world)).deleted == 0
    world.clock.step(A_SECOND)
    assert await swept(world) == Stretch(next=None, seen=2, deleted=2)
    assert keys(world) == set()
    assert world.repairs.notes == [
        (
            Repair.ARTIFACT_DELETED,
            1,
            {"job_id": gone.id, "key": gone.artifact_key(name)},
        )
        for name in ("a.jpg", "b.jpg")
    ]


async def test_files_that_neither_row_nor_receipt_explains_are_kept_and_told_of(
    world: World,
) -> None:
    lost, other = a_job(), a_job()
    await put(world, *(lost.artifact_key(name) for name in ALWAYS_THERE))
    await put(world, other.artifact_key(NORMALIZED))
    before = keys(world)
    world.clock.step(100 * A_DAY)
    for _ in range(2):
        found = await swept(world)
        assert found == Stretch(next=None, seen=len(before), without_row=len(before))
    assert keys(world) == before
    assert world.repairs.notes == [
        (Repair.ARTIFACT_WITHOUT_ROW, len(before), {}),
        (Repair.ARTIFACT_WITHOUT_ROW, len(before), {}),
    ]


async def test_a_database_that_lost_its_jobs_costs_no_file(world: World) -> None:
    for _ in range(3):
        await succeeded(world)
    before = keys(world)
    restored = World()
    for key in before:
        data, content_type = world.processed.contents()[key]
        await restored.processed.receive(key, data, content_type=content_type)
    restored.clock.step(100 * A_DAY)
    await swept(restored)
    await checked(restored)
    assert keys(restored) == before


async def test_a_job_that_is_erased_during_a_sweep_is_not_without_row(
    world: World,
) -> None:
    job = await succeeded(world)
    world.fuse.blow_at(1, lambda: world.erase(world.caller, job.id))
    found = await swept(world)
    assert world.fuse.blown
    assert found == Stretch(next=None, seen=len(ALWAYS_THERE))


async def test_files_that_are_told_of_are_counted_over_the_whole_walk(
    world: World,
) -> None:
    lost = a_job()
    many = reconciling._PAGE * reconciling._PAGES + 1
    await put(world, *(lost.artifact_key(f"{n:05}.jpg") for n in range(many)))
    half = await world.sweep_artifacts(Stretch())
    assert half.without_row == many - 1
    assert world.repairs.notes == []
    assert await world.sweep_artifacts(half) == Stretch(
        next=None, seen=many, without_row=many
    )
    assert world.repairs.notes == [(Repair.ARTIFACT_WITHOUT_ROW, many, {})]


async def test_files_of_jobs_that_did_not_succeed_go(world: World) -> None:
    failed, cancelled = await world.accept(), await world.accept()
    await world.end.fail(failed, BROKEN)
    await world.end.cancel(cancelled)
    for job_id in (failed, cancelled):
        job = await world.jobs.get(job_id)
        await put(world, job.artifact_key(NORMALIZED))
    assert (await swept(an_hour_later(world))).deleted == 2
    assert keys(world) == set()


async def test_files_of_unfinished_jobs_and_of_those_that_succeeded_stay(
    world: World,
) -> None:
    await succeeded(world)
    running = await world.jobs.get(await world.accept())
    await put(world, running.artifact_key(NORMALIZED))
    await world.jobs.update(running.id, lambda job: job.enter(Step.NORMALIZE, at=NOW))
    before = keys(world)
    world.clock.step(100 * A_DAY)
    assert (await swept(world)).deleted == 0
    assert keys(world) == before
    assert len(before) == len(ALWAYS_THERE) + 1


async def test_what_bears_no_key_of_a_job_is_never_touched(world: World) -> None:
    await put(world, *FOREIGN)
    world.clock.step(100 * A_DAY)
    assert await swept(world) == Stretch(next=None, seen=len(FOREIGN))
    assert keys(world) == {*FOREIGN}


async def test_another_tenants_folder_lends_a_job_no_files(world: World) -> None:
    job = await succeeded(world)
    foreign = f"{OTHER}/{job.id}/{NORMALIZED}"
    await put(world, foreign)
    assert (await swept(an_hour_later(world))).deleted == 1
    assert foreign not in keys(world)


def test_every_key_of_a_job_is_known_as_its() -> None:
    job = a_job()
    for name in ALWAYS_THERE:
        assert artifact_of(job.artifact_key(name)) == (job.id, name)
    for key in FOREIGN:
        assert artifact_of(key) is None


async def test_a_long_way_is_gone_in_stretches(world: World) -> None:
    stretch = reconciling._PAGE * reconciling._PAGES
    gone = await erased(world)
    await put(world, *(gone.artifact_key(f"{n:05}.jpg") for n in range(stretch + 1)))
    an_hour_later(world)
    first = await world.sweep_artifacts(Stretch())
    assert first.seen == first.deleted == stretch
    assert first.next == gone.artifact_key(f"{stretch - 1:05}.jpg")
    assert await world.sweep_artifacts(first) == Stretch(
        next=None, seen=stretch + 1, deleted=stretch + 1
    )


@pytest.mark.parametrize("call", range(1, 14))
async def test_after_a_crash_at_any_call_the_next_sweep_goes_on(
    world: World, call: int
) -> None:
    gone = await erased(world)
    await put(world, *(gone.artifact_key(f"{n}.jpg") for n in range(11)))
    world.fuse.blow_at(call)
    with pytest.raises(Crash):
        await swept(an_hour_later(world))
    await swept(world)
    assert keys(world) == set()


async def test_all_is_well_with_what_was_just_made(world: World) -> None:
    await succeeded(world)
    running = await world.jobs.get(await world.accept())
    await put(world, running.artifact_key(NORMALIZED), f"{running.tenant}/job_x")
    await succeeded(world)
    assert await checked(world) == Stretch(next=None, seen=2)
    assert world.repairs.notes == []


@pytest.mark.parametrize("name", sorted(ALWAYS_THERE))
@pytest.mark.parametrize("age", [timedelta(), 100 * A_DAY])
async def test_a_missing_file_is_told_of_and_nothing_is_deleted(
    world: World, name: str, age: timedelta
) -> None:
    job, sound = await succeeded(world), await succeeded(world)
    await world.processed.delete(job.artifact_key(name))
    await put(world, job.artifact_key("extra.jpg"))
    world.clock.step(age)
    before = keys(world)
    assert await checked(world) == Stretch(next=None, seen=2, damaged=1)
    assert damaged(world) == [(job.id, [name])]
    assert keys(world) == before
    assert {sound.artifact_key(each) for each in ALWAYS_THERE} < before


@pytest.mark.parametrize("age", [timedelta(), 100 * A_DAY])
async def test_all_files_of_a_job_may_be_missing(world: World, age: timedelta) -> None:
    job = await succeeded(world)
    world.clock.step(age)
    for key in keys(world):
        await world.processed.delete(key)
    assert (await checked(world)).damaged == 1
    assert damaged(world) == [(job.id, [MANIFEST])]


async def replaced(world: World, job: Job, name: str, data: bytes) -> None:
    key = job.artifact_key(name)
    await world.processed.delete(key)
    await world.processed.write(key, in_chunks(data), content_type="image/jpeg")


@pytest.mark.parametrize("age", [timedelta(), 100 * A_DAY])
async def test_a_file_of_another_size_is_told_of(world: World, age: timedelta) -> None:
    job = await succeeded(world)
    world.clock.step(age)
    await replaced(world, job, NORMALIZED, b"another photo")
    await checked(world)
    assert damaged(world) == [(job.id, [NORMALIZED])]


@pytest.mark.parametrize("age", [timedelta(), 100 * A_DAY])
async def test_a_manifest_that_says_something_else_is_told_of(
    world: World, age: timedelta
) -> None:
    job = await succeeded(world)
    await put(world, job.artifact_key("extra.jpg"))
    world.clock.step(age)
    forged, _ = world.processed.contents()[job.artifact_key(MANIFEST)]
    await replaced(world, job, MANIFEST, forged.replace(b"normalized", b"photograph"))
    before = keys(world)
    await checked(an_hour_later(world))
    await checked(world)
    assert damaged(world) == [(job.id, [MANIFEST])] * 2
    assert keys(world) == before


async def test_a_store_that_is_away_is_no_damage(world: World) -> None:
    class Away(MemoryObjectStore):
        async def list(self, *, after: str, limit: int) -> Sequence[ListedObject]:
            raise Unavailable("The object store is away.")

    await succeeded(world)
    check = world.check_results
    away = type(check)(
        check.jobs,
        Buckets(raw=Away(), processed=Away()),
        check.holdings,
        check.remove,
        check.repairs,
        check.now,
    )
    with pytest.raises(Unavailable):
        await away(Stretch())
    assert damaged(world) == []


async def test_a_job_that_is_erased_meanwhile_is_not_damaged(world: World) -> None:
    job = await succeeded(world)
    world.fuse.blow_at(1, lambda: world.erase(world.caller, job.id))
    await checked(world)
    assert world.fuse.blown
    assert keys(world) == set()
    assert damaged(world) == []


async def test_files_that_no_manifest_names_go_after_an_hour(world: World) -> None:
    job = await succeeded(world)
    before = keys(world)
    await put(world, job.artifact_key("normalized-2.jpg"))
    assert (await checked(world)).deleted == 0
    assert await checked(an_hour_later(world)) == Stretch(next=None, seen=1, deleted=1)
    assert keys(world) == before


async def test_what_was_written_long_after_the_end_is_found(world: World) -> None:
    job = await succeeded(world)
    world.clock.step(10 * LATELY)
    await put(world, job.artifact_key("normalized-2.jpg"))
    assert (await checked(an_hour_later(world))).deleted == 1


async def test_of_old_jobs_no_manifest_is_read_while_all_looks_well(
    world: World,
) -> None:
    for _ in range(3):
        await succeeded(world)
    world.clock.step(LATELY + SKEW)
    reads = world.processed.chunks_read
    assert await checked(world) == Stretch(next=None, seen=3)
    assert world.processed.chunks_read == reads


async def test_every_tenants_jobs_are_checked(world: World) -> None:
    jobs = []
    for tenant in ("acme", "acme-2", "zebra"):
        for _ in range(3):
            upload = await world.arrive(an_upload(tenant=Tenant(tenant)))
            job = a_job(upload, now=world.clock())
            await world.jobs.add(job)
            jobs.append(await world.process(job.id))
    for job in jobs:
        await world.processed.delete(job.artifact_key(TEXT_JSON))
    so_far, calls = Stretch(), 0
    while so_far.next is not None:
        so_far = await world.check_results(so_far)
        calls += 1
    assert (so_far.seen, so_far.damaged, calls) == (9, 9, 4)
    assert {job_id for job_id, _ in damaged(world)} == {job.id for job in jobs}


async def test_more_files_than_a_page_are_seen(world: World) -> None:
    first, last = await succeeded(world), await succeeded(world)
    crowd = [first.artifact_key(f"a{n}.jpg") for n in range(reconciling._PAGE)]
    await put(world, *crowd)
    assert (await checked(an_hour_later(world))).deleted == len(crowd)
    assert last.ended
    assert damaged(world) == []


async def test_a_stretch_begins_where_it_is_told(world: World) -> None:
    job = await succeeded(world)
    await world.processed.delete(job.artifact_key(TEXT_JSON))
    behind, before = (f"{job.tenant}/{job_id}" for job_id in (job.id, "job_0"))
    assert await world.check_results(Stretch(next=behind)) == Stretch(next=None)
    assert (await world.check_results(Stretch(next=before))).seen == 1
    assert len(damaged(world)) == 1
