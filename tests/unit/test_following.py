"""What a stream of versions does when something goes wrong meanwhile."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar

import pytest

from photo.application.draining import Draining
from photo.application.following import FollowJob
from photo.application.ports import JobEvents
from photo.domain.access import Tenant
from photo.domain.errors import NotFound, RateLimited, Unavailable, ValidationFailed
from photo.domain.job import Job, JobId
from tests.makers import ACME, OTHER
from tests.unit.world import World


class Following(FollowJob):
    HEARTBEAT: ClassVar = timedelta(milliseconds=5)
    MOST: ClassVar = 3


class Failing(JobEvents):
    """Fails a few times after the first."""

    def __init__(self, events: JobEvents, error: Exception) -> None:
        self._events = events
        self._error = error
        self.calls = 0

    async def after(self, tenant: Tenant, job_id: JobId, version: int) -> Sequence[Job]:
        self.calls += 1
        if 1 < self.calls < 5:
            raise self._error
        return await self._events.after(tenant, job_id, version)


async def always() -> bool:
    return True


def following(world: World, events: JobEvents | None = None) -> Following:
    return Following(world.jobs, events or world.jobs, world.feed, Draining())


async def test_while_versions_cannot_be_read_the_stream_lives_on(world: World) -> None:
    events = Failing(world.jobs, Unavailable("The database is away."))
    job_id = await world.accept()
    follow = following(world, events)
    seen: list[int | None] = []
    async with asyncio.timeout(60):
        async for job in follow(ACME, job_id, after=0, still_allowed=always):
            seen.append(job.version if job else None)
            if len(seen) == 1:
                await world.end.cancel(job_id)
    assert seen == [1, None, None, None, 2]


async def test_the_stream_of_an_erased_job_ends(world: World) -> None:
    events = Failing(world.jobs, NotFound("It is gone."))
    job_id = await world.accept()
    follow = following(world, events)
    seen = []
    async with asyncio.timeout(60):
        async for job in follow(ACME, job_id, after=0, still_allowed=always):
            seen.append(job)
            await world.end.cancel(job_id)
    assert len(seen) == 1


async def test_nothing_is_asked_for_while_nothing_happens(world: World) -> None:
    events = Failing(world.jobs, Unavailable("Nobody asks."))
    job_id = await world.accept()
    stream = following(world, events)(ACME, job_id, after=0, still_allowed=always)
    async with asyncio.timeout(60):
        assert await anext(stream)
        for _ in range(5):
            assert await anext(stream) is None
    assert events.calls == 1
    await stream.aclose()


async def test_places_are_counted_by_tenant_and_given_back(world: World) -> None:
    job_id = await world.accept()
    follow = following(world)
    streams = [
        follow(ACME, job_id, after=0, still_allowed=always)
        for _ in range(Following.MOST + 1)
    ]
    for stream in streams[:-1]:
        assert await anext(stream)
    with pytest.raises(RateLimited):
        await anext(streams[-1])
    with pytest.raises(NotFound):
        await anext(follow(OTHER, job_id, after=0, still_allowed=always))
    await streams[0].aclose()
    again = follow(ACME, job_id, after=0, still_allowed=always)
    assert await anext(again)
    for stream in (*streams, again):
        await stream.aclose()


async def test_a_stream_ends_when_its_caller_may_not_go_on(world: World) -> None:
    job_id = await world.accept()
    allowed = [True, False]

    async def still_allowed() -> bool:
        return allowed.pop(0)

    stream = following(world)(ACME, job_id, after=0, still_allowed=still_allowed)
    async with asyncio.timeout(60):
        assert [job.version if job else None async for job in stream] == [1, None]


async def test_a_version_that_never_was_is_refused(world: World) -> None:
    job_id = await world.accept()
    with pytest.raises(ValidationFailed):
        await anext(following(world)(ACME, job_id, after=2, still_allowed=always))


async def test_a_change_between_the_look_and_the_wait_is_not_missed(
    world: World,
) -> None:
    class Patient(FollowJob):
        HEARTBEAT: ClassVar = timedelta(hours=1)

    class Changing(JobEvents):
        async def after(
            self, tenant: Tenant, job_id: JobId, version: int
        ) -> Sequence[Job]:
            found = await world.jobs.after(tenant, job_id, version)
            if version == 0:
                await world.end.cancel(job_id)
            return found

    job_id = await world.accept()
    follow = Patient(world.jobs, Changing(), world.feed, Draining())
    async with asyncio.timeout(60):
        stream = follow(ACME, job_id, after=0, still_allowed=always)
        assert [job.version if job else None async for job in stream] == [1, 2]
