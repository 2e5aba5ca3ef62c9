"""What goes by itself: workflows that look after what nobody asks for."""

from dataclasses import replace
from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from photo.adapters.temporal.calls import translated

#: How often each workflow runs.
INTERVALS = {
    "start-forgotten-jobs": timedelta(seconds=30),
    "sweep-uploads": timedelta(hours=1),
    "confirm-erasures": timedelta(hours=1),
    "apply-retention": timedelta(hours=1),
}


async def schedule_all(client: Client, task_queue: str) -> None:
    """Create the schedules, or make them what they should be.

    One that was paused stays paused. Raises `Unavailable`.
    """
    for workflow in INTERVALS:
        await _schedule(client, workflow, task_queue)


async def _schedule(client: Client, workflow: str, task_queue: str) -> None:
    name, every = schedule_id(workflow, task_queue), INTERVALS[workflow]
    wanted = Schedule(
        action=ScheduleActionStartWorkflow(workflow, id=name, task_queue=task_queue),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)]),
        policy=SchedulePolicy(
            overlap=ScheduleOverlapPolicy.SKIP,
            # The next run finds what the missed ones would have found.
            catchup_window=every,
        ),
    )

    def renew(found: ScheduleUpdateInput) -> ScheduleUpdate:
        return ScheduleUpdate(replace(wanted, state=found.description.schedule.state))

    async with translated():
        try:
            await client.create_schedule(name, wanted)
        except ScheduleAlreadyRunningError:
            await client.get_schedule_handle(name).update(renew)


def schedule_id(workflow: str, task_queue: str) -> str:
    """Of a schedule and its workflows: one a deployment, which has its own queue."""
    return f"{workflow}/{task_queue}"
