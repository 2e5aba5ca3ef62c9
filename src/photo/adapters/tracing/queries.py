"""Statements, with a span each: what kind of statement, never its text or values.

The instrumentation of asyncpg that there is would record errors whole, with the values
that PostgreSQL quotes in them.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from time import time_ns
from typing import Any

from opentelemetry.semconv.attributes.db_attributes import (
    DB_OPERATION_NAME,
    DB_QUERY_SUMMARY,
    DB_SYSTEM_NAME,
)
from opentelemetry.trace import Span, SpanKind, Tracer, get_current_span
from sqlalchemy import Engine, ExceptionContext, event

from photo.adapters.tracing.calls import fail

_OPERATION = re.compile(r"\s*(\w+)")
_TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE)\s+(?:ONLY\s+)?(\w+)", re.IGNORECASE)
_SPAN = "photo_span"


def watch_statements(engine: Engine, tracer: Tracer) -> None:
    """Have every statement of SQLAlchemy's leave a span."""

    def begin(*call: Any) -> None:
        _, _, statement, _, context, _ = call
        setattr(context, _SPAN, _begun(tracer, statement))

    def end(*call: Any) -> None:
        *_, context, _ = call
        _end(getattr(context, _SPAN, None))

    def fail_with(broken: ExceptionContext) -> None:
        span = getattr(broken.execution_context, _SPAN, None)
        _end(span, broken.original_exception)

    event.listen(engine, "before_cursor_execute", begin)
    event.listen(engine, "after_cursor_execute", end)
    event.listen(engine, "handle_error", fail_with)


def watch_transactions(engine: Engine, tracer: Tracer) -> None:
    """Have BEGIN and COMMIT leave one too: no cursor runs them, but asyncpg itself."""

    def connected(connection: Any, _: object) -> None:
        connection.driver_connection.add_query_logger(query_log(tracer))

    event.listen(engine, "connect", connected)


def query_log(tracer: Tracer) -> Callable[[Any], None]:
    """What asyncpg tells of statements that its connections themselves ran."""

    def told(query: Any) -> None:
        elapsed = round(query.elapsed * 1e9)
        span = _begun(tracer, query.query, start_time=time_ns() - elapsed)
        _end(span, query.exception)

    return told


def _begun(
    tracer: Tracer, statement: str, start_time: int | None = None
) -> Span | None:
    """None for what is on nobody's behalf, as counting is, or is not sampled."""
    # Not whether it is recording: asyncpg tells later, perhaps after its end.
    if not get_current_span().get_span_context().trace_flags.sampled:
        return None
    operation, summary = _summary(statement)
    return tracer.start_span(
        summary,
        kind=SpanKind.CLIENT,
        attributes={
            DB_SYSTEM_NAME: "postgresql",
            DB_OPERATION_NAME: operation,
            DB_QUERY_SUMMARY: summary,
        },
        start_time=start_time,
    )


def _end(span: Span | None, error: BaseException | None = None) -> None:
    if span is None:
        return
    if error is not None:
        fail(span, getattr(error, "sqlstate", None) or type(error).__name__)
    span.end()


@lru_cache(maxsize=512)
def _summary(statement: str) -> tuple[str, str]:
    """Such as `SELECT` and `SELECT jobs`."""
    found = _OPERATION.match(statement)
    operation = found[1].upper() if found else "EXECUTE"
    table = _TABLE.search(statement)
    return operation, f"{operation} {table[1]}" if table else operation
