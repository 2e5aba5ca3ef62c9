"""Erasures, on every adapter."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from photo.application.ports import DeliveryQuery
from photo.domain.erasure import Bucket, ErasedObject, Erasure
from photo.domain.errors import NotFound, UploadUsed
from photo.domain.infected import InfectedFile
from photo.domain.job import Failure, Job, JobId, Status, Step
from photo.domain.searchable import SearchableText
from tests.contracts.repositories import Repositories, add_job
from tests.makers import (
    ACME,
    NOW,
    OTHER,
    a_delivery,
    a_job,
    a_photo,
    a_text,
    a_url_job,
    a_webhook,
    an_upload,
    new_id,
)

A_SECOND = timedelta(seconds=1)
FAILURE = Failure("timed_out", "Too slow.", retryable=True)
OBJECT = ErasedObject(
    bucket=Bucket.RAW, key="acme/upl_1", size_bytes=3, sha256="a" * 64
)


def receipt(job: Job) -> Erasure:
    return Erasure.of(job, actor="key_1", objects=(OBJECT,), at=NOW)


def again(job: Job) -> Job:
    """A retry of a job."""
    ended = job if job.ended else job.fail(FAILURE, at=NOW)
    return ended.again(id=JobId(new_id("job")), now=NOW)


async def full_job(repositories: Repositories) -> Job:
    """One with everything that may hang on a job."""
    job = await add_job(repositories, a_job(metadata={"order": "4711", "page": "1"}))
    await repositories.jobs.update(job.id, lambda job: job.enter(Step.VERIFY, at=NOW))
    job = await repositories.jobs.update(job.id, lambda job: job.describe(a_photo()))
    await repositories.texts.add(SearchableText.of(job, a_text(("one two",)).pages))
    webhook = a_webhook()
    await repositories.webhooks.add(webhook, at_most=9)
    await repositories.deliveries.add(a_delivery(webhook, job))
    file = InfectedFile(sha256="0" * 64, signature="Bad", found_at=NOW, job_id=job.id)
    await repositories.infected.add(file)
    return job


async def test_every_row_goes_and_the_receipt_says_how_many(
    repositories: Repositories,
) -> None:
    job = await full_job(repositories)
    assert await repositories.erasures.erase(receipt(job)) == job
    with pytest.raises(NotFound):
        await repositories.jobs.get(job.id)
    assert job.upload_id
    with pytest.raises(NotFound):
        await repositories.uploads.get(job.upload_id, tenant=ACME)
    with pytest.raises(NotFound):
        await repositories.events.after(ACME, job.id, 0)
    assert await repositories.texts.texts(ACME, [job.id]) == []
    (known,) = await repositories.infected.all(limit=9)
    assert known.job_id is None
    kept = await repositories.erasures.get(ACME, job.id)
    assert kept == replace(receipt(job), rows=kept.rows)
    assert kept.photo_sha256 == a_photo().sha256
    counted = {"jobs": 1, "uploads": 1, "events": 2, "deliveries": 1, "texts": 3}
    assert counted.items() <= kept.rows.items()


async def test_its_deliveries_go_with_a_job(repositories: Repositories) -> None:
    job = await add_job(repositories, a_job())
    webhook = a_webhook()
    await repositories.webhooks.add(webhook, at_most=9)
    await repositories.deliveries.add(a_delivery(webhook, job))
    await repositories.erasures.erase(receipt(job))
    query = DeliveryQuery(webhook_id=webhook.id, limit=9)
    assert await repositories.deliveries.page(query) == []


async def test_a_receipt_is_found_whosever_it_is(repositories: Repositories) -> None:
    job = await full_job(repositories)
    assert await repositories.erasures.find(job.id) is None
    await repositories.erasures.erase(receipt(job))
    found = await repositories.erasures.find(job.id)
    assert found == await repositories.erasures.get(ACME, job.id)


async def test_of_many_jobs_those_with_receipts_are_told(
    repositories: Repositories,
) -> None:
    jobs = [await add_job(repositories, a_url_job()) for _ in range(3)]
    upload = an_upload(tenant=OTHER)
    erased = [*jobs[:2], await add_job(repositories, a_job(upload), upload)]
    for job in erased:
        await repositories.erasures.erase(receipt(job))
    asked = [erased[0].id, erased[2].id, jobs[2].id, JobId(new_id("job"))]
    assert await repositories.erasures.erased(asked) == {erased[0].id, erased[2].id}
    assert await repositories.erasures.erased([]) == set()


async def test_what_is_there_no_more_cannot_be_erased(
    repositories: Repositories,
) -> None:
    job = await add_job(repositories, a_url_job())
    await repositories.erasures.erase(receipt(job))
    other = replace(receipt(job), actor="key_2")
    with pytest.raises(NotFound):
        await repositories.erasures.erase(other)
    assert (await repositories.erasures.get(ACME, job.id)).actor == "key_1"


async def test_what_came_back_out_of_a_backup_is_erased_under_its_old_receipt(
    repositories: Repositories,
) -> None:
    job = await add_job(repositories, a_url_job())
    await repositories.erasures.erase(receipt(job))
    first = await repositories.erasures.get(ACME, job.id)
    await repositories.erasures.confirm(job.id, at=NOW)
    await repositories.jobs.add(job)
    await repositories.erasures.erase(replace(receipt(job), actor="key_2"))
    assert await repositories.erasures.get(ACME, job.id) == first
    with pytest.raises(NotFound):
        await repositories.jobs.get(job.id)


async def test_another_tenants_job_stays(repositories: Repositories) -> None:
    job = await add_job(repositories, a_job())
    with pytest.raises(NotFound):
        await repositories.erasures.erase(replace(receipt(job), tenant=OTHER))
    assert await repositories.jobs.get(job.id) == job
    await repositories.erasures.erase(receipt(job))
    with pytest.raises(NotFound):
        await repositories.erasures.get(OTHER, job.id)


async def test_of_many_at_once_one_erases(repositories: Repositories) -> None:
    job = await full_job(repositories)
    outcomes = await asyncio.gather(
        *(repositories.erasures.erase(receipt(job)) for _ in range(8)),
        return_exceptions=True,
    )
    refused = [each for each in outcomes if isinstance(each, NotFound)]
    assert (len(refused), outcomes.count(job)) == (7, 1)


async def test_an_undone_erasure_changes_nothing(repositories: Repositories) -> None:
    job = await full_job(repositories)
    with pytest.raises(ZeroDivisionError):
        async with repositories.transactions.begin():
            await repositories.erasures.erase(receipt(job))
            raise ZeroDivisionError
    assert await repositories.jobs.get(job.id) == job
    with pytest.raises(NotFound):
        await repositories.erasures.get(ACME, job.id)


async def test_the_upload_stays_while_a_retry_is_on_it(
    repositories: Repositories,
) -> None:
    job = await add_job(repositories, a_job())
    job = await repositories.jobs.update(job.id, lambda job: job.fail(FAILURE, at=NOW))
    retries = [again(job) for _ in range(2)]
    for retry in retries:
        await repositories.jobs.add(retry)
    await repositories.erasures.erase(receipt(job))
    for retry in retries:
        kept = await repositories.jobs.get(retry.id)
        assert kept == replace(retry, retry_of=None)
        assert kept.upload_id
        await repositories.uploads.get(kept.upload_id, tenant=ACME)
        await repositories.erasures.erase(receipt(kept))
    assert job.upload_id
    with pytest.raises(NotFound):
        await repositories.uploads.get(job.upload_id, tenant=ACME)


async def test_all_jobs_on_an_upload_erased_at_once_take_it_along(
    repositories: Repositories,
) -> None:
    job = await add_job(repositories, a_job())
    jobs = [job, *(again(job) for _ in range(5))]
    for retry in jobs[1:]:
        await repositories.jobs.add(retry)
    await asyncio.gather(*(repositories.erasures.erase(receipt(it)) for it in jobs))
    assert job.upload_id
    with pytest.raises(NotFound):
        await repositories.uploads.get(job.upload_id, tenant=ACME)


async def test_what_is_erased_cannot_be_retried(repositories: Repositories) -> None:
    for job in (a_job(), a_url_job()):
        await add_job(repositories, job)
        await repositories.erasures.erase(receipt(job))
        with pytest.raises(NotFound):
            await repositories.jobs.add(again(job))


async def test_retries_and_erasures_at_once_leave_all_or_nothing(
    repositories: Repositories,
) -> None:
    upload = an_upload()
    job = await add_job(repositories, a_job(upload), upload)
    retries = [again(job) for _ in range(6)]
    outcomes = await asyncio.gather(
        *(repositories.jobs.add(retry) for retry in retries[:3]),
        repositories.erasures.erase(receipt(job)),
        *(repositories.jobs.add(retry) for retry in retries[3:]),
        return_exceptions=True,
    )
    assert job in outcomes
    added = [
        retry
        for retry, outcome in zip(retries, [*outcomes[:3], *outcomes[4:]], strict=True)
        if outcome is None
    ]
    refused = [each for each in outcomes if isinstance(each, NotFound)]
    assert len(added) + len(refused) == 6
    for retry in added:
        kept = await repositories.jobs.get(retry.id)
        assert kept.retry_of is None


async def test_an_upload_serves_one_job_and_its_retries(
    repositories: Repositories,
) -> None:
    upload = an_upload()
    job = await add_job(repositories, a_job(upload), upload)
    await repositories.jobs.add(again(job))
    with pytest.raises(UploadUsed):
        await repositories.jobs.add(a_job(upload))
    first = await repositories.jobs.for_upload(upload.id)
    assert first == job
    forgotten = await repositories.uploads.forget_unused(
        created_after=NOW - A_SECOND, created_before=NOW + A_SECOND, limit=9
    )
    assert forgotten == 0


async def test_of_several_completions_the_first_counts(
    repositories: Repositories,
) -> None:
    job = await add_job(repositories, a_job())
    await repositories.erasures.erase(receipt(job))
    first = await repositories.erasures.complete(job.id, at=NOW)
    later = await repositories.erasures.complete(job.id, at=NOW + A_SECOND)
    assert later == first == await repositories.erasures.get(ACME, job.id)
    assert first.completed_at == NOW


async def test_what_is_not_confirmed_is_found_the_oldest_first(
    repositories: Repositories,
) -> None:
    jobs = [await add_job(repositories, a_url_job()) for _ in range(4)]
    for age, job in enumerate(jobs):
        at = NOW - age * A_SECOND
        await repositories.erasures.erase(replace(receipt(job), requested_at=at))
    await repositories.erasures.confirm(jobs[3].id, at=NOW)
    found = await repositories.erasures.unconfirmed(requested_before=NOW, limit=9)
    assert [erasure.job_id for erasure in found] == [jobs[2].id, jobs[1].id]
    one = await repositories.erasures.unconfirmed(requested_before=NOW, limit=1)
    assert one == found[:1]
    confirmed = await repositories.erasures.get(ACME, jobs[3].id)
    assert (confirmed.completed_at, confirmed.confirmed_at) == (NOW, NOW)


async def test_confirming_forgets_what_was_stored_since(
    repositories: Repositories,
) -> None:
    job = await add_job(repositories, a_url_job())
    await repositories.erasures.erase(receipt(job))
    file = InfectedFile(sha256="0" * 64, signature="Bad", found_at=NOW, job_id=job.id)
    await repositories.infected.add(file)
    await repositories.erasures.confirm(job.id, at=NOW)
    assert [each.job_id for each in await repositories.infected.all(limit=9)] == [None]


async def test_who_waits_for_the_job_is_woken(repositories: Repositories) -> None:
    job = await add_job(repositories, a_job())
    async with repositories.feed.subscribe(job.id) as changes:
        await repositories.erasures.erase(receipt(job))
        await changes.wait(timedelta(seconds=30))
    assert job.status is Status.QUEUED
