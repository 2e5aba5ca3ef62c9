import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from photo.adapters.memory import MemoryJobFeed
from photo.application.jobs import (
    FORGOTTEN_AFTER,
    LINK_LIFETIME,
    AwaitJob,
    ListFiles,
    OpenArtifact,
)
from photo.application.ports import Changes, JobFeed
from photo.domain.errors import (
    JobFailed,
    JobFinished,
    JobNotFinished,
    NotFound,
    PhotoError,
    Unavailable,
    UploadExpired,
    UploadMissing,
    UploadUsed,
)
from photo.domain.job import Failure, JobId, Status, Step
from photo.domain.upload import GRANT_LIFETIME, UploadId
from tests.makers import ACME, OTHER, SteppableClock, an_upload
from tests.unit.world import A_SECOND, Crash, World

AWAY = Unavailable("Temporal is away.")
BROKEN = Failure("corrupt_image", "This is no photo.", retryable=False)
AN_HOUR = timedelta(hours=1)


async def later(world: World) -> None:
    """The next sweep after a job has been forgotten."""
    world.clock.step(FORGOTTEN_AFTER + A_SECOND)
    await world.start_forgotten()


async def test_a_submitted_job_is_recorded_and_started(world: World) -> None:
    upload = await world.arrive(an_upload())
    job = await world.submit(ACME, upload.id, {"page": "1"})
    assert await world.jobs.get(job.id) == job
    assert (job.status, job.metadata, job.tenant) == (
        Status.QUEUED,
        {"page": "1"},
        ACME,
    )
    assert world.engine.started == [job.id]


async def test_a_job_needs_its_photo(world: World) -> None:
    upload = an_upload()
    await world.uploads.add(upload)
    with pytest.raises(UploadMissing):
        await world.submit(ACME, upload.id, {})
    world.clock.step(GRANT_LIFETIME)
    with pytest.raises(UploadExpired):
        await world.submit(ACME, upload.id, {})
    assert world.engine.started == []


async def test_a_photo_that_arrived_may_be_submitted_later(world: World) -> None:
    upload = await world.arrive(an_upload())
    world.clock.step(2 * GRANT_LIFETIME)
    assert (await world.submit(ACME, upload.id, {})).status is Status.QUEUED


async def test_an_upload_serves_one_job(world: World) -> None:
    upload = await world.arrive(an_upload())
    job = await world.submit(ACME, upload.id, {})
    with pytest.raises(UploadUsed):
        await world.submit(ACME, upload.id, {})
    assert world.engine.started == [job.id]


async def test_an_upload_of_another_tenant_is_not_there(world: World) -> None:
    upload = await world.arrive(an_upload())
    with pytest.raises(NotFound):
        await world.submit(OTHER, upload.id, {})
    with pytest.raises(NotFound):
        await world.submit(ACME, UploadId("upl_unknown"), {})


async def test_a_job_is_accepted_while_the_engine_is_away(world: World) -> None:
    upload = await world.arrive(an_upload())
    world.engine.fault = AWAY
    job = await world.submit(ACME, upload.id, {})
    world.engine.fault = None
    await later(world)
    assert world.engine.started == [job.id]


@pytest.mark.parametrize("call", range(1, 5))
async def test_a_crash_while_submitting_is_made_good_by_trying_again(
    world: World, call: int
) -> None:
    upload = await world.arrive(an_upload())
    world.fuse.blow_at(call)
    with pytest.raises(Crash):
        await world.submit(ACME, upload.id, {})
    known = await world.jobs.for_upload(upload.id)
    if known:
        with pytest.raises(UploadUsed):
            await world.submit(ACME, upload.id, {})
    else:
        known = await world.submit(ACME, upload.id, {})
    await later(world)
    assert {*world.engine.started} == {known.id}


async def test_a_submission_is_four_calls(world: World) -> None:
    upload = await world.arrive(an_upload())
    world.fuse.blow_at(0)
    await world.submit(ACME, upload.id, {})
    assert world.fuse.calls == 4


async def test_only_a_job_that_has_waited_long_is_forgotten(world: World) -> None:
    job_id = await world.accept()
    world.clock.step(FORGOTTEN_AFTER)
    assert await world.start_forgotten() == 0
    world.clock.step(A_SECOND)
    assert await world.start_forgotten() == 1
    assert world.engine.started == [job_id]


async def test_a_job_that_is_under_way_or_over_is_not_forgotten(world: World) -> None:
    running, cancelled = await world.accept(), await world.accept()
    await world.verify(running)
    await world.end.cancel(cancelled)
    await later(world)
    assert world.engine.started == []


