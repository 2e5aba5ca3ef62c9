"""The one way for a job to end, and what is stored together with its end."""

from collections.abc import Callable
from dataclasses import dataclass

from photo.application.deliveries import AnnounceEnd
from photo.application.ports import Clock, JobRepository, Transactions, UsageRecords
from photo.domain.job import Failure, Job, JobId


@dataclass(frozen=True, slots=True)
class FinishJob:
    """End a job, once: raises `JobFinished` where it has ended in another way."""

    transactions: Transactions
    jobs: JobRepository
    usage: UsageRecords
    announce: AnnounceEnd
    now: Clock

    async def succeed(
        self, job_id: JobId, *, text_preview: str, manifest_sha256: str
    ) -> Job:
        at = self.now()
        return await self._end(
            job_id,
            lambda job: job.succeed(
                text_preview=text_preview, manifest_sha256=manifest_sha256, at=at
            ),
        )

    async def fail(self, job_id: JobId, failure: Failure) -> Job:
        at = self.now()
        return await self._end(job_id, lambda job: job.fail(failure, at=at))

    async def cancel(self, job_id: JobId) -> Job:
        at = self.now()
        return await self._end(job_id, lambda job: job.cancel(at=at))

    async def _end(self, job_id: JobId, change: Callable[[Job], Job]) -> Job:
        ended_before = False

        def end(job: Job) -> Job:
            nonlocal ended_before
            ended_before = job.ended
            return change(job)

        async with self.transactions.begin():
            job = await self.jobs.update(job_id, end)
            if not ended_before:
                await self.announce(job)
                day = (job.finished_at or self.now()).date()
                await self.usage.end(job.tenant, day, job.status)
        return job
