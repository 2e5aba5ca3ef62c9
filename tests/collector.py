"""A server that takes traces as a collector does, by OTLP over HTTP."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)

#: A process sends what it has after so many milliseconds, and not after five seconds.
SOON = {"OTEL_BSP_SCHEDULE_DELAY": "100"}


@dataclass(frozen=True)
class Sent:
    """A span, and who sent it."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str


class Collector(HTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Asked)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.status = 200
        self.paths: list[str] = []
        self.requests: list[ExportTraceServiceRequest] = []

    @property
    def spans(self) -> Sequence[Sent]:
        return [
            Sent(
                service=attribute.value.string_value,
                name=span.name,
                trace_id=span.trace_id.hex(),
                span_id=span.span_id.hex(),
                parent_id=span.parent_span_id.hex(),
            )
            for request in self.requests
            for sent in request.resource_spans
            for attribute in sent.resource.attributes
            if attribute.key == "service.name"
            for scope in sent.scope_spans
            for span in scope.spans
        ]


class _Asked(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.status == 200:
            self.server.paths.append(self.path)
            self.server.requests.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nobody is to read it."""


@contextmanager
def collecting() -> Iterator[Collector]:
    with Collector() as collector:
        thread = Thread(target=collector.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield collector
        finally:
            collector.shutdown()
            thread.join()