async def test_a_sweep_that_breaks_is_completed_by_the_next(world: World) -> None:
    jobs = [await world.accept() for _ in range(3)]
    world.clock.step(FORGOTTEN_AFTER + A_SECOND)
    world.fuse.blow_at(2)
    with pytest.raises(Crash):
        await world.start_forgotten()
    await world.start_forgotten()
    assert world.engine.started == [*jobs[:2], *jobs]


async def test_a_sweep_says_when_the_engine_is_away(world: World) -> None:
    await world.accept()
    world.engine.fault = AWAY
    with pytest.raises(Unavailable):
        await later(world)


async def test_a_cancelled_job_ends_and_its_work_stops(world: World) -> None:
    job_id = await world.accept()
    job = await world.cancel(ACME, job_id)
    assert (job.status, await world.jobs.get(job_id)) == (Status.CANCELLED, job)
    assert world.engine.cancelled == [job_id]


async def test_a_job_is_cancelled_while_the_engine_is_away(world: World) -> None:
    job_id = await world.accept()
    world.engine.fault = AWAY
    await world.cancel(ACME, job_id)
    assert (await world.process(job_id)).status is Status.CANCELLED
    assert world.processed.contents() == {}


@pytest.mark.parametrize("end", ["succeed", "fail", "cancel"])
async def test_a_job_that_has_ended_cannot_be_cancelled(world: World, end: str) -> None:
    job_id = await world.accept()
    match end:
        case "succeed":
            await world.process(job_id)
        case "fail":
            await world.end.fail(job_id, BROKEN)
        case _:
            await world.end.cancel(job_id)
    before = await world.jobs.get(job_id)
    with pytest.raises(JobFinished):
        await world.cancel(ACME, job_id)
    assert await world.jobs.get(job_id) == before
    assert world.engine.cancelled == []


async def test_another_tenants_job_cannot_be_cancelled(world: World) -> None:
    job_id = await world.accept()
    with pytest.raises(NotFound):
        await world.cancel(OTHER, job_id)
    assert (await world.jobs.get(job_id)).status is Status.QUEUED


@pytest.mark.parametrize("call", range(1, 4))
async def test_a_crash_while_cancelling_leaves_a_job_that_ends_once(
    world: World, call: int
) -> None:
    job_id = await world.accept()
    world.fuse.blow_at(call)
    with pytest.raises(Crash):
        await world.cancel(ACME, job_id)
    if (await world.jobs.get(job_id)).ended:
        with pytest.raises(JobFinished):
            await world.cancel(ACME, job_id)
    else:
        await world.cancel(ACME, job_id)
    assert (await world.process(job_id)).status is Status.CANCELLED
    assert world.processed.contents() == {}


