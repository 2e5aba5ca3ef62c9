"""Workflows and steps as spans of the trace that whoever asked for them began."""

from typing import Any

from opentelemetry.trace import Tracer, format_trace_id, get_current_span
from structlog.contextvars import bound_contextvars
from temporalio import activity
from temporalio.contrib.opentelemetry import TracingInterceptor
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from photo.adapters.tracing.calls import fail


class WorkflowTracing(TracingInterceptor):
    """For a client, and so for its workers: their log has the trace's id as well."""

    def __init__(self, tracer: Tracer) -> None:
        super().__init__(tracer)

    def intercept_activity(
        self, next: ActivityInboundInterceptor
    ) -> ActivityInboundInterceptor:
        return super().intercept_activity(_Traced(next))


class _Traced(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        span = get_current_span()
        span.set_attribute("photo.attempt", activity.info().attempt)
        trace_id = format_trace_id(span.get_span_context().trace_id)
        with bound_contextvars(trace_id=trace_id):
            try:
                return await self.next.execute_activity(input)
            except ApplicationError as error:
                # Whether that is a failure is seen around this.
                fail(span, error.type or "", failed=False)
                raise
