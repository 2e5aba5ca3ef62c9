"""A stream of a job's versions, on adapters that lose connections."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

from sqlalchemy import text

from photo.adapters.postgres.events import PostgresJobEvents
from photo.adapters.postgres.feed import PostgresJobFeed
from photo.adapters.postgres.jobs import PostgresJobRepository
from photo.adapters.postgres.transactions import Database
from photo.application.draining import Draining
from photo.application.following import FollowJob
from photo.application.ports import JobRepository
from photo.domain.job import Failure, Job, Step
from tests.contracts.repositories import Repositories, add_job
from tests.makers import ACME, NOW, a_job

WAITING = Failure("dependency_unavailable", "0", retryable=True)
DEAFEN = text(
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
    "WHERE datname = current_database() AND query LIKE 'LISTEN%'"
)


async def always() -> bool:
    return True


async def follow(stream: AsyncIterator[Job | None]) -> list[int]:
    return [job.version async for job in stream if job]


async def change(jobs: JobRepository, job: Job, number: int) -> None:
    reason = replace(WAITING, detail=str(number))
    await jobs.update(job.id, lambda job: job.enter(Step.SCAN, at=NOW).wait(reason))


async def test_everyone_sees_every_version_wherever_they_begin(
    repositories: Repositories,
) -> None:
    job = await add_job(repositories, a_job())
    following = FollowJob(
        repositories.jobs, repositories.events, repositories.feed, Draining()
    )
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        streams = []
        for number in range(12):
            stream = following(ACME, job.id, after=number, still_allowed=always)
            streams.append(group.create_task(follow(stream)))
            await change(repositories.jobs, job, number)
        await repositories.jobs.update(job.id, lambda job: job.cancel(at=NOW))
    for number, seen in enumerate(streams, 1):
        assert seen.result() == [*range(number, 15)]


async def test_a_feed_that_loses_its_connection_loses_no_version(
    database: Database, migrated_url: str
) -> None:
    jobs, events = PostgresJobRepository(database), PostgresJobEvents(database)
    job = a_job()
    job = replace(job, upload_id=None, source_url="https://example.com/a.jpg")
    await jobs.add(job)
    async with PostgresJobFeed(migrated_url) as feed, asyncio.timeout(60):
        following = FollowJob(jobs, events, feed, Draining())
        stream = following(ACME, job.id, after=0, still_allowed=always)
        seen = asyncio.create_task(follow(stream))
        for number in range(20):
            if number % 4 == 0:
                async with database.connect() as connection:
                    await connection.execute(DEAFEN)
            await change(jobs, job, number)
        await jobs.update(job.id, lambda job: job.cancel(at=NOW))
        assert await seen == [*range(1, 23)]
