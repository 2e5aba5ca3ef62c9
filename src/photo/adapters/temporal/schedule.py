"""The sweep: every half minute, jobs at a standstill are started."""

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
from photo.adapters.temporal.workflows import StartForgotten

_INTERVAL = timedelta(seconds=30)


async def schedule_sweep(client: Client, task_queue: str) -> None:
    """Create the schedule, or make it what it should be; paused, it stays paused.

    Raises `Unavailable`.
    """
    name = schedule_id(task_queue)
    wanted = Schedule(
        action=ScheduleActionStartWorkflow(
            StartForgotten.run, id=name, task_queue=task_queue
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=_INTERVAL)]),
        policy=SchedulePolicy(
            overlap=ScheduleOverlapPolicy.SKIP,
            # The next sweep finds what the missed ones would have found.
            catchup_window=_INTERVAL,
        ),
    )

    def renew(found: ScheduleUpdateInput) -> ScheduleUpdate:
        return ScheduleUpdate(replace(wanted, state=found.description.schedule.state))

    async with translated():
        try:
            await client.create_schedule(name, wanted)
        except ScheduleAlreadyRunningError:
            await client.get_schedule_handle(name).update(renew)


def schedule_id(task_queue: str) -> str:
    """Of the schedule and its workflows: one a deployment, which has its own queue."""
    return f"start-forgotten-jobs/{task_queue}"
