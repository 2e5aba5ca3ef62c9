import asyncio
from collections import Counter
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from photo.domain.access import Tenant
from photo.domain.errors import JobFinished, NotFound, UploadUsed
from photo.domain.job import Failure, Job, JobId, Photo, Step
from photo.domain.media import MediaType
from photo.domain.upload import UploadId
from tests.contracts.repositories import Repositories, add_job
from tests.makers import ACME, NOW, OTHER, a_job, a_url_job, an_upload

SECOND = timedelta(seconds=1)
WHY = Failure("timed_out", "Too slow.", retryable=True)


def through_all_steps(job: Job) -> Job:
    for number, step in enumerate(Step):
        job = job.enter(step, at=NOW + number * SECOND)
    return job


async def test_a_job_comes_back_as_it_was(repositories: Repositories) -> None:
    new = a_job(metadata={"Auftrag": "№ 7 📷", "quote": "\"'\\%"})
    running = through_all_steps(a_job()).describe(
        Photo(
            content_type=MediaType.HEIC,
            size_bytes=1,
            sha256="0b" * 32,
            width=4032,
            height=3024,
        )
    )
    succeeded = through_all_steps(a_job()).succeed(
        text_preview="Grüße\n\f", manifest_sha256="0c" * 32, at=NOW + 9 * SECOND
    )
    failed = a_job().fail(Failure("infected", "It has EICAR.", retryable=False), at=NOW)
    cancelled = a_job().cancel(at=NOW)
    for job in (new, running, succeeded, failed, cancelled):
        await add_job(repositories, job)
        assert await repositories.jobs.get(job.id) == job


async def test_a_job_on_a_url_comes_back_as_it_was(repositories: Repositories) -> None:
    new = a_url_job("https://example.com/März/📷.jpg?a=1&b=%20#x", metadata={"a": "b"})
    failed = a_url_job().fail(
        Failure("url_unreachable", "Nothing was found there.", retryable=False), at=NOW
    )
    for job in (new, failed):
        await repositories.jobs.add(job)
        found = await repositories.jobs.get(job.id)
        assert found == job
        assert (found.source_url, found.upload_id) == (job.source_url, None)


async def test_many_jobs_may_be_on_one_url(repositories: Repositories) -> None:
    jobs = [a_url_job() for _ in range(3)]
    await asyncio.gather(*map(repositories.jobs.add, jobs))
    for job in jobs:
        assert await repositories.jobs.get(job.id) == job


async def test_why_a_step_waits_is_stored_until_the_next_step(
    repositories: Repositories,
) -> None:
    away = Failure("dependency_unavailable", "The scanner „clamd“ is away.", True)
    waiting = a_job().enter(Step.SCAN, at=NOW).wait(away)
    job = await add_job(repositories, waiting)
    assert (await repositories.jobs.get(job.id)).step_error == away
    at = NOW + SECOND
    await repositories.jobs.update(job.id, lambda job: job.enter(Step.NORMALIZE, at=at))
    assert (await repositories.jobs.get(job.id)).step_error is None


async def test_the_keys_that_unfinished_jobs_are_on_are_told_from_others(
    repositories: Repositories,
) -> None:
    fetching = a_url_job().enter(Step.FETCH, at=NOW)
    unfinished = [a_job(), through_all_steps(a_job()), fetching]
    harmful = Failure("infected", "It has EICAR.", retryable=False)
    ended = [
        a_url_job().fail(harmful, at=NOW),
        a_job().cancel(at=NOW),
        a_job().succeed(text_preview="", manifest_sha256="0c" * 32, at=NOW),
    ]
    other = a_job()
    for job in (*unfinished, *ended, other):
        await add_job(repositories, job)

    asked = [*(job.raw_key for job in (*unfinished, *ended)), "acme/upl_x", "' OR 1=1"]

    async def needed(*keys: str) -> AbstractSet[str]:
        return await repositories.jobs.needed_on(keys, crashed_after=NOW)

    assert await needed(*asked) == {job.raw_key for job in unfinished}
    assert await needed() == set()
    assert await needed(*[other.raw_key] * 2) == {other.raw_key}


async def test_a_thousand_keys_are_asked_for_at_once(
    repositories: Repositories,
) -> None:
    job = await add_job(repositories, a_job())
    keys = [f"acme/upl_{number}" for number in range(999)]
    needed = await repositories.jobs.needed_on([*keys, job.raw_key], crashed_after=NOW)
    assert needed == {job.raw_key}


