"""Every version of a job, in order and without a gap."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from photo.adapters.postgres.events import PostgresJobEvents
from photo.adapters.postgres.jobs import PostgresJobRepository
from photo.adapters.postgres.transactions import Database
from photo.adapters.postgres.uploads import PostgresUploadRepository
from photo.application.tenancy import acting_for
from photo.domain.errors import NotFound
from photo.domain.job import Failure, Job, JobId, Status, Step
from tests.contracts.repositories import Repositories, add_job
from tests.makers import ACME, NOW, OTHER, a_job, a_photo, an_upload, new_id

A_SECOND = timedelta(seconds=1)
WAITING = Failure("dependency_unavailable", "The scanner is away.", retryable=True)


async def processed(repositories: Repositories) -> list[Job]:
    """Take a job to its end: what it was at each of its versions."""
    job = await add_job(repositories, a_job(metadata={"order": "7"}))
    update = repositories.jobs.update
    return [
        job,
        await update(job.id, lambda job: job.enter(Step.VERIFY, at=NOW)),
        await update(job.id, lambda job: job.wait(WAITING)),
        await update(job.id, lambda job: job.describe(a_photo())),
        await update(job.id, lambda job: job.enter(Step.NORMALIZE, at=NOW + A_SECOND)),
        await update(job.id, lambda job: job.measure(width=3, height=4)),
        await update(
            job.id,
            lambda job: job.succeed(
                text_preview="TOTAL", manifest_sha256="0a" * 32, at=NOW + 2 * A_SECOND
            ),
        ),
    ]


async def test_every_version_is_as_it_was_when_it_was_stored(
    repositories: Repositories,
) -> None:
    versions = await processed(repositories)
    job_id = versions[0].id
    assert [job.version for job in versions] == [1, 2, 3, 4, 5, 6, 7]
    for after in range(len(versions) + 1):
        found = await repositories.events.after(ACME, job_id, after)
        assert found == versions[after:]
    assert await repositories.events.after(ACME, job_id, 99) == []
    assert versions[-1] == await repositories.jobs.get(job_id)


async def test_a_change_that_changes_nothing_makes_no_version(
    repositories: Repositories,
) -> None:
    job = await add_job(repositories, a_job())
    for _ in range(3):
        job = await repositories.jobs.update(
            job.id, lambda job: job.enter(Step.FETCH, at=NOW)
        )
    assert job.version == 2
    assert len(await repositories.events.after(ACME, job.id, 0)) == 2


async def test_nobody_but_the_store_counts_versions(repositories: Repositories) -> None:
    job = await add_job(repositories, a_job())
    stale = job.enter(Step.FETCH, at=NOW)
    await repositories.jobs.update(job.id, lambda _: stale)
    job = await repositories.jobs.update(
        job.id, lambda _: replace(stale.wait(WAITING), version=40)
    )
    assert job.version == 3


async def test_concurrent_changes_make_one_version_each(
    repositories: Repositories,
) -> None:
    job = await add_job(repositories, a_job())
    await repositories.jobs.update(job.id, lambda job: job.enter(Step.FETCH, at=NOW))

    async def wait_because(number: int) -> Job:
        reason = replace(WAITING, detail=f"{number}")
        return await repositories.jobs.update(job.id, lambda job: job.wait(reason))

    stored = await asyncio.gather(*(wait_because(number) for number in range(12)))
    in_order = sorted(stored, key=lambda job: job.version)
    assert [job.version for job in in_order] == [*range(3, 15)]
    assert await repositories.events.after(ACME, job.id, 2) == in_order


async def test_a_follower_sees_all_versions_in_order_while_they_are_made(
    repositories: Repositories,
) -> None:
    job = await add_job(repositories, a_job())
    seen: list[Job] = []

    async def follow() -> None:
        async with repositories.feed.subscribe(job.id) as changes:
            while not seen or not seen[-1].ended:
                last = seen[-1].version if seen else 0
                seen.extend(await repositories.events.after(ACME, job.id, last))
                if not seen[-1].ended:
                    await changes.wait(timedelta(seconds=10))

    async def change(worker: int) -> None:
        for turn in range(10):
            reason = replace(WAITING, detail=f"{worker} {turn}")
            await repositories.jobs.update(job.id, lambda job: job.wait(reason))  # noqa: B023 # awaited here

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(follow())
        await repositories.jobs.update(job.id, lambda job: job.enter(Step.SCAN, at=NOW))
        await asyncio.gather(*(change(worker) for worker in range(4)))
        await repositories.jobs.update(job.id, lambda job: job.cancel(at=NOW))
    assert [job.version for job in seen] == [*range(1, 44)]
    assert seen[-1].status is Status.CANCELLED


async def test_a_change_that_is_undone_was_no_version(
    repositories: Repositories,
) -> None:
    job = await add_job(repositories, a_job())
    with pytest.raises(ZeroDivisionError):
        async with repositories.transactions.begin():
            await repositories.jobs.update(
                job.id, lambda job: job.enter(Step.FETCH, at=NOW)
            )
            raise ZeroDivisionError
    assert await repositories.events.after(ACME, job.id, 0) == [job]
    cancelled = await repositories.jobs.update(job.id, lambda job: job.cancel(at=NOW))
    assert await repositories.events.after(ACME, job.id, 1) == [cancelled]


async def test_another_tenants_job_has_no_versions(repositories: Repositories) -> None:
    job = await add_job(repositories, a_job())
    for tenant, job_id in ((OTHER, job.id), (ACME, JobId(new_id("job")))):
        with pytest.raises(NotFound):
            await repositories.events.after(tenant, job_id, 0)


async def test_of_a_job_whose_versions_are_gone_the_present_one_is_left(
    database: Database,
) -> None:
    jobs, events = PostgresJobRepository(database), PostgresJobEvents(database)
    upload = an_upload()
    job = a_job(upload)
    await PostgresUploadRepository(database).add(upload)
    await jobs.add(job)
    await jobs.update(job.id, lambda job: job.enter(Step.FETCH, at=NOW))
    last = await jobs.update(job.id, lambda job: job.cancel(at=NOW))
    async with database.connect() as connection:
        await connection.execute(text("DELETE FROM job_events WHERE version = 2"))
        assert await events.after(ACME, job.id, 0) == [last]
        assert await events.after(ACME, job.id, 2) == [last]
        await connection.execute(text("DELETE FROM job_events"))
    for after, expected in ((0, [last]), (2, [last]), (3, [])):
        assert await events.after(ACME, job.id, after) == expected
    with acting_for(OTHER), pytest.raises(NotFound):
        await events.after(ACME, job.id, 0)