class Watched(MemoryJobFeed):
    """Says when somebody listens."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = asyncio.Event()

    @asynccontextmanager
    async def subscribe(self, job_id: JobId) -> AsyncIterator[Changes]:
        async with super().subscribe(job_id) as changes:
            self.heard.set()
            yield changes


class Dull(JobFeed, Changes):
    """Nothing ever changes: each wait is over when its time is, or for nothing."""

    def __init__(self, clock: SteppableClock, *, at_most: timedelta) -> None:
        self.subscribed = False
        self.waits: list[timedelta] = []
        self._clock = clock
        self._at_most = at_most

    @asynccontextmanager
    async def subscribe(self, job_id: JobId) -> AsyncIterator[Changes]:
        self.subscribed = True
        yield self

    async def wait(self, up_to: timedelta) -> None:
        self.waits.append(up_to)
        self._clock.step(min(up_to, self._at_most))


async def test_a_job_that_has_ended_is_not_waited_for(world: World) -> None:
    job_id = await world.accept()
    await world.end.cancel(job_id)
    dull = Dull(world.clock, at_most=AN_HOUR)
    wait = AwaitJob(world.jobs, dull, world.clock)
    assert (await wait(ACME, job_id, up_to=AN_HOUR)).status is Status.CANCELLED
    assert not dull.subscribed


async def test_without_time_a_job_is_returned_as_it_is(world: World) -> None:
    job_id = await world.accept()
    dull = Dull(world.clock, at_most=AN_HOUR)
    wait = AwaitJob(world.jobs, dull, world.clock)
    assert (await wait(ACME, job_id, up_to=timedelta(0))).status is Status.QUEUED
    assert not dull.subscribed


async def test_a_waiter_is_woken_by_the_end_and_not_by_a_step() -> None:
    feed = Watched()
    world = World(feed=feed)
    job_id = await world.accept()
    wait = AwaitJob(world.jobs, feed, world.clock)
    waiting = asyncio.create_task(wait(ACME, job_id, up_to=AN_HOUR))
    await feed.heard.wait()
    await world.jobs.update(
        job_id, lambda job: job.enter(Step.VERIFY, at=job.created_at)
    )
    await world.end.fail(job_id, BROKEN)
    async with asyncio.timeout(10):
        assert (await waiting).status is Status.FAILED


async def test_an_end_between_the_look_and_the_subscription_is_not_missed() -> None:
    class EndsMeanwhile(MemoryJobFeed):
        @asynccontextmanager
        async def subscribe(self, job_id: JobId) -> AsyncIterator[Changes]:
            await early.end.fail(job_id, BROKEN)
            async with super().subscribe(job_id) as changes:
                yield changes

    early = World(feed=EndsMeanwhile())
    job_id = await early.accept()
    wait = AwaitJob(early.jobs, early.feed, early.clock)
    async with asyncio.timeout(10):
        assert (await wait(ACME, job_id, up_to=AN_HOUR)).status is Status.FAILED


async def test_a_waiter_goes_when_the_time_is_over(world: World) -> None:
    job_id = await world.accept()
    dull = Dull(world.clock, at_most=AN_HOUR)
    wait = AwaitJob(world.jobs, dull, world.clock)
    assert (await wait(ACME, job_id, up_to=30 * A_SECOND)).status is Status.QUEUED
    assert dull.waits == [30 * A_SECOND]


async def test_a_waiter_woken_for_nothing_waits_for_what_is_left(world: World) -> None:
    job_id = await world.accept()
    dull = Dull(world.clock, at_most=20 * A_SECOND)
    wait = AwaitJob(world.jobs, dull, world.clock)
    await wait(ACME, job_id, up_to=50 * A_SECOND)
    assert dull.waits == [50 * A_SECOND, 30 * A_SECOND, 10 * A_SECOND]


async def test_nobody_waits_for_another_tenants_job(world: World) -> None:
    job_id = await world.accept()
    wait = AwaitJob(world.jobs, world.feed, world.clock)
    with pytest.raises(NotFound):
        await wait(OTHER, job_id, up_to=AN_HOUR)


async def test_a_file_of_a_succeeded_job_is_streamed(world: World) -> None:
    job_id = await world.accept()
    await world.process(job_id)
    opened = await OpenArtifact(world.jobs, world.buckets)(ACME, job_id, "text.txt")
    assert b"".join([chunk async for chunk in opened]) == b"Hello photo"


async def test_every_file_of_a_succeeded_job_is_linked(world: World) -> None:
    job_id = await world.accept()
    job = await world.process(job_id)
    linked = await list_files(world)(ACME, job_id)
    assert [item.file.name for item in linked] == [
        "original",
        "normalized.jpg",
        "thumbnail.webp",
        "text.json",
        "text.txt",
        "manifest.json",
    ]
    assert {item.expires_at for item in linked} == {world.clock() + LINK_LIFETIME}
    original, *artifacts = linked
    assert original.url.startswith(f"memory://raw/{job.raw_key}?")
    assert f"filename={job.id}.jpeg" in original.url
    for item in artifacts:
        key = job.artifact_key(item.file.name)
        assert item.url.startswith(f"memory://processed/{key}?")
    assert artifacts[-1].file.sha256 == job.manifest_sha256


@pytest.mark.parametrize(
    ("failure", "refusal"), [(None, JobNotFinished), (BROKEN, JobFailed)]
)
async def test_only_a_succeeded_job_has_files(
    world: World, failure: Failure | None, refusal: type[PhotoError]
) -> None:
    job_id = await world.accept()
    if failure:
        await world.end.fail(job_id, failure)
    with pytest.raises(refusal):
        await list_files(world)(ACME, job_id)
    with pytest.raises(refusal):
        await OpenArtifact(world.jobs, world.buckets)(ACME, job_id, "text.txt")


async def test_another_tenants_files_are_not_there(world: World) -> None:
    job_id = await world.accept()
    await world.process(job_id)
    with pytest.raises(NotFound):
        await list_files(world)(OTHER, job_id)
    with pytest.raises(NotFound):
        await OpenArtifact(world.jobs, world.buckets)(OTHER, job_id, "text.txt")


def list_files(world: World) -> ListFiles:
    return ListFiles(
        world.jobs, world.buckets, world.links, world.documents, world.clock
    )
