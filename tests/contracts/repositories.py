"""The repositories and the feed that belong together, on each technology."""

from dataclasses import replace
from typing import NamedTuple

from photo.application.ports import (
    AgedRecords,
    AuditLog,
    Backlog,
    DeliveryRepository,
    Erasures,
    IdempotencyKeys,
    InfectedFiles,
    JobEvents,
    JobFeed,
    JobRepository,
    KeyRepository,
    Snapshots,
    TextIndex,
    Transactions,
    UploadRepository,
    UsageRecords,
    WebhookRepository,
)
from photo.domain.job import Job
from photo.domain.upload import Upload
from tests.makers import an_upload


class Repositories(NamedTuple):
    uploads: UploadRepository
    jobs: JobRepository
    keys: KeyRepository
    infected: InfectedFiles
    feed: JobFeed
    transactions: Transactions
    audit: AuditLog
    idempotency: IdempotencyKeys
    events: JobEvents
    texts: TextIndex
    backlog: Backlog
    deliveries: DeliveryRepository
    webhooks: WebhookRepository
    erasures: Erasures
    usage: UsageRecords
    aged: AgedRecords
    snapshots: Snapshots


async def add_job(
    repositories: Repositories, job: Job, upload: Upload | None = None
) -> Job:
    """Store a job and the upload that it is on, if it is on one."""
    if job.upload_id:
        upload = upload or replace(an_upload(tenant=job.tenant), id=job.upload_id)
        await repositories.uploads.add(upload)
    await repositories.jobs.add(job)
    return job
