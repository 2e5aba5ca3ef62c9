"""On whose behalf work is done, from whoever starts it to every step, for the log.

It travels in headers. Messages and the order of steps know nothing of it, so histories
of before, and those without it, replay.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from structlog.contextvars import bound_contextvars, get_contextvars
from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.client import (
    Interceptor as ClientInterceptor,
)
from temporalio.client import (
    OutboundInterceptor,
    StartWorkflowInput,
    WorkflowHandle,
)
from temporalio.converter import PayloadConverter
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
    StartActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)
from temporalio.workflow import ActivityHandle

HEADER = "photo-context"

#: What is told again in the log of every step; the rest each step finds out itself.
_TRAVELS = ("request_id", "tenant", "job_id")

_Headers = Mapping[str, Payload]
_converter = PayloadConverter.default


class ContextInterceptor(ClientInterceptor, Interceptor):
    """For a client, and so for the workers that use it."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return _Sender(next)

    def intercept_activity(
        self, next: ActivityInboundInterceptor
    ) -> ActivityInboundInterceptor:
        return _Receiver(next)

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: ARG002 # the SDK's signature
    ) -> type[WorkflowInboundInterceptor]:
        return _Workflow


class _Sender(OutboundInterceptor):
    async def start_workflow(
        self, input: StartWorkflowInput
    ) -> WorkflowHandle[Any, Any]:
        bound = get_contextvars()
        if about := {name: bound[name] for name in _TRAVELS if name in bound}:
            input.headers = {**input.headers, HEADER: _converter.to_payload(about)}
        return await self.next.start_workflow(input)


class _Receiver(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        with bound_contextvars(**_about(input.headers)):
            return await self.next.execute_activity(input)


def _about(headers: _Headers) -> dict[str, str]:
    """What a header says; whatever else may stand there is not for the log."""
    said: Any = None
    # Another release's may be of another form: no step may fail of it.
    with suppress(Exception):
        said = _converter.from_payload(headers[HEADER])
    if not isinstance(said, dict):
        return {}
    return {name: said[name] for name in _TRAVELS if isinstance(said.get(name), str)}


class _Workflow(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_Forwarder(outbound))


class _Forwarder(WorkflowOutboundInterceptor):
    def start_activity(self, input: StartActivityInput) -> ActivityHandle[Any]:
        came = workflow.info().headers
        if HEADER in came:
            input.headers = {**input.headers, HEADER: came[HEADER]}
        return self.next.start_activity(input)
