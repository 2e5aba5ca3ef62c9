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
    "start-forgotten-jobs": timedelta(seconds=10),
    "stop-stray-work": timedelta(minutes=1),
    "sweep-uploads": timedelta(hours=1),
    "sweep-artifacts": timedelta(minutes=30),
    "check-results": timedelta(minutes=30),
    "confirm-erasures": timedelta(hours=1),
    "apply-retention": timedelta(hours=1),
}

# Only a worker that starts waits for this, and it would try again.
_CALL_LIMIT = timedelta(seconds=30)

# No run waits for longer than this, and none begins before the last one has ended.
_LONGEST = timedelta(days=1)


async def schedule_all(client: Client, task_queue: str) -> None:
    """Create the schedules, or make them what they should be.

    One that was paused stays paused. Raises `Unavailable`.
    """
    for workflow in INTERVALS:
        await _schedule(client, workflow, task_queue)


async def _schedule(client: Client, workflow: str, task_queue: str) -> None:
    name, every = schedule_id(workflow, task_queue), INTERVALS[workflow]
    wanted = Schedule(
        action=ScheduleActionStartWorkflow(
            workflow, id=name, task_queue=task_queue, run_timeout=_LONGEST
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)]),
        policy=SchedulePolicy(
            overlap=ScheduleOverlapPolicy.SKIP,
            # The next run finds what the missed ones would have found.
            catchup_window=every,
        ),
    )

    def renew(found: ScheduleUpdateInput) -> ScheduleUpdate:
        return ScheduleUpdate(replace(wanted, state=found.description.schedule.state))

    async with translated(within=_CALL_LIMIT):
        try:
            await client.create_schedule(name, wanted)
        except ScheduleAlreadyRunningError:
            await client.get_schedule_handle(name).update(renew)


def schedule_id(workflow: str, task_queue: str) -> str:
    """Of a schedule and its workflows: one a deployment, which has its own queue."""
    return f"{workflow}/{task_queue}"
