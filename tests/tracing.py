"""Spans that were made in a test, as the tree that they are."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Tracer

from photo.adapters.tracing.scrubbed import Scrubbed

#: A span's name, and those of the spans in it, in the order of their beginnings.
Tree = tuple[str, list["Tree"]]


class Spans:
    """What a tracer made, as far as it has ended."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._provider = TracerProvider(shutdown_on_exit=False)
        self._provider.add_span_processor(SimpleSpanProcessor(Scrubbed(self._exporter)))
        self.tracer: Tracer = self._provider.get_tracer("test")

    @property
    def ended(self) -> Sequence[ReadableSpan]:
        spans = self._exporter.get_finished_spans()
        return sorted(spans, key=lambda span: span.start_time or 0)

    def named(self, name: str) -> ReadableSpan:
        [span] = [span for span in self.ended if span.name == name]
        return span

    def trees(self) -> list[Tree]:
        """All of them; a span whose parent is not ours is a root."""
        ours = {span.context.span_id for span in self.ended if span.context}
        return [
            self._tree(span)
            for span in self.ended
            if span.parent is None or span.parent.span_id not in ours
        ]

    def told(self) -> Iterator[str]:
        """Every text that leaves the process with the spans."""
        for span in self.ended:
            yield span.to_json()

    def close(self) -> None:
        self._provider.shutdown()

    def _tree(self, span: ReadableSpan) -> Tree:
        assert span.context
        here = span.context.span_id
        below = [one for one in self.ended if one.parent and one.parent.span_id == here]
        return span.name, [self._tree(one) for one in below]


@contextmanager
def recording() -> Iterator[Spans]:
    spans = Spans()
    yield spans
    spans.close()
