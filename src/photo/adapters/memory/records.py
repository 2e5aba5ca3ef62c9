"""What stays when a job has gone, in memory; and what is old enough to go."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import date, datetime

from photo.adapters.memory.access import MemoryInfectedFiles
from photo.adapters.memory.idempotency import MemoryIdempotencyKeys
from photo.adapters.memory.repositories import (
    MemoryJobRepository,
)
from photo.adapters.memory.texts import MemoryTextIndex
from photo.adapters.memory.transactions import MemoryDatabase
from photo.adapters.memory.webhooks import MemoryDeliveryRepository
from photo.application.ports import AgedJob, AgedRecords, Erasures, UsageRecords
from photo.domain.access import Tenant
from photo.domain.erasure import Erasure
from photo.domain.errors import NotFound
from photo.domain.job import Job, JobId, Status
from photo.domain.usage import DailyQuota, UsageDay


class MemoryErasures(Erasures):
    def __init__(
        self,
        database: MemoryDatabase,
        jobs: MemoryJobRepository,
        deliveries: MemoryDeliveryRepository,
        texts: MemoryTextIndex,
        infected: MemoryInfectedFiles,
    ) -> None:
        self._erasures: dict[JobId, Erasure] = database.table()
        self._jobs = jobs
        self._deliveries = deliveries
        self._texts = texts
        self._infected = infected

    async def erase(self, erasure: Erasure) -> Job:
        job = await self._jobs.get_for(erasure.tenant, erasure.job_id)
        rows = {
            **self._jobs.erase(job),
            "deliveries": self._deliveries.forget(job.id),
            "texts": await self._texts.remove(job.id),
        }
        self._infected.forget_finder(job.id)
        kept = self._erasures.get(job.id) or replace(erasure, rows=rows)
        self._erasures[job.id] = replace(kept, completed_at=None, confirmed_at=None)
        return job

    async def get(self, tenant: Tenant, job_id: JobId) -> Erasure:
        erasure = self._erasures.get(job_id)
        if erasure is None or erasure.tenant != tenant:
            raise NotFound(f"There is no job {job_id!r}.")
        return erasure

    async def find(self, job_id: JobId) -> Erasure | None:
        return self._erasures.get(job_id)

    async def erased(self, job_ids: Sequence[JobId]) -> AbstractSet[JobId]:
        return self._erasures.keys() & {*job_ids}

    async def complete(self, job_id: JobId, *, at: datetime) -> Erasure:
        erasure = self._erasures[job_id]
        completed = replace(erasure, completed_at=erasure.completed_at or at)
        self._erasures[job_id] = completed
        return completed

    async def unconfirmed(
        self, *, requested_before: datetime, limit: int
    ) -> Sequence[Erasure]:
        found = [
            erasure
            for erasure in self._erasures.values()
            if not erasure.confirmed_at and erasure.requested_at < requested_before
        ]
        return sorted(found, key=lambda erasure: erasure.requested_at)[:limit]

    async def confirm(self, job_id: JobId, *, at: datetime) -> None:
        self._infected.forget_finder(job_id)
        completed = await self.complete(job_id, at=at)
        self._erasures[job_id] = replace(completed, confirmed_at=at)


class MemoryUsage(UsageRecords):
    def __init__(self, database: MemoryDatabase) -> None:
        self._days: dict[tuple[Tenant, date], UsageDay] = database.table()

    async def accept(
        self, tenant: Tenant, day: date, *, size_bytes: int, quota: DailyQuota
    ) -> bool:
        known = self._day(tenant, day)
        jobs, size = known.jobs + 1, known.bytes + size_bytes
        full = quota.bytes is not None and known.bytes >= quota.bytes
        if full or _beyond(jobs, quota.jobs) or _beyond(size, quota.bytes):
            return False
        self._days[tenant, day] = replace(known, jobs=jobs, bytes=size)
        return True

    async def add_bytes(self, tenant: Tenant, day: date, size_bytes: int) -> None:
        known = self._day(tenant, day)
        self._days[tenant, day] = replace(known, bytes=known.bytes + size_bytes)

    async def end(self, tenant: Tenant, day: date, status: Status) -> None:
        known = self._day(tenant, day)
        counted = {str(status): getattr(known, status) + 1}
        self._days[tenant, day] = replace(known, **counted)

    async def days(
        self, tenant: Tenant, *, first: date, last: date
    ) -> Sequence[UsageDay]:
        found = [
            usage
            for (owner, day), usage in self._days.items()
            if owner == tenant and first <= day <= last
        ]
        return sorted(found, key=lambda usage: usage.day, reverse=True)

    def _day(self, tenant: Tenant, day: date) -> UsageDay:
        return self._days.get((tenant, day), UsageDay(day=day))


def _beyond(count: int, quota: int | None) -> bool:
    return quota is not None and count > quota


class MemoryAgedRecords(AgedRecords):
    def __init__(self, jobs: MemoryJobRepository, keys: MemoryIdempotencyKeys) -> None:
        self._jobs = jobs
        self._keys = keys

    async def ended_jobs(self, *, before: datetime, limit: int) -> Sequence[AgedJob]:
        ended = self._jobs.ended_before(before)[:limit]
        return [AgedJob(job.id, job.tenant) for job in ended]

    async def forget_answers(self, *, before: datetime, limit: int) -> int:
        return self._keys.forget(before, limit)

    async def forget_events(self, *, ended_before: datetime, limit: int) -> int:
        forgotten = 0
        for job in self._jobs.ended_before(ended_before):
            forgotten += self._jobs.forget_versions(job.id, limit - forgotten)
        return forgotten
