"""Use case: tell of a job's changes while they happen."""

from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress
from datetime import timedelta
from typing import ClassVar

from photo.application.draining import Draining
from photo.application.ports import JobEvents, JobFeed, JobRepository
from photo.domain.access import Tenant
from photo.domain.errors import (
    NotFound,
    RateLimited,
    Unavailable,
    ValidationFailed,
)
from photo.domain.job import Job, JobId


class FollowJob:
    """Stream every version of the tenant's job after one, to the one it ends with.

    `None` in between says that the stream lives. Nothing is held while it waits; it
    asks for versions only when told that there are some, and when the answer failed.
    It ends early when the caller may not go on, when the job is erased and when the
    process stops: whoever comes again with the last version misses none. It is empty
    if there will be no later version.
    """

    #: How long it is silent, and how long it outlives its caller's credential.
    HEARTBEAT: ClassVar = timedelta(seconds=15)
    #: How many of them a tenant can have open in one process.
    MOST: ClassVar = 100

    def __init__(
        self,
        jobs: JobRepository,
        events: JobEvents,
        feed: JobFeed,
        draining: Draining,
    ) -> None:
        self._jobs = jobs
        self._events = events
        self._feed = feed
        self._draining = draining
        self._open: Counter[Tenant] = Counter()

    async def __call__(
        self,
        tenant: Tenant,
        job_id: JobId,
        *,
        after: int,
        still_allowed: Callable[[], Awaitable[bool]],
    ) -> AsyncGenerator[Job | None, None]:
        with self._place(tenant):
            job = await self._jobs.get_for(tenant, job_id)
            if after > job.version:
                raise ValidationFailed("This job has had no such event.")
            if job.ended and after == job.version:
                return
            following = self._follow(job, after, still_allowed)
            with suppress(NotFound):  # erased meanwhile
                async with aclosing(following) as versions:
                    async for version in versions:
                        yield version

    async def _follow(
        self, job: Job, seen: int, still_allowed: Callable[[], Awaitable[bool]]
    ) -> AsyncGenerator[Job | None, None]:
        stale = True
        async with self._feed.subscribe(job.id) as changes:
            while True:
                versions = await self._later(job, seen) if stale else ()
                for version in versions or ():
                    yield version
                    seen = version.version
                    if version.ended:
                        return
                if not versions:
                    yield None
                # What could not be asked for now is asked for after a heartbeat.
                wait = self._draining.cut_short(changes.wait(self.HEARTBEAT))
                stale = await wait or versions is None
                if self._draining.begun or not await still_allowed():
                    return

    async def _later(self, job: Job, seen: int) -> Sequence[Job] | None:
        with suppress(Unavailable):
            return await self._events.after(job.tenant, job.id, seen)
        return None

    @contextmanager
    def _place(self, tenant: Tenant) -> Iterator[None]:
        if self._open[tenant] >= self.MOST:
            raise RateLimited(
                f"No more than {self.MOST} jobs can be followed at once. "
                "Let streams end, or wait for webhooks.",
                retry_after=self.HEARTBEAT,
            )
        self._open[tenant] += 1
        try:
            yield
        finally:
            self._open[tenant] -= 1
            if not self._open[tenant]:
                del self._open[tenant]
