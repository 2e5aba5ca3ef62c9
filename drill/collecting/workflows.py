"""What Temporal remembers."""

import asyncio
from collections.abc import Sequence

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecution

from drill.evidence import Step
from drill.places import Places

_RUNNING = "WorkflowType = '{}' AND ExecutionStatus = 'Running'"
_JOBS = "WorkflowType = 'process-photo'"
_AT_ONCE = 8


async def connected(places: Places) -> Client:
    return await Client.connect(
        places.temporal_target, namespace=places.temporal_namespace
    )


async def running_workflows(client: Client, kind: str) -> Sequence[str]:
    found = client.list_workflows(_RUNNING.format(kind))
    return [workflow.id async for workflow in found]


async def read_steps(client: Client) -> Sequence[Step]:
    """Every activity that the workflows of jobs have scheduled."""
    turns = asyncio.Semaphore(_AT_ONCE)

    async def read(workflow: WorkflowExecution) -> Sequence[Step]:
        async with turns:
            return await _steps(client, workflow)

    found = [workflow async for workflow in client.list_workflows(_JOBS)]
    steps = await asyncio.gather(*map(read, found))
    return [step for some in steps for step in some]


async def _steps(client: Client, workflow: WorkflowExecution) -> Sequence[Step]:
    handle = client.get_workflow_handle(workflow.id, run_id=workflow.run_id)
    job_id = workflow.id.partition("/")[2]
    names: dict[int, str] = {}
    attempts: dict[int, int] = {}
    async for event in handle.fetch_history_events():
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            about = event.activity_task_scheduled_event_attributes
            names[event.event_id] = about.activity_type.name
        elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
            begun = event.activity_task_started_event_attributes
            attempts[begun.scheduled_event_id] = begun.attempt
    return [
        Step(workflow.run_id, job_id, name, attempts.get(event_id, 1))
        for event_id, name in names.items()
    ]
