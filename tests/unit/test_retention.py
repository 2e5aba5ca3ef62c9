from datetime import timedelta

import pytest

from photo.adapters.memory import MemoryAgedRecords, MemoryIdempotencyKeys
from photo.application.erasing import OVER_AFTER
from photo.application.idempotency import KEPT_FOR
from photo.application.retention import (
    EVENTS_KEPT_FOR,
    ApplyRetention,
    Pruned,
    Retention,
)
from photo.domain.audit import SERVICE
from photo.domain.errors import NotFound, Unavailable
from photo.domain.job import Job
from tests.makers import ACME, an_upload
from tests.unit.world import A_SECOND, Crash, World

A_DAY = timedelta(days=1)
NOTHING = Pruned(jobs=0, answers=0, events=0)


def keeping(world: World, days: int | None = None) -> ApplyRetention:
    answers = MemoryIdempotencyKeys(world.transactions)
    return ApplyRetention(
        MemoryAgedRecords(world.jobs, answers),
        world.erase,
        Retention(None if days is None else days * A_DAY),
        world.clock,
    )


async def read(world: World) -> Job:
    upload = await world.arrive(an_upload(created_at=world.clock()))
    job = await world.submit.on_upload(ACME, upload.id, {})
    return await world.process(job.id)


async def test_jobs_that_ended_too_long_ago_are_erased(world: World) -> None:
    old = await read(world)
    world.clock.step(A_DAY)
    young = await read(world)
    world.clock.step(29 * A_DAY - A_SECOND)
    assert (await keeping(world, days=30)()).jobs == 1
    with pytest.raises(NotFound):
        await world.jobs.get(old.id)
    assert await world.jobs.get(young.id) == young
    (erasure,) = world.erasures.known()
    assert (erasure.job_id, erasure.actor) == (old.id, SERVICE)
    assert {key.split("/")[1] for key in world.processed.contents()} == {young.id}


async def test_a_job_that_has_not_ended_stays(world: World) -> None:
    upload = await world.arrive(an_upload())
    job = await world.submit.on_upload(ACME, upload.id, {})
    world.clock.step(99 * A_DAY)
    assert (await keeping(world, days=30)()).jobs == 0
    assert await world.jobs.get(job.id) == job


async def test_without_a_limit_jobs_are_kept_for_good(world: World) -> None:
    job = await read(world)
    world.clock.step(9999 * A_DAY)
    assert (await keeping(world)()).jobs == 0
    assert await world.jobs.get(job.id) == job


async def test_a_run_that_breaks_is_completed_by_the_next(world: World) -> None:
    for _ in range(4):
        await read(world)
    world.clock.step(31 * A_DAY)
    world.fuse.blow_at(40)
    with pytest.raises(Crash):
        await keeping(world, days=30)()
    await keeping(world, days=30)()
    world.clock.step(OVER_AFTER + A_SECOND)
    await world.confirm()
    assert world.processed.contents() == world.raw.contents() == {}
    assert len(world.erasures.known()) == 4


async def test_a_store_that_is_away_leaves_the_rest_to_the_next_run() -> None:
    world = World()
    await read(world)
    world.clock.step(31 * A_DAY)
    world.processed.cut_after = 0
    with pytest.raises(Unavailable):
        await keeping(world, days=30)()
    world.processed.cut_after = None
    assert (await keeping(world, days=30)()).jobs == 1


async def test_answers_are_pruned_after_a_day(world: World) -> None:
    keys = MemoryIdempotencyKeys(world.transactions)
    retention = ApplyRetention(
        MemoryAgedRecords(world.jobs, keys), world.erase, Retention(), world.clock
    )
    now = world.clock()
    await keys.claim(ACME, "k", request_sha256="r", now=now, expired_before=now)
    world.clock.step(KEPT_FOR)
    assert await retention() == NOTHING
    world.clock.step(A_SECOND)
    assert await retention() == Pruned(jobs=0, answers=1, events=0)


async def test_the_past_of_a_job_is_pruned_a_day_after_its_end(world: World) -> None:
    job = await read(world)
    retention = keeping(world)
    world.clock.step(EVENTS_KEPT_FOR - A_SECOND)
    assert await retention() == NOTHING
    world.clock.step(timedelta(seconds=9))
    pruned = await retention()
    assert (pruned.jobs, pruned.answers) == (0, 0)
    assert pruned.events == job.version - 1
    assert await world.jobs.get(job.id) == job
    assert await retention() == NOTHING
