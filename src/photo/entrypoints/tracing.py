"""Traces: made here, and sent by OTLP while the process runs and as it ends.

Headers for the collector, limits and the like are the SDK's own environment variables
(`OTEL_EXPORTER_OTLP_HEADERS`, …).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from threading import Thread

import structlog
from dishka import Provider, Scope, decorate, provide
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._shared_internal._processor_metrics import NoOpProcessorMetrics
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    ParentBased,
    TraceIdRatioBased,
)
from opentelemetry.sdk.trace.sampling import Sampler as AnySampler
from opentelemetry.trace import Tracer
from sqlalchemy.ext.asyncio import AsyncEngine

from photo import __version__
from photo.adapters.postgres.reading import Reader
from photo.adapters.temporal.client import TemporalServer
from photo.adapters.tracing.imaging import TracedNormalizer, TracedRecognizer
from photo.adapters.tracing.queries import (
    query_log,
    watch_statements,
    watch_transactions,
)
from photo.adapters.tracing.scrubbed import Scrubbed
from photo.adapters.tracing.storage import TracedScanner, TracedStore
from photo.adapters.tracing.web import TracedFetcher, TracedSender
from photo.adapters.tracing.workflows import WorkflowTracing
from photo.application.ports import (
    Buckets,
    ImageNormalizer,
    PhotoFetcher,
    Scanner,
    TextRecognizer,
    WebhookSender,
)
from photo.entrypoints.http.traces import RequestTraces
from photo.entrypoints.outages import Outage
from photo.entrypoints.settings import Sampler, Settings
from photo.entrypoints.traced import Tracing

log = structlog.get_logger(__name__)

#: An API has 5 seconds to end in, and needs 4.5 of them if all else is silent as well.
FLUSH_SECONDS = 0.4


class TracedPorts(Provider):
    """A span around every call of what is another process or server."""

    scope = Scope.APP

    def __init__(self, tracer: Tracer) -> None:
        super().__init__()
        self._tracer = tracer

    @provide
    def tracer(self) -> Tracer:
        return self._tracer

    @decorate
    def buckets(self, buckets: Buckets, tracer: Tracer) -> Buckets:
        return Buckets(
            raw=TracedStore(buckets.raw, "raw_bucket", tracer),
            processed=TracedStore(buckets.processed, "processed_bucket", tracer),
        )

    @decorate
    def scanner(self, scanner: Scanner | None, tracer: Tracer) -> Scanner | None:
        return scanner and TracedScanner(scanner, tracer)

    @decorate
    def normalizer(self, inner: ImageNormalizer, tracer: Tracer) -> ImageNormalizer:
        return TracedNormalizer(inner, tracer)

    @decorate
    def recognizer(self, inner: TextRecognizer, tracer: Tracer) -> TextRecognizer:
        return TracedRecognizer(inner, tracer)

    @decorate
    def fetcher(self, fetcher: PhotoFetcher, tracer: Tracer) -> PhotoFetcher:
        return TracedFetcher(fetcher, tracer)

    @decorate
    def sender(self, sender: WebhookSender, tracer: Tracer) -> WebhookSender:
        return TracedSender(sender, tracer)


class TracedServers(Provider):
    """Spans of what has no port of its own: statements and workflows."""

    scope = Scope.APP

    @decorate
    def engine(self, engine: AsyncEngine, tracer: Tracer) -> AsyncEngine:
        watch_statements(engine.sync_engine, tracer)
        watch_transactions(engine.sync_engine, tracer)
        return engine

    @decorate
    def reader(self, reader: Reader, tracer: Tracer) -> Reader:
        reader.tell(query_log(tracer))
        return reader

    @decorate
    def temporal(self, server: TemporalServer, tracer: Tracer) -> TemporalServer:
        return replace(server, interceptors=(WorkflowTracing(tracer),))


class Exporter(OTLPSpanExporter):
    """Its own log has a line for every attempt, and is not listened to."""

    def __init__(self, endpoint: str, outage: Outage) -> None:
        super().__init__(f"{endpoint.rstrip('/')}/v1/traces")
        self._outage = outage

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = super().export(spans)
        if result is SpanExportResult.SUCCESS:
            self._outage.sent()
        else:
            self._outage.lost(len(spans))
        return result


class Processor(BatchSpanProcessor):
    """Tells of the spans for which there is no room in its queue."""

    def __init__(self, exporter: SpanExporter, outage: Outage) -> None:
        super().__init__(exporter)
        self._batch_processor._metrics = _Drops(outage)  # noqa: SLF001 # else it tells only OpenTelemetry's own metrics


class _Drops(NoOpProcessorMetrics):
    def __init__(self, outage: Outage) -> None:
        self._outage = outage

    def drop_items(self, count: int, error_type: str = "") -> None:  # noqa: ARG002 # whatever it was
        self._outage.lost(count)


def _sampler(name: Sampler, share: float) -> AnySampler:
    roots: dict[str, AnySampler] = {
        "always_on": ALWAYS_ON,
        "always_off": ALWAYS_OFF,
        "traceidratio": TraceIdRatioBased(share),
    }
    root = roots[name.removeprefix("parentbased_")]
    return ParentBased(root) if name.startswith("parentbased_") else root


@contextmanager
def sending_traces(
    settings: Settings, endpoint: str, *, service: str
) -> Iterator[Tracing]:
    """Send traces meanwhile; at the end, what is left of them, if that is soon done."""
    traces = TracerProvider(
        sampler=_sampler(
            settings.otel_traces_sampler, settings.otel_traces_sampler_arg
        ),
        # It would take half a minute where nobody answers.
        shutdown_on_exit=False,
        resource=Resource.create(
            {
                "service.name": service,
                "service.version": __version__,
                "deployment.environment.name": settings.environment,
            }
        ),
    )
    outage = Outage("traces")
    exporter = Scrubbed(Exporter(endpoint, outage))
    traces.add_span_processor(Processor(exporter, outage))
    tracer = traces.get_tracer("photo", __version__)
    try:
        yield Tracing((TracedPorts(tracer), TracedServers()), RequestTraces(tracer))
    finally:
        last = Thread(target=traces.shutdown, name="last-traces", daemon=True)
        last.start()
        last.join(FLUSH_SECONDS)
        if last.is_alive():
            log.warning("traces_cut_short")
