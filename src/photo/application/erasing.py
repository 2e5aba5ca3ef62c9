"""Use cases: leave nothing of a job and its photo but a receipt."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from photo.application.audit import RecordChange
from photo.application.holdings import Holdings
from photo.application.ports import (
    Clock,
    Erasures,
    JobRepository,
    Transactions,
    UsageRecords,
    WorkflowEngine,
)
from photo.domain.access import Principal
from photo.domain.audit import Action
from photo.domain.erasure import Erasure
from photo.domain.errors import NotFound, Unavailable
from photo.domain.job import Job, JobId, Status

#: No attempt at a step takes longer: whatever wrote when a job was erased is over.
OVER_AFTER = timedelta(minutes=20)

_BATCH = 500


@dataclass(frozen=True, slots=True)
class EraseJob:
    """Erase the caller's job, in whatever state, and return the receipt.

    The receipt takes the place of the rows in one transaction. Then the objects go. If
    the process dies in between, the same call or `ConfirmErasures` completes it, and
    every call gets the same receipt. Steps still at work find no job any more.
    """

    transactions: Transactions
    jobs: JobRepository
    erasures: Erasures
    usage: UsageRecords
    holdings: Holdings
    record: RecordChange
    engine: WorkflowEngine
    now: Clock

    async def __call__(self, caller: Principal, job_id: JobId) -> Erasure:
        with suppress(NotFound):  # erased before, or in this moment by another
            job = await self.jobs.get_for(caller.tenant, job_id)
            await self._replace_rows(job, caller)
        erasure = await self.erasures.get(caller.tenant, job_id)
        if erasure.completed_at is None:
            await self.holdings.destroy(erasure)
            erasure = await self.erasures.complete(job_id, at=self.now())
        return erasure

    async def _replace_rows(self, job: Job, caller: Principal) -> None:
        objects = await self.holdings.of(job)
        at = self.now()
        erasure = Erasure.of(job, actor=caller.credential, objects=objects, at=at)
        async with self.transactions.begin():
            last = await self.erasures.erase(erasure)
            await self.record(caller, Action.JOB_ERASED, job.id)
            if not last.ended:
                await self.usage.end(job.tenant, at.date(), Status.CANCELLED)
                await self.transactions.then(lambda: self._stop(job.id))

    async def _stop(self, job_id: JobId) -> None:
        with suppress(Unavailable):
            await self.engine.cancel(job_id)


@dataclass(frozen=True, slots=True)
class ConfirmErasures:
    """Delete once more what may have been written after it was deleted; how many.

    A step that was at work then is over by now, and so is the form by which a client
    could have sent the photo again. Erasures that a crash interrupted are completed.
    """

    erasures: Erasures
    holdings: Holdings
    now: Clock

    async def __call__(self) -> int:
        before = self.now() - OVER_AFTER
        confirmed = 0
        while batch := await self.erasures.unconfirmed(
            requested_before=before, limit=_BATCH
        ):
            for erasure in batch:
                await self.holdings.destroy(erasure)
                await self.erasures.confirm(erasure.job_id, at=self.now())
            confirmed += len(batch)
        return confirmed
