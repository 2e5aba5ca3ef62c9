"""What Postgres promises beyond the ports: it stores nothing impossible."""

from dataclasses import replace
from secrets import token_hex
from traceback import format_exception
from typing import Any

import pytest
from sqlalchemy import delete, insert, text

from photo.adapters.postgres.database import translated
from photo.adapters.postgres.jobs import PostgresJobRepository
from photo.adapters.postgres.rows import to_row
from photo.adapters.postgres.schema import jobs as job_rows
from photo.adapters.postgres.schema import webhook_deliveries as deliveries
from photo.adapters.postgres.transactions import Database
from photo.adapters.postgres.uploads import PostgresUploadRepository
from photo.adapters.postgres.webhooks import PostgresWebhookRepository
from photo.domain.errors import Conflict, Internal, JobFinished, ValidationFailed
from photo.domain.job import ENDED, Failure, Job, JobId, Status, Step
from tests.makers import NOW, a_delivery, a_job, a_webhook, an_upload, new_id

FAILED = Failure("infected", "It has EICAR.", retryable=False)


@pytest.fixture
async def uploads(database: Database) -> PostgresUploadRepository:
    return PostgresUploadRepository(database)


@pytest.fixture
async def jobs(database: Database) -> PostgresJobRepository:
    return PostgresJobRepository(database)


@pytest.fixture
async def job(uploads: PostgresUploadRepository, jobs: PostgresJobRepository) -> Job:
    upload = an_upload()
    job = a_job(upload)
    await uploads.add(upload)
    await jobs.add(job)
    return job


async def force(jobs: PostgresJobRepository, job: Job) -> Job:
    """Store a state of a job, whatever state it is in."""
    return await jobs.update(job.id, lambda _: job)


@pytest.mark.parametrize("status", sorted(ENDED))
async def test_the_database_lets_no_job_leave_an_ended_state(
    jobs: PostgresJobRepository, job: Job, status: Status
) -> None:
    every_state = (
        job,
        job.enter(Step.FETCH, at=NOW),
        job.succeed(text_preview="", manifest_sha256="0a" * 32, at=NOW),
        job.fail(FAILED, at=NOW),
        job.cancel(at=NOW),
    )
    states = {state.status: state for state in every_state}
    ended = await force(jobs, states.pop(status))
    for other in states.values():
        with pytest.raises(JobFinished):
            await force(jobs, other)
    assert await force(jobs, ended) == await jobs.get(job.id) == ended


async def test_the_database_lets_no_running_job_queue_again(
    jobs: PostgresJobRepository, job: Job
) -> None:
    running = await force(jobs, job.enter(Step.FETCH, at=NOW))
    with pytest.raises(Internal) as refusal:
        await force(jobs, job)
    assert refusal.value.reason == "23514 jobs_moves"
    assert await jobs.get(job.id) == running


def succeeded(job: Job) -> Job:
    return job.succeed(text_preview="", manifest_sha256="0a" * 32, at=NOW)


async def change_jobs(database: Database, changes: str) -> None:
    """As an operator may, or a worker of another release."""
    with translated():
        async with database.connect() as db:
            await db.execute(text(f"UPDATE jobs SET {changes}"))  # noqa: S608 # below


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("finished_at = finished_at + interval '1 s'", "jobs_end_is_final"),
        ("manifest_sha256 = repeat('0b', 32)", "jobs_end_is_final"),
        (
            "status = 'failed', manifest_sha256 = NULL, error = '{}'",
            "jobs_end_is_final",
        ),
        (
            "status = 'running', manifest_sha256 = NULL, finished_at = NULL",
            "jobs_end_is_final",
        ),
        ("text_preview = 'another', version = version", "jobs_version_grows"),
        ("version = version - 1", "jobs_version_grows"),
    ],
)
async def test_no_statement_changes_the_end_of_a_job(
    database: Database, jobs: PostgresJobRepository, job: Job, change: str, rule: str
) -> None:
    ended = await force(jobs, succeeded(job))
    grown = "" if "version" in change else ", version = version + 1"
    with pytest.raises(Internal) as refusal:
        await change_jobs(database, f"{change}{grown}")
    assert refusal.value.reason == f"23514 {rule}"
    assert await jobs.get(job.id) == ended


async def test_no_statement_changes_why_a_job_failed(
    database: Database, jobs: PostgresJobRepository, job: Job
) -> None:
    failed = await force(jobs, job.fail(FAILED, at=NOW))
    with pytest.raises(Internal) as refusal:
        await change_jobs(database, "error = '{}', version = version + 1")
    assert refusal.value.reason == "23514 jobs_end_is_final"
    assert await jobs.get(job.id) == failed


