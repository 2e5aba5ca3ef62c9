"""The one way for a job to end, what is stored together with that, and what goes."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from photo.application.deliveries import AnnounceEnd
from photo.application.holdings import Holdings
from photo.application.measuring import when_certain
from photo.application.ports import (
    Clock,
    Erasures,
    JobRepository,
    Measures,
    Transactions,
    UsageRecords,
)
from photo.domain.errors import JobFinished, NotFound
from photo.domain.job import Failure, Job, JobId, Status


@dataclass(frozen=True, slots=True)
class FinishJob:
    """End a job, once: raises `JobFinished` where it has ended in another way."""

    transactions: Transactions
    jobs: JobRepository
    usage: UsageRecords
    announce: AnnounceEnd
    measures: Measures
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
                ended = partial(self.measures.ended, job)
                await when_certain(self.transactions, ended)
                await self.announce(job)
                day = (job.finished_at or self.now()).date()
                await self.usage.end(job.tenant, day, job.status)
        return job


@dataclass(frozen=True, slots=True)
class EndJob:
    """End a job that cannot go on, then delete its files.

    One that has ended or gone meanwhile is let be, and a success keeps its files. The
    row comes first: from then on it can be no success. All can be repeated, and must
    be until it was done once.
    """

    finish: FinishJob
    jobs: JobRepository
    erasures: Erasures
    holdings: Holdings

    async def fail(self, job_id: JobId, failure: Failure) -> bool:
        """Say whether the job has failed; otherwise it has ended in another way."""
        failed = False
        with suppress(JobFinished, NotFound):
            await self.finish.fail(job_id, failure)
            failed = True
        await self._delete_files(job_id)
        return failed

    async def cancel(self, job_id: JobId) -> None:
        with suppress(JobFinished, NotFound):
            await self.finish.cancel(job_id)
        await self._delete_files(job_id)

    async def _delete_files(self, job_id: JobId) -> None:
        try:
            job = await self.jobs.get(job_id)
        except NotFound:
            if erasure := await self.erasures.find(job_id):
                await self.holdings.destroy(erasure)
            return
        if job.status in {Status.FAILED, Status.CANCELLED}:
            await self.holdings.discard(job)
