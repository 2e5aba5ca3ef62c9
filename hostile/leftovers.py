"""What should be gone when every job has ended."""

import asyncio
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Self

from temporalio.client import Client

from hostile.service import Target
from hostile.worker import children_of
from photo.adapters.temporal.engine import workflow_id
from photo.domain.job import JobId

_SETTLE_SECONDS = 20.0
_POLL_SECONDS = 0.5
_RUNNING = 'WorkflowType = "process-photo" AND ExecutionStatus = "Running"'


@dataclass(frozen=True, slots=True)
class Holdings:
    """What an idle worker may keep: its pool of children, and their scratch folders."""

    children: int
    folders: int

    @classmethod
    def of(cls, target: Target) -> Self:
        folders = sum(1 for _ in target.scratch.glob("photo-*"))
        return cls(len(children_of(target.worker)), folders)


async def leftovers(
    target: Target, before: Holdings, job_ids: Collection[str]
) -> list[str]:
    """What has not gone after a while, in sentences."""
    client = await Client.connect(target.temporal_target)
    left: list[str] = []
    for _ in range(int(_SETTLE_SECONDS / _POLL_SECONDS)):
        left = [*_held(target, before), *await _running(client, job_ids)]
        if not left:
            break
        await asyncio.sleep(_POLL_SECONDS)
    return left


def _held(target: Target, before: Holdings) -> Iterator[str]:
    now = Holdings.of(target)
    if now.children > before.children:
        yield f"The worker has {now.children} children, and had {before.children}."
    if now.folders > before.folders:
        yield f"{now.folders} scratch folders are left, and {before.folders} were."


async def _running(client: Client, job_ids: Collection[str]) -> list[str]:
    ours = {workflow_id(JobId(job_id)) for job_id in job_ids}
    found = [workflow.id async for workflow in client.list_workflows(_RUNNING)]
    return [f"Workflow {name} still runs." for name in found if name in ours]
