import asyncio
from collections.abc import AsyncIterator
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

from photo.adapters.temporal.schedule import SCHEDULE_ID, schedule_sweep
from photo.domain.job import Status
from tests.workflow.stage import Stage, accepted_job


@pytest.fixture
async def schedule(client: Client) -> AsyncIterator[ScheduleHandle]:
    """The one schedule of the namespace; gone afterwards."""
    schedule = client.get_schedule_handle(SCHEDULE_ID)
    yield schedule
    await schedule.delete()


async def test_a_job_that_was_never_started_is_started(
    client: Client, schedule: ScheduleHandle
) -> None:
    stage = Stage(client)
    job = await accepted_job(stage.container)
    await schedule_sweep(client, stage.queue)
    async with await stage.working():
        await schedule.trigger()
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
    assert task_queue(after) == "photo"


async def test_a_schedule_of_another_release_is_renewed(
    client: Client, schedule: ScheduleHandle
) -> None:
    await schedule_sweep(client, "old")
    hourly = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(hours=1))])
    await schedule.update(lambda found: changed(found, spec=hourly))
    await schedule_sweep(client, "new")
    renewed = (await schedule.describe()).schedule
    assert task_queue(renewed) == "new"
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


def task_queue(schedule: Schedule) -> str:
    assert isinstance(schedule.action, ScheduleActionStartWorkflow)
    return schedule.action.task_queue


def changed(found: ScheduleUpdateInput, *, spec: ScheduleSpec) -> ScheduleUpdate:
    return ScheduleUpdate(replace(found.description.schedule, spec=spec))
