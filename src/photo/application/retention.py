"""Use case: keep nothing longer than it is to be kept."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from photo.application.audit import service
from photo.application.erasing import EraseJob
from photo.application.idempotency import KEPT_FOR
from photo.application.ports import AgedRecords, Clock

#: How long after a job's end its past can be followed.
EVENTS_KEPT_FOR = timedelta(hours=24)

_JOBS = 500
_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Retention:
    """How long jobs are kept after their end; None is for good."""

    jobs: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    jobs: int
    answers: int
    events: int


@dataclass(frozen=True, slots=True)
class ApplyRetention:
    """Erase jobs that ended longer ago than they are kept; prune what serves for a day.

    The oldest first, each on its own: what is not done when this is cut off, the next
    run does.
    """

    aged: AgedRecords
    erase: EraseJob
    retention: Retention
    now: Clock

    async def __call__(self) -> Pruned:
        now = self.now()
        answers = await _all(
            lambda: self.aged.forget_answers(before=now - KEPT_FOR, limit=_ROWS)
        )
        events = await _all(
            lambda: self.aged.forget_events(
                ended_before=now - EVENTS_KEPT_FOR, limit=_ROWS
            )
        )
        return Pruned(jobs=await self._erase_jobs(), answers=answers, events=events)

    async def _erase_jobs(self) -> int:
        if self.retention.jobs is None:
            return 0
        before = self.now() - self.retention.jobs
        erased = 0
        while batch := await self.aged.ended_jobs(before=before, limit=_JOBS):
            for job in batch:
                await self.erase(service(job.tenant), job.id)
            erased += len(batch)
        return erased


async def _all(forget: Callable[[], Awaitable[int]]) -> int:
    """Batch by batch, until there is none left."""
    forgotten = 0
    while batch := await forget():
        forgotten += batch
    return forgotten
