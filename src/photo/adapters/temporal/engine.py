"""Jobs as Temporal workflows."""

from collections.abc import Set as AbstractSet
from contextlib import suppress
from datetime import timedelta

from structlog.contextvars import bound_contextvars
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from photo.adapters.temporal.calls import RPC_TIMEOUT, translated
from photo.adapters.temporal.messages import JobRef
from photo.adapters.temporal.workflows import ProcessPhoto
from photo.application.ports import WorkflowEngine
from photo.domain.job import Job, JobId

# Deciding what comes next takes milliseconds. A worker that stops may drop a decision
# that it was just handed: this long passes before another one is asked.
_TASK_TIMEOUT = timedelta(seconds=5)

# Longer than the patience of all steps together. One whose decisions fail comes to its
# end so, and begins anew.
_LONGEST = timedelta(days=2)

_PROCESS_PHOTO = "process-photo"


class TemporalWorkflowEngine(WorkflowEngine):
    """One workflow a job at a time, named after it.

    However the last one ended, the next may be started: the job's row decides whether
    there is anything left to do. It may have come out of a backup.
    """

    def __init__(self, client: Client, task_queue: str) -> None:
        self._client = client
        self._task_queue = task_queue

    async def start(self, job: Job) -> bool:
        async with translated():
            with (
                suppress(WorkflowAlreadyStartedError),
                bound_contextvars(tenant=job.tenant),
            ):
                await self._client.start_workflow(
                    ProcessPhoto.run,
                    JobRef(job.id, fetch=job.source_url is not None),
                    id=workflow_id(job.id),
                    task_queue=self._task_queue,
                    id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                    run_timeout=_LONGEST,
                    task_timeout=_TASK_TIMEOUT,
                    rpc_timeout=RPC_TIMEOUT,
                )
                return True
        return False

    async def cancel(self, job_id: JobId) -> None:
        workflow = self._client.get_workflow_handle(workflow_id(job_id))
        async with translated():
            try:
                await workflow.cancel(rpc_timeout=RPC_TIMEOUT)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise

    async def under_way(self) -> AbstractSet[JobId]:
        found = self._client.list_workflows(
            f"WorkflowType = '{_PROCESS_PHOTO}' AND ExecutionStatus = 'Running'"
            f" AND TaskQueue = '{self._task_queue}'",
            rpc_timeout=RPC_TIMEOUT,
        )
        under_way: set[JobId] = set()
        while True:
            async with translated():
                await found.fetch_next_page()
            page = found.current_page or ()
            under_way |= {_job_id(workflow.id) for workflow in page}
            if not found.next_page_token:
                return under_way

    async def check(self) -> None:
        async with translated():
            await self._client.workflow_service.describe_namespace(
                DescribeNamespaceRequest(namespace=self._client.namespace),
                timeout=RPC_TIMEOUT,
            )


def workflow_id(job_id: JobId) -> str:
    return f"{_PROCESS_PHOTO}/{job_id}"


def _job_id(workflow_id: str) -> JobId:
    return JobId(workflow_id.removeprefix(f"{_PROCESS_PHOTO}/"))
