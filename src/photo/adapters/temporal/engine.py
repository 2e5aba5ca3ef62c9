"""Jobs as Temporal workflows."""

from contextlib import suppress
from datetime import timedelta

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


class TemporalWorkflowEngine(WorkflowEngine):
    """One workflow a job, named after it.

    A workflow that failed, was terminated or cancelled may be started again: the
    job's row decides whether there is anything left to do. One that completed may not.
    """

    def __init__(self, client: Client, task_queue: str) -> None:
        self._client = client
        self._task_queue = task_queue

    async def start(self, job: Job) -> None:
        async with translated():
            with suppress(WorkflowAlreadyStartedError):
                await self._client.start_workflow(
                    ProcessPhoto.run,
                    JobRef(job.id, fetch=job.source_url is not None),
                    id=workflow_id(job.id),
                    task_queue=self._task_queue,
                    id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
                    task_timeout=_TASK_TIMEOUT,
                    rpc_timeout=RPC_TIMEOUT,
                )

    async def cancel(self, job_id: JobId) -> None:
        workflow = self._client.get_workflow_handle(workflow_id(job_id))
        async with translated():
            try:
                await workflow.cancel(rpc_timeout=RPC_TIMEOUT)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise

    async def check(self) -> None:
        async with translated():
            await self._client.workflow_service.describe_namespace(
                DescribeNamespaceRequest(namespace=self._client.namespace),
                timeout=RPC_TIMEOUT,
            )


def workflow_id(job_id: JobId) -> str:
    return f"process-photo/{job_id}"
