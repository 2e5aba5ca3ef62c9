"""Lines and words of a page, with their places."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from photo.adapters.imaging.ctc import Span, certainty
from photo.adapters.imaging.ocr import Box, Models, Pixels, bgr, crop
from photo.domain.reading_order import in_reading_order
from photo.domain.text import Line, Page, Point, Polygon, Word

_MIN_CONFIDENCE = 0.5
#: From this height to width on, text may run down or up instead of across.
_TALL = 1.5
#: The detector's boxes reach beyond the text by this share of their height.
_MARGIN = 0.1


def read_page(path: Path, reader: Models) -> Page:
    with Image.open(path, formats=("JPEG",)) as image:
        pixels = bgr(image)
    height, width = pixels.shape[:2]
    return Page(width, height, in_reading_order(tuple(read_lines(pixels, reader))))


def read_lines(image: Pixels, reader: Models) -> Iterator[Line]:
    """Every line that says something, in no particular order."""
    for found in reader.boxes(image):
        spans, box = _read(crop(image, found), found, reader)
        confidence = certainty(spans)
        if spans and confidence >= _MIN_CONFIDENCE:
            yield _line(spans, confidence, box)


def _read(line: Pixels, box: Box, reader: Models) -> tuple[list[Span], Box]:
    """The words of a line, and the corners of its box from where they start."""
    tall = line.shape[0] >= _TALL * line.shape[1]
    readings = [
        (reader.words(np.rot90(line, turns)), np.roll(box, -turns, axis=0))
        for turns in ((0, 1, 3) if tall else (0,))
    ]
    return max(readings, key=lambda reading: certainty(reading[0]))


def _line(spans: list[Span], confidence: float, box: Box) -> Line:
    return Line(
        " ".join(span.text for span in spans),
        confidence,
        _polygon(box, spans[0].start, spans[-1].end),
        tuple(
            Word(span.text, span.confidence, _polygon(box, span.start, span.end))
            for span in spans
        ),
    )


def _polygon(box: Box, start: float, end: float) -> Polygon:
    """The part of a line between two shares of its width, close around the text."""
    return (
        _at(box, start, _MARGIN),
        _at(box, end, _MARGIN),
        _at(box, end, 1 - _MARGIN),
        _at(box, start, 1 - _MARGIN),
    )


def _at(box: Box, across: float, down: float) -> Point:
    above = box[0] + (box[1] - box[0]) * across
    below = box[3] + (box[2] - box[3]) * across
    x, y = above + (below - above) * down
    return float(x), float(y)
