"""What is lost of traces and reports of bugs is told of and counted."""

from collections.abc import Sequence
from threading import Event

import pytest
from dishka import make_container
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from photo.entrypoints.outages import Outage
from photo.entrypoints.registry import Registry
from photo.entrypoints.tracing import Processor


class Lost:
    """How much was lost since, as a process shows it."""

    def __init__(self) -> None:
        container = make_container(Registry(), skip_validation=True)
        self._registry = container.get(CollectorRegistry)
        self._before = {of: self._total(of) for of in ("traces", "error_reports")}

    def _total(self, of: str) -> float:
        total = self._registry.get_sample_value(
            "photo_telemetry_lost_total", {"of": of}
        )
        assert total is not None
        return total

    def __call__(self, of: str) -> float:
        return self._total(of) - self._before[of]


def test_an_outage_is_told_of_twice_and_all_of_it_is_counted() -> None:
    lost = Lost()
    with capture_logs() as logs:
        outage = Outage("traces")
        outage.sent()
        outage.lost(3)
        outage.lost(4)
        for _ in range(3):
            outage.sent()
    assert logs == [
        {"event": "telemetry_lost", "log_level": "warning", "of": "traces"},
        {"event": "telemetry_sent_again", "log_level": "info"}
        | {"of": "traces", "lost": 7},
    ]
    assert (lost("traces"), lost("error_reports")) == (7, 0)


def test_where_some_are_sent_and_some_lost_it_is_not_told_of_again_and_again() -> None:
    with capture_logs() as logs:
        outage = Outage("traces")
        for _ in range(3):
            outage.lost()
            outage.sent()
        outage.sent()
    assert [(log["event"], log.get("lost")) for log in logs] == [
        ("telemetry_lost", None),
        ("telemetry_sent_again", 3),
    ]


class Slow(SpanExporter):
    def __init__(self) -> None:
        self.begun, self.may_end = Event(), Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.begun.set()
        self.may_end.wait(60)
        return SpanExportResult.SUCCESS


def test_spans_for_which_there_is_no_room_are_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "2")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")
    lost, slow = Lost(), Slow()
    traces = TracerProvider(shutdown_on_exit=False)
    traces.add_span_processor(Processor(slow, Outage("traces")))
    tracer = traces.get_tracer("photo")
    with capture_logs() as logs:
        tracer.start_span("on its way").end()
        assert slow.begun.wait(60)
        for _ in range(2 + 3):
            tracer.start_span("behind it").end()
    slow.may_end.set()
    traces.shutdown()
    assert lost("traces") == 3
    assert [log["event"] for log in logs] == ["telemetry_lost"]
