"""The span of one call."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager

from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer

from photo.domain.errors import Internal, PhotoError, Unavailable

BYTES = "photo.bytes"

# What was refused was answered well: only these say that the server failed.
_FAILURES = (Unavailable, Internal)


@contextmanager
def calling(
    tracer: Tracer, server: str, operation: str, kind: SpanKind = SpanKind.CLIENT
) -> Iterator[Span]:
    """Around a call, within the span that is current; it does not become so itself.

    A generator can be around it that somebody else closes.
    """
    attributes = {"peer.service": server, "photo.operation": operation}
    span = tracer.start_span(f"{server} {operation}", kind=kind, attributes=attributes)
    try:
        yield span
    except PhotoError as error:
        fail(span, error.code, failed=isinstance(error, _FAILURES))
        raise
    except Exception as error:
        fail(span, type(error).__name__)
        raise
    finally:
        span.end()


def fail(span: Span, kind: str, *, failed: bool = True) -> None:
    span.set_attribute(ERROR_TYPE, kind)
    if failed:
        span.set_status(StatusCode.ERROR)


async def counted(
    chunks: AsyncIterator[bytes], span: Span
) -> AsyncGenerator[bytes, None]:
    """The same chunks; at their end, or when they are left, the span has their size."""
    size = 0
    try:
        async for chunk in chunks:
            size += len(chunk)
            yield chunk
    finally:
        span.set_attribute(BYTES, size)
