"""What was read: pages of lines of words, each with its place on the upright photo."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

#: A corner in pixels of the upright photo, origin top left.
Point = tuple[float, float]
#: Top left, top right, bottom right, bottom left, as the text runs.
Polygon = tuple[Point, Point, Point, Point]

_PREVIEW_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    #: 0 to 1.
    confidence: float
    polygon: Polygon


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    #: 0 to 1.
    confidence: float
    polygon: Polygon
    words: tuple[Word, ...] = ()

    def with_polygons(self, change: Callable[[Polygon], Polygon]) -> Self:
        """The same line with every polygon, its words' too, replaced."""
        words = tuple(
            replace(word, polygon=change(word.polygon)) for word in self.words
        )
        return replace(self, polygon=change(self.polygon), words=words)


@dataclass(frozen=True, slots=True)
class Page:
    """One image's lines in reading order; width and height in pixels."""

    width: int
    height: int
    lines: tuple[Line, ...] = ()

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)

    def scaled_to(self, width: int, height: int) -> "Page":
        """The same page measured in the pixels of a larger or smaller copy."""
        if (width, height) == (self.width, self.height):
            return self

        def scaled(polygon: Polygon) -> Polygon:
            a, b, c, d = (
                (x * width / self.width, y * height / self.height) for x, y in polygon
            )
            return a, b, c, d

        return Page(
            width, height, tuple(line.with_polygons(scaled) for line in self.lines)
        )


@dataclass(frozen=True, slots=True)
class Engine:
    """Who read it."""

    name: str
    version: str
    model: str


@dataclass(frozen=True, slots=True)
class RecognizedText:
    engine: Engine
    pages: tuple[Page, ...]

    @property
    def text(self) -> str:
        """Lines joined by a line feed, pages by a form feed."""
        return "\f".join(page.text for page in self.pages)


def preview(text: str) -> str:
    return text[:_PREVIEW_LENGTH]
