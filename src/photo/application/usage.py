"""Use cases: count what tenants have done, keep them to their share, and show it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from photo.application.ports import Clock, JobRepository, Transactions, UsageRecords
from photo.domain.access import Tenant
from photo.domain.errors import ValidationFailed
from photo.domain.job import Job, JobId, Photo
from photo.domain.usage import DailyQuota, UsageDay

#: What is shown where nothing else is asked for.
USUAL_DAYS = 30
MOST_DAYS = 366


@dataclass(frozen=True, slots=True)
class CountJob:
    """Count a job that is being accepted, or raise `RateLimited`.

    To be called last in the transaction: a tenant with a quota takes turns here.
    """

    usage: UsageRecords
    quota: DailyQuota
    now: Clock

    async def __call__(self, tenant: Tenant, *, size_bytes: int) -> None:
        now = self.now()
        if not await self.usage.accept(
            tenant, now.date(), size_bytes=size_bytes, quota=self.quota
        ):
            raise self.quota.refusal(now)


@dataclass(frozen=True, slots=True)
class DescribePhoto:
    """Note what a job's photo is; one from a URL is counted now, and only once.

    Raises `ChecksumMismatch` if it is another than before.
    """

    transactions: Transactions
    jobs: JobRepository
    usage: UsageRecords
    now: Clock

    async def __call__(self, job_id: JobId, photo: Photo) -> None:
        known_before = False

        def describe(job: Job) -> Job:
            nonlocal known_before
            known_before = job.photo is not None
            return job.describe(photo)

        async with self.transactions.begin():
            job = await self.jobs.update(job_id, describe)
            if job.source_url and not known_before:
                day = self.now().date()
                await self.usage.add_bytes(job.tenant, day, photo.size_bytes)


@dataclass(frozen=True, slots=True)
class ShowUsage:
    """The tenant's days, newest first; those without anything are left out."""

    usage: UsageRecords
    now: Clock

    async def __call__(
        self, tenant: Tenant, *, first: date | None, last: date | None
    ) -> Sequence[UsageDay]:
        last = last or self.now().date()
        if first is None:
            first = date.fromordinal(max(1, last.toordinal() - USUAL_DAYS + 1))
        if not first <= last:
            raise ValidationFailed("from: It lies after `to`.", pointer="/from")
        if last - first >= timedelta(days=MOST_DAYS):
            raise ValidationFailed(
                f"from: Ask for {MOST_DAYS} days at most.", pointer="/from"
            )
        return await self.usage.days(tenant, first=first, last=last)
