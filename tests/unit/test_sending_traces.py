"""Traces on their way to a collector."""

import json
import socket

import msgspec
import pytest
from opentelemetry.context import Context
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    set_span_in_context,
)
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from photo import __version__
from photo.adapters.circuits.guarded import GuardedStore
from photo.adapters.postgres.reading import Reader
from photo.adapters.temporal.client import TemporalServer
from photo.adapters.tracing.scrubbed import Scrubbed
from photo.adapters.tracing.storage import TracedStore
from photo.adapters.tracing.workflows import WorkflowTracing
from photo.application.ports import Buckets
from photo.entrypoints.circuits import Circuits
from photo.entrypoints.live import live_container
from photo.entrypoints.outages import Outage
from photo.entrypoints.settings import Settings
from photo.entrypoints.traced import Tracing, traced
from photo.entrypoints.tracing import Exporter, TracedPorts, TracedServers
from tests.collector import collecting
from tests.logs import logged_as_json
from tests.tracing import recording

CANARY = "c4n4ry"
SETTINGS = Settings(
    database_url="postgresql://photo@127.0.0.1:1/photo",
    s3_bucket_raw="raw",
    s3_bucket_processed="processed",
    temporal_target="127.0.0.1:1",
)


def settings(endpoint: str) -> Settings:
    return msgspec.structs.replace(SETTINGS, otel_exporter_otlp_endpoint=endpoint)


def one_span(endpoint: str, context: Context | None = None, **sampling: object) -> None:
    asked = msgspec.structs.replace(settings(endpoint), **sampling)
    with traced(asked, service="photo-api") as tracing:
        ports, _ = tracing.providers
        assert isinstance(ports, TracedPorts)
        ports.tracer().start_span("a request", context).end()


def of_a_caller(*, sampled: bool) -> Context:
    flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
    span = SpanContext(1, 1, is_remote=True, trace_flags=flags)
    return set_span_in_context(NonRecordingSpan(span), Context())


def test_without_a_place_to_send_them_there_are_none() -> None:
    with traced(SETTINGS, service="photo-api") as tracing:
        assert tracing == Tracing()


def test_what_is_left_at_the_end_is_sent_with_who_made_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "host.name=here")
    with collecting() as collector:
        one_span(f"{collector.url}/")
    assert collector.paths == ["/v1/traces"]
    [sent] = collector.requests[0].resource_spans
    attributes = {
        each.key: each.value.string_value for each in sent.resource.attributes
    }
    assert {
        "service.name": "photo-api",
        "service.version": __version__,
        "deployment.environment.name": "development",
        "host.name": "here",
    }.items() <= attributes.items()
    assert [span.name for scope in sent.scope_spans for span in scope.spans] == [
        "a request"
    ]


@pytest.mark.parametrize(
    ("sampler", "wished", "kept"),
    [
        ("always_off", True, False),
        ("always_on", False, True),
        ("traceidratio", True, False),
        ("parentbased_always_off", True, True),
        ("parentbased_always_off", None, False),
        ("parentbased_always_on", False, False),
        ("parentbased_traceidratio", True, True),
        ("parentbased_traceidratio", None, False),
    ],
)
def test_how_many_are_kept_and_who_decides_is_for_the_settings_to_say(
    sampler: str, *, wished: bool | None, kept: bool
) -> None:
    caller = Context() if wished is None else of_a_caller(sampled=wished)
    with collecting() as collector:
        one_span(
            collector.url,
            caller,
            otel_traces_sampler=sampler,
            otel_traces_sampler_arg=0.0,
        )
    assert [span.name for span in collector.spans] == ["a request"] * kept


def test_a_collector_that_is_away_is_told_of_once_and_when_it_is_back(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with collecting() as collector, recording() as spans, logged_as_json():
        spans.tracer.start_span("a request").end()
        exporter = Scrubbed(Exporter(collector.url, Outage("traces")))
        for collector.status in (400, 401, 200, 200):
            exporter.export(spans.ended)
        exporter.shutdown()
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["event"], line["of"], line.get("lost")) for line in told] == [
        ("telemetry_lost", "traces", None),
        ("telemetry_sent_again", "traces", 2),
    ]


def test_attempts_to_reach_a_collector_are_not_told_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "2")
    with recording() as spans, logged_as_json():
        spans.tracer.start_span("a request").end()
        exporter = Scrubbed(Exporter("http://127.0.0.1:1", Outage("traces")))
        exporter.export(spans.ended)
        exporter.shutdown()
    [line] = capsys.readouterr().err.splitlines()
    assert json.loads(line)["event"] == "telemetry_lost"


def test_nothing_that_an_error_says_leaves_with_its_span() -> None:
    with recording() as spans:
        with (
            pytest.raises(ValueError, match=CANARY),
            spans.tracer.start_as_current_span("a request"),
        ):
            raise ValueError(CANARY)
        [span] = spans.ended
        [event] = span.events
        assert event.attributes == {"exception.type": "ValueError"}
        assert not span.status.is_ok
        assert CANARY not in "".join(spans.told())


def test_a_silent_collector_does_not_hold_up_the_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, capture_logs() as logs:
        port = silent.getsockname()[1]
        one_span(f"http://127.0.0.1:{port}")
    assert [log["event"] for log in logs] == ["traces_cut_short"]


async def test_all_that_reaches_a_server_is_traced_within_its_circuit() -> None:
    with recording() as spans:
        container = live_container(
            SETTINGS, TracedPorts(spans.tracer), TracedServers(), Circuits()
        )
        buckets = await container.get(Buckets)
        assert type(buckets.raw) is GuardedStore
        assert type(buckets.raw._store) is TracedStore
        [interceptor] = (await container.get(TemporalServer)).interceptors
        assert type(interceptor) is WorkflowTracing
        engine = (await container.get(AsyncEngine)).sync_engine
        assert engine.dispatch.before_cursor_execute
        assert (await container.get(Reader))._tell
        await container.close()
