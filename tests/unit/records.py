"""What a `World` keeps of jobs that have gone: on adapters in memory, with its fuse."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime

from photo.adapters.memory import MemoryErasures, MemoryUsage
from photo.domain.access import Tenant
from photo.domain.erasure import Erasure
from photo.domain.job import Job, JobId, Status
from photo.domain.usage import DailyQuota

Burn = Callable[[], Awaitable[None]]


class FusedErasures(MemoryErasures):
    burn: Burn

    def known(self) -> list[Erasure]:
        return [*self._erasures.values()]

    async def erase(self, erasure: Erasure) -> Job:
        job = await super().erase(erasure)
        await self.burn()
        return job

    async def get(self, tenant: Tenant, job_id: JobId) -> Erasure:
        erasure = await super().get(tenant, job_id)
        await self.burn()
        return erasure

    async def complete(self, job_id: JobId, *, at: datetime) -> Erasure:
        erasure = await super().complete(job_id, at=at)
        await self.burn()
        return erasure


class FusedUsage(MemoryUsage):
    burn: Burn

    async def accept(
        self, tenant: Tenant, day: date, *, size_bytes: int, quota: DailyQuota
    ) -> bool:
        accepted = await super().accept(tenant, day, size_bytes=size_bytes, quota=quota)
        await self.burn()
        return accepted

    async def end(self, tenant: Tenant, day: date, status: Status) -> None:
        await super().end(tenant, day, status)
        await self.burn()
