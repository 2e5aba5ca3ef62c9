"""What has had its time, on every adapter."""

from datetime import timedelta

from photo.domain.access import Tenant
from photo.domain.job import Failure, Job, Step
from tests.contracts.repositories import Repositories, add_job
from tests.makers import ACME, NOW, a_job, a_url_job, an_upload

A_DAY = timedelta(days=1)
FAILURE = Failure("timed_out", "Too slow.", retryable=True)


async def ended(repositories: Repositories, job: Job, *, days_ago: int) -> Job:
    await add_job(repositories, job)
    at = NOW - days_ago * A_DAY
    await repositories.jobs.update(job.id, lambda job: job.enter(Step.VERIFY, at=at))
    return await repositories.jobs.update(job.id, lambda job: job.fail(FAILURE, at=at))


async def test_ended_jobs_of_all_tenants_come_by_their_end(
    repositories: Repositories,
) -> None:
    young = await ended(repositories, a_url_job(), days_ago=1)
    older = await ended(repositories, a_url_job(), days_ago=2)
    oldest = await ended(
        repositories, a_job(an_upload(tenant=Tenant("other"))), days_ago=3
    )
    await add_job(repositories, a_url_job(now=NOW - 9 * A_DAY))
    before = NOW - A_DAY
    found = await repositories.aged.ended_jobs(before=before, limit=9)
    assert found == [(oldest.id, oldest.tenant), (older.id, ACME)]
    assert await repositories.aged.ended_jobs(before=before, limit=1) == found[:1]
    assert young.id not in {job.id for job in found}


async def test_answers_are_forgotten_by_their_age(repositories: Repositories) -> None:
    claim = repositories.idempotency.claim
    for days_ago in (3, 2, 1):
        at = NOW - days_ago * A_DAY
        key = str(days_ago) * 64
        await claim(ACME, key, request_sha256=key, now=at, expired_before=at)
        await repositories.idempotency.keep(ACME, key, b"answer")
    forget = repositories.aged.forget_answers
    assert await forget(before=NOW - A_DAY, limit=1) == 1
    assert await forget(before=NOW - A_DAY, limit=9) == 1
    assert await forget(before=NOW - A_DAY, limit=9) == 0
    kept = await claim(
        ACME, "1" * 64, request_sha256="1" * 64, now=NOW, expired_before=NOW - 9 * A_DAY
    )
    assert kept
    assert kept.answer == b"answer"


async def test_the_past_of_ended_jobs_is_forgotten(repositories: Repositories) -> None:
    now = NOW + 10_000 * A_DAY  # events are dated by the database
    old = await ended(repositories, a_url_job(), days_ago=2)
    going = await add_job(repositories, a_url_job())
    await repositories.jobs.update(going.id, lambda job: job.enter(Step.FETCH, at=NOW))
    forget = repositories.aged.forget_events
    assert await forget(ended_before=NOW - 3 * A_DAY, limit=9) == 0
    assert await forget(ended_before=now, limit=1) == 1
    assert await forget(ended_before=now, limit=9) == 1
    assert await forget(ended_before=now, limit=9) == 0
    assert await repositories.events.after(ACME, old.id, 1) == [old]
    assert len(await repositories.events.after(ACME, going.id, 1)) == 1