async def test_photos_that_processes_died_of_are_needed_for_a_while(
    repositories: Repositories,
) -> None:
    died = Failure("recognition_failed", "No.", retryable=False, crashes=("a", "b"))
    on_upload, on_url = a_job().fail(died, at=NOW), a_url_job().fail(died, at=NOW)
    retry = on_upload.again(id=a_job().id, now=NOW).fail(died, at=NOW)
    broken = a_job().fail(replace(died, crashes=()), at=NOW)
    cancelled = a_job().cancel(at=NOW)
    for job in (on_upload, on_url, broken, cancelled):
        await add_job(repositories, job)
    await repositories.jobs.add(retry)
    assert await repositories.jobs.get(on_upload.id) == on_upload
    keys = [
        job.raw_key for job in (on_upload, on_url, retry, broken, cancelled, a_job())
    ]

    async def needed(since: datetime) -> AbstractSet[str]:
        return await repositories.jobs.needed_on(keys, crashed_after=since)

    assert await needed(NOW - SECOND) == {*keys[:3]}
    assert await needed(NOW) == set()


async def test_jobs_are_found_by_their_ids(repositories: Repositories) -> None:
    jobs = [await add_job(repositories, a_job()) for _ in range(3)]
    foreign = await add_job(repositories, a_job(an_upload(tenant=OTHER)))
    asked = [jobs[0].id, foreign.id, JobId("job_unknown"), jobs[2].id]
    assert await repositories.jobs.find(asked) == {
        job.id: job for job in (jobs[0], foreign, jobs[2])
    }
    assert await repositories.jobs.find([]) == {}


async def test_jobs_that_succeeded_are_named_tenant_by_tenant(
    repositories: Repositories,
) -> None:
    async def added(name: str, *, ended: bool = True) -> Job:
        job = a_job(an_upload(tenant=Tenant(name)))
        if ended:
            job = job.succeed(text_preview="", manifest_sha256="0c" * 32, at=NOW)
        return await add_job(repositories, job)

    acme = [await added("acme") for _ in range(3)]
    zebra = await added("zebra")
    await added("middle", ended=False)
    await added("acme", ended=False)
    await add_job(repositories, a_job().cancel(at=NOW))

    async def after(tenant: str, job_id: str, limit: int = 9) -> list[Job]:
        place = (Tenant(tenant), JobId(job_id))
        return [*await repositories.jobs.succeeded(after=place, limit=limit)]

    assert await after("", "") == acme
    assert await after("", "", limit=2) == acme[:2]
    assert await after("acme", acme[1].id) == [acme[2]]
    assert await after("acme", acme[2].id) == [zebra]
    assert await after("middle", "") == [zebra]
    assert await after("zebra", zebra.id) == []


async def test_steps_keep_the_order_in_which_they_were_entered(
    repositories: Repositories,
) -> None:
    job = await add_job(repositories, through_all_steps(a_job()))
    found = await repositories.jobs.get(job.id)
    assert list(found.entered) == list(Step)
    assert found.durations() == job.durations()


async def test_an_unknown_job_is_not_found(repositories: Repositories) -> None:
    unknown = JobId("job_0")
    with pytest.raises(NotFound):
        await repositories.jobs.get(unknown)
    with pytest.raises(NotFound):
        await repositories.jobs.get_for(ACME, unknown)
    with pytest.raises(NotFound):
        await repositories.jobs.update(unknown, lambda job: job)


async def test_another_tenant_sees_no_job(repositories: Repositories) -> None:
    job = await add_job(repositories, a_job())
    assert await repositories.jobs.get_for(job.tenant, job.id) == job
    with pytest.raises(NotFound):
        await repositories.jobs.get_for(OTHER, job.id)


async def test_the_job_of_an_upload_is_found(repositories: Repositories) -> None:
    job = await add_job(repositories, a_job())
    assert job.upload_id
    assert await repositories.jobs.for_upload(job.upload_id) == job
    assert await repositories.jobs.for_upload(UploadId("upl_0")) is None


async def test_a_used_upload_takes_no_second_job(repositories: Repositories) -> None:
    upload = an_upload()
    first = await add_job(repositories, a_job(upload), upload)
    second = a_job(upload)
    with pytest.raises(UploadUsed):
        await repositories.jobs.add(second)
    with pytest.raises(NotFound):
        await repositories.jobs.get(second.id)
    assert await repositories.jobs.for_upload(upload.id) == first


async def test_of_twenty_jobs_on_one_upload_exactly_one_wins(
    repositories: Repositories,
) -> None:
    upload = an_upload()
    await repositories.uploads.add(upload)
    jobs = [a_job(upload) for _ in range(20)]
    outcomes = await asyncio.gather(
        *map(repositories.jobs.add, jobs), return_exceptions=True
    )
    assert Counter(map(type, outcomes)) == {type(None): 1, UploadUsed: 19}
    winner = jobs[outcomes.index(None)]
    assert await repositories.jobs.for_upload(upload.id) == winner


