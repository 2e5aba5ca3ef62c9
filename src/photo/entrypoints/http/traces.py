"""One span a request, in the trace that its caller began or a new one."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry.context import Context
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
)
from opentelemetry.trace import (
    Span,
    SpanKind,
    StatusCode,
    Tracer,
    format_trace_id,
    use_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from structlog.contextvars import bind_contextvars, get_contextvars

from photo.entrypoints.http.exchange import Exchange

_TRACEPARENT = b"traceparent"
_W3C = TraceContextTextMapPropagator()
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_BROKEN = 500
#: What a request is about, as its log line has it too.
_ABOUT = ("request_id", "tenant", "job_id")


class RequestTraces:
    """The path is in no span: what no route knows may be anything."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    @contextmanager
    def __call__(
        self, exchange: Exchange, sent: Mapping[bytes, bytes]
    ) -> Iterator[None]:
        method = exchange.method if exchange.method in _METHODS else "_OTHER"
        span = self._tracer.start_span(
            method,
            context=_callers(sent),
            kind=SpanKind.SERVER,
            attributes={HTTP_REQUEST_METHOD: method},
        )
        bind_contextvars(trace_id=format_trace_id(span.get_span_context().trace_id))
        try:
            with use_span(span, record_exception=False, set_status_on_exception=False):
                yield
        finally:
            if span.is_recording():
                _describe(span, method, exchange)
            span.end()


def _callers(sent: Mapping[bytes, bytes]) -> Context:
    """The span that the request was made in, or none: never one of our own.

    `tracestate` is left out: any text could be in it, and would be in every span.
    """
    named = sent.get(_TRACEPARENT, b"").decode("latin-1")
    return _W3C.extract({"traceparent": named}, Context())


def _describe(span: Span, method: str, exchange: Exchange) -> None:
    bound, status = get_contextvars(), exchange.status
    about: dict[str, str | int] = {
        f"photo.{name}": bound[name] for name in _ABOUT if name in bound
    }
    if exchange.route:
        span.update_name(f"{method} {exchange.route}")
        about[HTTP_ROUTE] = exchange.route
    if status is not None:
        about[HTTP_RESPONSE_STATUS_CODE] = status
    if status is None or status >= _BROKEN:
        about[ERROR_TYPE] = str(status or "unanswered")
        span.set_status(StatusCode.ERROR)
    span.set_attributes(about)