@pytest.mark.parametrize(
    "change",
    [
        "step = 'scan'",
        "step_error = '{}'",
        "entered = '{}'",
        "started_at = now()",
        "photo = NULL",
        "text_preview = ''",
        "status = 'cancelled', error = '{}', step = NULL, finished_at = now()",
    ],
)
async def test_no_statement_moves_a_job_and_keeps_its_version(
    database: Database, jobs: PostgresJobRepository, job: Job, change: str
) -> None:
    running = await force(jobs, job.enter(Step.FETCH, at=NOW))
    with pytest.raises(Internal) as refusal:
        await change_jobs(database, change)
    assert refusal.value.reason == "23514 jobs_version_grows"
    assert await jobs.get(job.id) == running
    await change_jobs(database, f"{change}, version = version + 1")


async def test_what_does_not_belong_to_the_end_may_go(
    database: Database, jobs: PostgresJobRepository, job: Job
) -> None:
    ended = await force(jobs, job.cancel(at=NOW))
    retry = ended.again(id=JobId(new_id("job")), now=NOW)
    await jobs.add(retry)
    retry = await force(jobs, succeeded(retry))
    await change_jobs(database, "metadata = '{}'")
    async with database.connect() as db:
        await db.execute(delete(job_rows).where(job_rows.c.id == job.id))
    assert await jobs.get(retry.id) == replace(retry, retry_of=None)
    async with database.connect() as db:
        await db.execute(delete(job_rows))


async def test_one_webhook_is_told_of_a_job_once(database: Database, job: Job) -> None:
    webhook = a_webhook()
    await PostgresWebhookRepository(database).add(webhook, at_most=9)
    with translated():
        async with database.connect() as db:
            await db.execute(insert(deliveries), to_row(a_delivery(webhook, job)))
    with pytest.raises(Internal) as refusal, translated():
        async with database.connect() as db:
            await db.execute(insert(deliveries), to_row(a_delivery(webhook, job)))
    assert refusal.value.reason == "23505 webhook_deliveries_once"


@pytest.mark.parametrize(
    ("impossible", "rule"),
    [
        ({"status": "lost", "finished_at": NOW}, "jobs_status"),
        ({"status": "running", "step": "dream"}, "jobs_step"),
        ({"step": Step.SCAN}, "jobs_only_running_has_step"),
        ({"finished_at": NOW}, "jobs_finished_at"),
        ({"error": FAILED}, "jobs_error"),
        ({"manifest_sha256": "0a" * 32}, "jobs_manifest"),
        (
            {"status": "succeeded", "finished_at": NOW, "manifest_sha256": "0A" * 32},
            "jobs_manifest_sha256",
        ),
        ({"photo": {"sha256": "short"}}, "jobs_photo_sha256"),
        ({"tenant": "other"}, "jobs_upload_fkey"),
    ],
)
async def test_the_database_stores_no_impossible_job(
    jobs: PostgresJobRepository, job: Job, impossible: dict[str, Any], rule: str
) -> None:
    with pytest.raises(Internal) as refusal:
        await force(jobs, replace(job, **impossible))
    assert (refusal.value.reason or "").endswith(f" {rule}")
    assert await jobs.get(job.id) == job


async def test_a_refusal_quotes_nothing_of_the_row(
    jobs: PostgresJobRepository, job: Job
) -> None:
    text = token_hex()
    with pytest.raises(Internal) as refusal:
        await force(jobs, replace(job, text_preview=text, finished_at=NOW))
    assert text not in "".join(format_exception(refusal.value))


@pytest.mark.parametrize("bad", ["\0", "\ud800"])
async def test_text_that_cannot_be_stored_is_refused(
    uploads: PostgresUploadRepository, jobs: PostgresJobRepository, bad: str
) -> None:
    upload = an_upload()
    await uploads.add(upload)
    with pytest.raises(ValidationFailed):
        await uploads.add(replace(an_upload(), filename=bad))
    with pytest.raises(ValidationFailed):
        await jobs.add(a_job(upload, metadata={"key": bad}))
    with pytest.raises(ValidationFailed):
        await jobs.get(JobId(bad))


async def test_what_a_refusal_means_is_told_outside_a_transaction_as_well(
    database: Database, job: Job
) -> None:
    known = Conflict("There is one already.")
    with pytest.raises(Conflict) as refusal:
        await database.row(insert(job_rows), to_row(job), {"jobs_pkey": known})
    assert refusal.value is known
