import asyncio
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from photo.domain.errors import JobFinished, NotFound, UploadUsed
from photo.domain.job import Failure, Job, JobId, Photo, Step
from photo.domain.media import MediaType
from photo.domain.upload import UploadId
from tests.contracts.repositories import Repositories, add_job
from tests.makers import ACME, NOW, OTHER, a_job, a_url_job, an_upload

SECOND = timedelta(seconds=1)


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
    found = await repositories.jobs.unfinished_on(asked)
    assert found == {job.raw_key for job in unfinished}
    assert await repositories.jobs.unfinished_on([]) == set()
    assert await repositories.jobs.unfinished_on([other.raw_key] * 2) == {other.raw_key}


async def test_a_thousand_keys_are_asked_for_at_once(
    repositories: Repositories,
) -> None:
    job = await add_job(repositories, a_job())
    keys = [f"acme/upl_{number}" for number in range(999)]
    assert await repositories.jobs.unfinished_on([*keys, job.raw_key]) == {job.raw_key}


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

    async def found(limit: int) -> list[JobId]:
        unfinished = await repositories.jobs.unfinished_since(
            queued_before=NOW + 2 * SECOND, running_before=NOW + SECOND, limit=limit
        )
        return [job.id for job in unfinished]

    oldest_first = [queued[1], queued[0], running[1], running[0], running[2]]
    assert await found(limit=10) == oldest_first
    assert await found(limit=3) == oldest_first[:3]


async def test_a_running_job_moves_when_it_enters_a_step(
    repositories: Repositories,
) -> None:
    job = a_job().enter(Step.NORMALIZE, at=NOW).enter(Step.PUBLISH, at=NOW + SECOND)
    await add_job(repositories, job)

    async def found(*, running_before: datetime) -> list[JobId]:
        unfinished = await repositories.jobs.unfinished_since(
            queued_before=NOW + SECOND, running_before=running_before, limit=1
        )
        return [job.id for job in unfinished]

    assert await found(running_before=NOW + SECOND) == []
    assert await found(running_before=NOW + 2 * SECOND) == [job.id]
