import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from dishka import Provider, Scope
from structlog.typing import EventDict
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionStartWorkflow,
    ScheduleHandle,
    ScheduleIntervalSpec,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
    WorkflowFailureError,
)

from photo.adapters.memory import MemoryObjectStore
from photo.adapters.temporal.schedule import INTERVALS, schedule_all, schedule_id
from photo.application.ports import (
    Buckets,
    Clock,
    JobRepository,
    ListedObject,
    UploadRepository,
)
from photo.application.sweeping import Swept
from photo.domain.errors import NotFound, Unavailable
from photo.domain.job import Status, Step
from photo.domain.upload import Upload
from tests.makers import NOW, SteppableClock, an_upload, in_chunks
from tests.workflow.stage import PHOTO, Stage, accepted_job

A_DAY = timedelta(days=1)
START_FORGOTTEN, SWEEP_UPLOADS = "start-forgotten-jobs", "sweep-uploads"
CONFIRM, RETAIN = "confirm-erasures", "apply-retention"


@pytest.fixture(params=[START_FORGOTTEN, SWEEP_UPLOADS])
async def schedule(
    request: pytest.FixtureRequest, client: Client
) -> AsyncIterator[ScheduleHandle]:
    """One of the deployment on the queue "photo"; all are gone afterwards."""
    yield client.get_schedule_handle(schedule_id(request.param, "photo"))
    await unschedule(client, "photo")


async def unschedule(client: Client, queue: str) -> None:
    for workflow in INTERVALS:
        await client.get_schedule_handle(schedule_id(workflow, queue)).delete()


@asynccontextmanager
async def looked_after(stage: Stage, workflow: str) -> AsyncIterator[ScheduleHandle]:
    """Have a workflow run once, by its schedule, and work meanwhile."""
    await schedule_all(stage.client, stage.queue)
    schedule = stage.client.get_schedule_handle(schedule_id(workflow, stage.queue))
    try:
        async with await stage.working():
            await schedule.trigger()
            yield schedule
    finally:
        await unschedule(stage.client, stage.queue)


async def test_a_job_that_was_never_started_is_started(client: Client) -> None:
    stage = Stage(client)
    job = await accepted_job(stage.container)
    async with looked_after(stage, START_FORGOTTEN):
        ended = await stage.ended(job.id)
    assert ended.status is Status.SUCCEEDED


async def test_a_job_whose_workflow_was_terminated_is_started_again(
    client: Client,
) -> None:
    stage = Stage(client)
    job = await accepted_job(stage.container)
    jobs: JobRepository = await stage.container.get(JobRepository)
    await jobs.update(job.id, lambda job: job.enter(Step.VERIFY, at=job.created_at))
    await stage.engine.start(job)
    await stage.workflow(job.id).terminate()
    async with looked_after(stage, START_FORGOTTEN):
        ended = await stage.ended(job.id)
    assert ended.status is Status.SUCCEEDED


async def test_a_job_that_temporal_forgot_is_started_again(client: Client) -> None:
    stage = Stage(client)
    job = await accepted_job(stage.container)
    jobs: JobRepository = await stage.container.get(JobRepository)
    await jobs.update(job.id, lambda job: job.enter(Step.VERIFY, at=job.created_at))
    async with looked_after(stage, START_FORGOTTEN):
        ended = await stage.ended(job.id)
    assert ended.status is Status.SUCCEEDED


async def test_a_sweep_says_how_much_it_cleared_away(
    client: Client, logs: list[EventDict]
) -> None:
    clock = SteppableClock()
    stage = clocked(client, clock)
    unclaimed, young = await sent(stage), an_upload(created_at=NOW + A_DAY)
    waiting = await accepted_job(stage.container)
    clock.step(A_DAY)
    await sent(stage, young)
    clock.step(timedelta(seconds=1))
    jobs: JobRepository = await stage.container.get(JobRepository)
    await jobs.update(waiting.id, lambda job: job.enter(Step.SCAN, at=clock()))
    async with looked_after(stage, SWEEP_UPLOADS) as schedule:
        swept = await result(stage, schedule)

    assert swept == Swept(uploads=1, objects=1, size_bytes=len(PHOTO))
    counts = {"uploads": 1, "objects": 1, "size_bytes": len(PHOTO), "writes": 0}
    assert [log for log in logs if log["event"] == "uploads_swept"] == [
        {"event": "uploads_swept", "step": SWEEP_UPLOADS, "attempt": 1}
        | {"log_level": "info"}
        | counts
    ]
    raw = (await stage.container.get(Buckets)).raw
    left = {item.key for item in await raw.list(after="", limit=10)}
    assert left == {young.key, waiting.raw_key}
    uploads: UploadRepository = await stage.container.get(UploadRepository)
    with pytest.raises(NotFound):
        await uploads.get(unclaimed.id, tenant=unclaimed.tenant)


