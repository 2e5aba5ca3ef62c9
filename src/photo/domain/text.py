"""What was read: pages of lines of words, each with its place on the upright photo."""

from dataclasses import dataclass

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
        x, y = width / self.width, height / self.height
        return Page(width, height, tuple(_scaled(line, x, y) for line in self.lines))


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


def _scaled(line: Line, x: float, y: float) -> Line:
    return Line(
        line.text,
        line.confidence,
        _scaled_polygon(line.polygon, x, y),
        tuple(
            Word(word.text, word.confidence, _scaled_polygon(word.polygon, x, y))
            for word in line.words
        ),
    )


def _scaled_polygon(polygon: Polygon, x: float, y: float) -> Polygon:
    a, b, c, d = ((px * x, py * y) for px, py in polygon)
    return a, b, c, d
