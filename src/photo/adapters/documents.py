"""The JSON files of a job, written by msgspec."""

from dataclasses import replace

import msgspec

from photo.application.ports import Documents, Result
from photo.domain.files import Manifest
from photo.domain.job import JobId
from photo.domain.text import Engine, Line, Page, Polygon, RecognizedText, Word


class _StoredResult(msgspec.Struct):
    job_id: JobId
    engine: Engine
    pages: list[msgspec.Raw]


class JsonDocuments(Documents):
    def result(self, job_id: JobId, text: RecognizedText) -> bytes:
        return msgspec.json.encode(
            {
                "job_id": job_id,
                "engine": text.engine,
                "text": text.text,
                "pages": [_rounded(page) for page in text.pages],
            }
        )

    def read_result(self, data: bytes) -> Result:
        stored = msgspec.json.decode(data, type=_StoredResult)
        pages = (msgspec.json.decode(page, type=Page) for page in stored.pages)
        return Result(stored.job_id, stored.engine, len(stored.pages), pages)

    def manifest(self, manifest: Manifest) -> bytes:
        return msgspec.json.format(msgspec.json.encode(manifest), indent=2)

    def read_manifest(self, data: bytes) -> Manifest:
        return msgspec.json.decode(data, type=Manifest)


def _rounded(page: Page) -> Page:
    """A tenth of a pixel and a hundredth of a percent are enough, and half the size."""
    return replace(page, lines=tuple(_rounded_line(line) for line in page.lines))


def _rounded_line(line: Line) -> Line:
    words = tuple(
        Word(word.text, round(word.confidence, 4), _rounded_polygon(word.polygon))
        for word in line.words
    )
    polygon = _rounded_polygon(line.polygon)
    return Line(line.text, round(line.confidence, 4), polygon, words)


def _rounded_polygon(polygon: Polygon) -> Polygon:
    a, b, c, d = ((round(x, 1), round(y, 1)) for x, y in polygon)
    return a, b, c, d
