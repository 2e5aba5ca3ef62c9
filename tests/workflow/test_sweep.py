import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleHandle,
    ScheduleIntervalSpec,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from photo.adapters.temporal.schedule import schedule_id, schedule_sweep
from photo.application.ports import JobRepository
from photo.domain.job import Status, Step
from tests.workflow.stage import Stage, accepted_job


@pytest.fixture
async def schedule(client: Client) -> AsyncIterator[ScheduleHandle]:
    """Of the deployment on the queue "photo"; gone afterwards."""
    schedule = client.get_schedule_handle(schedule_id("photo"))
    yield schedule
    await schedule.delete()


@asynccontextmanager
async def sweeping(stage: Stage) -> AsyncIterator[None]:
    """Sweep once, and work meanwhile."""
    await schedule_sweep(stage.client, stage.queue)
    schedule = stage.client.get_schedule_handle(schedule_id(stage.queue))
    try:
        async with await stage.working():
            await schedule.trigger()
            yield
    finally:
        await schedule.delete()


async def test_a_job_that_was_never_started_is_started(client: Client) -> None:
    stage = Stage(client)
    job = await accepted_job(stage.container)
    async with sweeping(stage):
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
    async with sweeping(stage):
        ended = await stage.ended(job.id)
    assert ended.status is Status.SUCCEEDED


async def test_a_job_that_temporal_forgot_is_started_again(client: Client) -> None:
    stage = Stage(client)
    job = await accepted_job(stage.container)
    jobs: JobRepository = await stage.container.get(JobRepository)
    await jobs.update(job.id, lambda job: job.enter(Step.VERIFY, at=job.created_at))
    async with sweeping(stage):
        ended = await stage.ended(job.id)
    assert ended.status is Status.SUCCEEDED


async def test_scheduling_again_changes_nothing(
    client: Client, schedule: ScheduleHandle
) -> None:
    await schedule_sweep(client, "photo")
    before = (await schedule.describe()).schedule
    await asyncio.gather(*(schedule_sweep(client, "photo") for _ in range(3)))
    after = (await schedule.describe()).schedule
    assert after.spec == before.spec
    assert after.policy == before.policy
    assert action(after).task_queue == "photo"


async def test_two_deployments_sweep_each_their_own_jobs(client: Client) -> None:
    queues = [Stage(client).queue for _ in range(2)]
    for queue in queues:
        await schedule_sweep(client, queue)
    actions = []
    for queue in queues:
        schedule = client.get_schedule_handle(schedule_id(queue))
        actions.append(action((await schedule.describe()).schedule))
        await schedule.delete()
    assert [action.task_queue for action in actions] == queues
    assert len({action.id for action in actions}) == 2


async def test_a_schedule_of_another_release_is_renewed(
    client: Client, schedule: ScheduleHandle
) -> None:
    await schedule_sweep(client, "photo")
    hourly = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(hours=1))])
    await schedule.update(lambda found: changed(found, spec=hourly))
    await schedule_sweep(client, "photo")
    renewed = (await schedule.describe()).schedule
    assert [interval.every for interval in renewed.spec.intervals] == [
        timedelta(seconds=30)
    ]


async def test_a_schedule_that_an_operator_paused_stays_paused(
    client: Client, schedule: ScheduleHandle
) -> None:
    await schedule_sweep(client, "photo")
    await schedule.pause(note="the database is being moved")
    await schedule_sweep(client, "photo")
    state = (await schedule.describe()).schedule.state
    assert state.paused
    assert state.note == "the database is being moved"


def action(schedule: Schedule) -> ScheduleActionStartWorkflow:
    assert isinstance(schedule.action, ScheduleActionStartWorkflow)
    return schedule.action


def changed(found: ScheduleUpdateInput, *, spec: ScheduleSpec) -> ScheduleUpdate:
    return ScheduleUpdate(replace(found.description.schedule, spec=spec))