async def test_an_update_is_stored_and_returned(repositories: Repositories) -> None:
    job = await add_job(repositories, a_job())
    changed = await repositories.jobs.update(job.id, through_all_steps)
    assert changed == replace(through_all_steps(job), version=2)
    assert changed == await repositories.jobs.get(job.id)


async def test_concurrent_updates_are_all_kept(repositories: Repositories) -> None:
    job = await add_job(repositories, a_job(metadata={"marks": ""}))

    def mark(job: Job) -> Job:
        return replace(job, metadata={"marks": job.metadata["marks"] + "x"})

    await asyncio.gather(*(repositories.jobs.update(job.id, mark) for _ in range(20)))
    assert (await repositories.jobs.get(job.id)).metadata == {"marks": "x" * 20}


async def test_a_change_that_fails_changes_nothing(repositories: Repositories) -> None:
    job = await add_job(repositories, a_job().cancel(at=NOW))
    with pytest.raises(JobFinished):
        await repositories.jobs.update(job.id, through_all_steps)
    assert await repositories.jobs.get(job.id) == job
    assert await repositories.jobs.update(job.id, lambda job: job) == job


@pytest.mark.parametrize(
    "end",
    [
        lambda job: job.fail(WHY, at=NOW),
        lambda job: job.cancel(at=NOW),
        lambda job: job.succeed(text_preview="", manifest_sha256="0a" * 32, at=NOW),
    ],
    ids=["failed", "cancelled", "succeeded"],
)
async def test_an_end_is_never_changed(
    repositories: Repositories, end: Callable[[Job], Job]
) -> None:
    job = await add_job(repositories, a_job())
    ended = await repositories.jobs.update(job.id, end)
    others = [
        replace(job.enter(Step.VERIFY, at=NOW), version=9),
        job.fail(replace(WHY, code="internal"), at=NOW),
        job.succeed(text_preview="", manifest_sha256="0b" * 32, at=NOW),
        replace(ended, finished_at=NOW + SECOND),
    ]
    for other in others:
        with pytest.raises(JobFinished):
            await repositories.jobs.update(job.id, always(other))
    assert await repositories.jobs.get(job.id) == ended


def always(job: Job) -> Callable[[Job], Job]:
    return lambda _: job


async def test_jobs_that_do_not_move_are_named_queued_first_and_oldest_first(
    repositories: Repositories,
) -> None:
    def moments() -> list[Job]:
        return [a_job(now=NOW + number * SECOND) for number in (1, 0, 2)]

    async def added(job: Job) -> JobId:
        return (await add_job(repositories, job)).id

    running = [await added(job.enter(Step.FETCH, at=NOW)) for job in moments()]
    queued = [await added(job) for job in moments()]
    for job in moments():
        await added(job.enter(Step.FETCH, at=NOW).cancel(at=NOW))

    async def found(*but_for: JobId, limit: int) -> list[JobId]:
        unfinished = await repositories.jobs.unfinished_since(
            queued_before=NOW + 2 * SECOND,
            running_before=NOW + SECOND,
            ahead_of=NOW + 2 * SECOND,
            but_for={*but_for},
            limit=limit,
        )
        return [job.id for job in unfinished]

    oldest_first = [queued[1], queued[0], running[1], running[0], running[2]]
    assert await found(limit=10) == oldest_first
    assert await found(limit=3) == oldest_first[:3]
    unknown = [JobId(f"job_{number}") for number in range(40_000)]
    assert await found(oldest_first[0], running[0], *unknown, limit=3) == [
        queued[0],
        running[1],
        running[2],
    ]


async def test_what_a_clock_that_is_ahead_has_written_counts_as_old(
    repositories: Repositories,
) -> None:
    ahead = NOW + 3 * SECOND
    queued = await add_job(repositories, a_job(now=ahead))
    running = await add_job(repositories, a_job().enter(Step.FETCH, at=ahead))

    async def found(*, ahead_of: datetime) -> list[JobId]:
        unfinished = await repositories.jobs.unfinished_since(
            queued_before=NOW, running_before=NOW, ahead_of=ahead_of, limit=2
        )
        return [job.id for job in unfinished]

    assert await found(ahead_of=ahead) == []
    assert await found(ahead_of=ahead - SECOND) == [queued.id, running.id]


async def test_a_running_job_moves_when_it_enters_a_step(
    repositories: Repositories,
) -> None:
    job = a_job().enter(Step.NORMALIZE, at=NOW).enter(Step.PUBLISH, at=NOW + SECOND)
    await add_job(repositories, job)

    async def found(*, running_before: datetime) -> list[JobId]:
        unfinished = await repositories.jobs.unfinished_since(
            queued_before=NOW + SECOND,
            running_before=running_before,
            ahead_of=running_before,
            limit=1,
        )
        return [job.id for job in unfinished]

    assert await found(running_before=NOW + SECOND) == []
    assert await found(running_before=NOW + 2 * SECOND) == [job.id]
