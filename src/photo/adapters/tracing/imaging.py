"""Decoding and reading, which other processes or services do, with a span each."""

from collections.abc import Sequence
from pathlib import Path

from opentelemetry.trace import SpanKind, Tracer

from photo.adapters.tracing.calls import calling
from photo.application.ports import ImageNormalizer, PageImage, TextRecognizer
from photo.domain.media import MediaType
from photo.domain.text import Engine, Page


class TracedNormalizer(ImageNormalizer):
    """The span begins where a child is waited for."""

    def __init__(self, normalizer: ImageNormalizer, tracer: Tracer) -> None:
        self._normalizer = normalizer
        self._tracer = tracer

    async def normalize(
        self, photo: Path, content_type: MediaType, *, into: Path
    ) -> Sequence[PageImage]:
        with calling(self._tracer, "imaging", "normalize", SpanKind.INTERNAL) as span:
            span.set_attribute("photo.content_type", content_type.value)
            pages = await self._normalizer.normalize(photo, content_type, into=into)
            span.set_attribute("photo.pages", len(pages))
            return pages


class TracedRecognizer(TextRecognizer):
    """The span begins where a child is waited for."""

    def __init__(self, recognizer: TextRecognizer, tracer: Tracer) -> None:
        self._recognizer = recognizer
        self._tracer = tracer

    @property
    def engine(self) -> Engine:
        return self._recognizer.engine

    async def recognize(self, page: Path) -> Page:
        with calling(self._tracer, "recognizer", "recognize") as span:
            read = await self._recognizer.recognize(page)
            span.set_attribute("photo.lines", len(read.lines))
            return read
