from datetime import UTC, datetime, timedelta

import pytest

from photo.domain.errors import RateLimited
from photo.domain.job import JobId, Status
from photo.domain.usage import DailyQuota, UsageDay
from tests.makers import ACME, NOW, an_upload, photo_bytes
from tests.unit.world import Crash, World

URL = "https://example.com/photo.jpg"
PHOTO = photo_bytes()
SIZE = len(PHOTO)
TODAY = NOW.date()


@pytest.fixture
def world() -> World:
    return World(internet={URL: PHOTO})


async def used(world: World) -> UsageDay:
    (day,) = await world.usage.days(ACME, first=TODAY, last=TODAY)
    return day


async def submit(world: World) -> JobId:
    upload = await world.arrive(an_upload(created_at=world.clock()))
    return (await world.submit.on_upload(ACME, upload.id, {})).id


async def test_a_job_counts_when_it_is_accepted_and_when_it_ends(world: World) -> None:
    job_id = await submit(world)
    assert await used(world) == UsageDay(day=TODAY, jobs=1, bytes=SIZE)
    await world.process(job_id)
    await world.end.cancel(job_id)
    assert await used(world) == UsageDay(day=TODAY, jobs=1, bytes=SIZE, succeeded=1)


@pytest.mark.parametrize("steps", [1, 2, 3])
async def test_a_fetched_photo_counts_once_when_it_is_known(
    world: World, steps: int
) -> None:
    job_id = (await world.submit.on_url(ACME, URL, {})).id
    assert (await used(world)).bytes == 0
    await world.fetch(job_id)
    for _ in range(steps):
        await world.verify(job_id)
    assert await used(world) == UsageDay(day=TODAY, jobs=1, bytes=SIZE)


@pytest.mark.parametrize("url", [URL, None])
async def test_a_retry_counts_like_any_other_job(world: World, url: str | None) -> None:
    if url:
        job_id = (await world.submit.on_url(ACME, url, {})).id
    else:
        job_id = await submit(world)
    await world.process(job_id)
    await world.process((await world.retry(ACME, job_id)).id)
    assert await used(world) == UsageDay(day=TODAY, jobs=2, bytes=2 * SIZE, succeeded=2)


@pytest.mark.parametrize("call", range(1, 30))
async def test_whatever_crashes_every_job_counts_once(world: World, call: int) -> None:
    job_id = (await world.submit.on_url(ACME, URL, {})).id
    world.fuse.blow_at(call)
    try:
        await world.process(job_id)
    except Crash:
        job = await world.jobs.get(job_id)
        if job.status is not Status.SUCCEEDED:
            await world.process(job_id)
    assert await used(world) == UsageDay(day=TODAY, jobs=1, bytes=SIZE, succeeded=1)


async def test_beyond_the_quota_nothing_is_stored() -> None:
    world = World(quota=DailyQuota(jobs=1))
    await submit(world)
    upload = await world.arrive(an_upload())
    with pytest.raises(RateLimited):
        await world.submit.on_upload(ACME, upload.id, {})
    assert await world.jobs.for_upload(upload.id) is None
    assert (await used(world)).jobs == 1


async def test_the_next_day_has_a_quota_of_its_own() -> None:
    world = World(quota=DailyQuota(bytes=SIZE))
    await submit(world)
    with pytest.raises(RateLimited) as refused:
        await submit(world)
    assert refused.value.retry_after
    world.clock.step(refused.value.retry_after)
    await submit(world)


async def test_erasing_does_not_give_back() -> None:
    world = World(quota=DailyQuota(jobs=1))
    job_id = await submit(world)
    await world.erase(world.caller, job_id)
    with pytest.raises(RateLimited):
        await submit(world)


@pytest.mark.parametrize(
    ("now", "wait"),
    [
        (datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), timedelta(seconds=1)),
        (datetime(2026, 1, 1, tzinfo=UTC), timedelta(days=1)),
    ],
)
def test_a_refusal_says_how_long_it_is_to_midnight(
    now: datetime, wait: timedelta
) -> None:
    refusal = DailyQuota(jobs=3, bytes=10).refusal(now)
    assert refusal.retry_after == wait
    assert "3 jobs and 10 bytes" in refusal.detail
