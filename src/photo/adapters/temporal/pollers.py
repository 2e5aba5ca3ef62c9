"""Who asks for work, as Temporal sees it."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from photo.adapters.temporal.calls import RPC_TIMEOUT, translated
from photo.adapters.temporal.queues import (
    fetches_queue,
    images_queue,
    scans_queue,
    webhooks_queue,
)

_WORKFLOWS = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
_ACTIVITIES = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
#: A poll lasts a minute at most, and is remembered for five.
_LATELY = timedelta(seconds=90)


async def unheeded_queues(client: Client, task_queue: str) -> Sequence[str]:
    """The queues of the service that no worker has asked lately.

    Raises `Unavailable`.
    """
    queues = [
        (task_queue, _WORKFLOWS),
        (task_queue, _ACTIVITIES),
        *(
            (named(task_queue), _ACTIVITIES)
            for named in (fetches_queue, scans_queue, images_queue, webhooks_queue)
        ),
    ]
    async with translated():
        heeded = await asyncio.gather(*(_is_heeded(client, *each) for each in queues))
    unheeded = [
        queue for (queue, _), is_ in zip(queues, heeded, strict=True) if not is_
    ]
    return [*dict.fromkeys(unheeded)]


async def _is_heeded(client: Client, queue: str, kind: TaskQueueType.ValueType) -> bool:
    described = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=queue),
            task_queue_type=kind,
        ),
        timeout=RPC_TIMEOUT,
    )
    since = datetime.now(UTC) - _LATELY
    return any(
        poller.last_access_time.ToDatetime(UTC) > since for poller in described.pollers
    )
