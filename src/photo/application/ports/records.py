"""What stays when a job has gone: receipts and counts; and what is old enough to go."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime
from typing import NamedTuple, Protocol

from photo.domain.access import Tenant
from photo.domain.erasure import Erasure
from photo.domain.job import Job, JobId, Status
from photo.domain.usage import DailyQuota, UsageDay


class Erasures(Protocol):
    """Receipts by job. They are kept for good."""

    async def erase(self, erasure: Erasure) -> Job:
        """Delete every row of the job, and store the receipt with their numbers.

        Return the job as it was last. The row of its upload goes when no other job is
        on that. A receipt that is there already (the job came back out of a backup)
        stays, to be completed again. Of concurrent calls one wins; the others raise
        `NotFound`, as if there never was such a job, and store nothing. Whoever waits
        in `JobFeed` is woken.
        """

    async def get(self, tenant: Tenant, job_id: JobId) -> Erasure:
        """Return the tenant's receipt, or raise `NotFound`."""

    async def find(self, job_id: JobId) -> Erasure | None:
        """Return a receipt, whosever it is, if there is one. For the worker."""

    async def erased(self, job_ids: Sequence[JobId]) -> AbstractSet[JobId]:
        """Return those of which there are receipts, whosever they are."""

    async def complete(self, job_id: JobId, *, at: datetime) -> Erasure:
        """Say that the objects are gone; of several calls the first counts."""

    async def unconfirmed(
        self, *, requested_before: datetime, limit: int
    ) -> Sequence[Erasure]:
        """Return those not yet confirmed, the oldest first."""

    async def confirm(self, job_id: JobId, *, at: datetime) -> None:
        """Say that nothing was written again, and forget what was stored since."""


class UsageRecords(Protocol):
    """Counts by tenant and day, each made in the transaction of what it counts."""

    async def accept(
        self, tenant: Tenant, day: date, *, size_bytes: int, quota: DailyQuota
    ) -> bool:
        """Count a job and its bytes, unless that is beyond the quota: then False.

        Concurrent calls never take a tenant beyond it.
        """

    async def add_bytes(self, tenant: Tenant, day: date, size_bytes: int) -> None:
        """Count the bytes of a job whose photo was not known when it was accepted."""

    async def end(self, tenant: Tenant, day: date, status: Status) -> None:
        """Count the end of a job."""

    async def days(
        self, tenant: Tenant, *, first: date, last: date
    ) -> Sequence[UsageDay]:
        """Return the days on which something was counted, newest first."""


class AgedJob(NamedTuple):
    id: JobId
    tenant: Tenant


class AgedRecords(Protocol):
    """What has had its time."""

    async def ended_jobs(self, *, before: datetime, limit: int) -> Sequence[AgedJob]:
        """Return everybody's jobs that ended before, those that ended first first."""

    async def forget_answers(self, *, before: datetime, limit: int) -> int:
        """Delete answers to requests that were made before; how many it was."""

    async def forget_events(self, *, ended_before: datetime, limit: int) -> int:
        """Delete what is kept of the past of jobs that ended before; how many rows."""