async def test_a_sweep_that_fails_is_left_to_the_next(client: Client) -> None:
    class AwayOnce(MemoryObjectStore):
        calls = 0

        async def list(self, *, after: str, limit: int) -> Sequence[ListedObject]:
            self.calls += 1
            if self.calls == 1:
                raise Unavailable("The object store went away.")
            return await super().list(after=after, limit=limit)

    clock = SteppableClock()
    store = AwayOnce(clock)
    buckets = Buckets(raw=store, processed=MemoryObjectStore())
    stage = clocked(client, clock, buckets)
    await sent(stage)
    clock.step(2 * A_DAY)
    async with looked_after(stage, SWEEP_UPLOADS) as schedule:
        with pytest.raises(WorkflowFailureError):
            await result(stage, schedule)
        assert store.calls == 1
        await schedule.trigger()
        assert (await result(stage, schedule, run=2)).objects == 1


async def test_scheduling_again_changes_nothing(
    client: Client, schedule: ScheduleHandle
) -> None:
    await schedule_all(client, "photo")
    before = (await schedule.describe()).schedule
    await asyncio.gather(*(schedule_all(client, "photo") for _ in range(3)))
    after = (await schedule.describe()).schedule
    assert after.spec == before.spec
    assert after.policy == before.policy
    assert action(after).task_queue == "photo"


async def test_every_deployment_looks_after_its_own(client: Client) -> None:
    queues = [Stage(client).queue for _ in range(2)]
    actions = []
    for queue in queues:
        await schedule_all(client, queue)
        for workflow in INTERVALS:
            schedule = client.get_schedule_handle(schedule_id(workflow, queue))
            actions.append(action((await schedule.describe()).schedule))
        await unschedule(client, queue)
    assert [(action.task_queue, action.workflow) for action in actions] == [
        (queue, workflow) for queue in queues for workflow in INTERVALS
    ]
    assert len({action.id for action in actions}) == 2 * len(INTERVALS)


async def test_a_run_that_is_stuck_gives_way_to_the_next_in_the_end(
    client: Client, schedule: ScheduleHandle
) -> None:
    await schedule_all(client, "photo")
    limit = action((await schedule.describe()).schedule).run_timeout
    assert limit
    assert limit <= A_DAY


async def test_a_schedule_of_another_release_is_renewed(
    client: Client, schedule: ScheduleHandle
) -> None:
    await schedule_all(client, "photo")
    before = (await schedule.describe()).schedule
    daily = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=A_DAY)])
    await schedule.update(lambda found: changed(found, spec=daily))
    await schedule_all(client, "photo")
    renewed = (await schedule.describe()).schedule
    assert renewed.spec == before.spec
    assert [interval.every for interval in renewed.spec.intervals] == [
        INTERVALS[action(renewed).workflow]
    ]


async def test_a_schedule_that_an_operator_paused_stays_paused(
    client: Client, schedule: ScheduleHandle
) -> None:
    await schedule_all(client, "photo")
    await schedule.pause(note="the database is being moved")
    await schedule_all(client, "photo")
    state = (await schedule.describe()).schedule.state
    assert state.paused
    assert state.note == "the database is being moved"


def clocked(
    client: Client, clock: SteppableClock, buckets: Buckets | None = None
) -> Stage:
    raw = MemoryObjectStore(clock)
    both = buckets or Buckets(raw=raw, processed=MemoryObjectStore())
    provider = Provider(scope=Scope.APP)
    provider.provide(lambda: clock, provides=Clock)
    provider.provide(lambda: both, provides=Buckets)
    return Stage(client, None, provider)


async def sent(stage: Stage, upload: Upload | None = None) -> Upload:
    """A photo that nobody has claimed yet."""
    upload = upload or an_upload()
    uploads: UploadRepository = await stage.container.get(UploadRepository)
    await uploads.add(upload)
    raw = (await stage.container.get(Buckets)).raw
    await raw.write(upload.key, in_chunks(PHOTO), content_type=upload.content_type)
    return upload


async def result(stage: Stage, schedule: ScheduleHandle, *, run: int = 1) -> Swept:
    """What the schedule's n-th run answered."""
    async with asyncio.timeout(180):
        while len(runs := (await schedule.describe()).info.recent_actions) < run:
            pass
        started = runs[run - 1].action
        assert isinstance(started, ScheduleActionExecutionStartWorkflow)
        workflow = stage.client.get_workflow_handle(
            started.workflow_id,
            run_id=started.first_execution_run_id,
            result_type=Swept,
        )
        swept: Swept = await workflow.result()
        return swept


def action(schedule: Schedule) -> ScheduleActionStartWorkflow:
    assert isinstance(schedule.action, ScheduleActionStartWorkflow)
    return schedule.action


def changed(found: ScheduleUpdateInput, *, spec: ScheduleSpec) -> ScheduleUpdate:
    return ScheduleUpdate(replace(found.description.schedule, spec=spec))
