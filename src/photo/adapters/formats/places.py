"""Where things lie on a page, and what stands there."""

import re
from typing import NamedTuple, Self

from photo.domain.text import Line, Page, Polygon, Word

#: What XML 1.0 has no place for, and the carriage return, which it changes.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def around(cls, page: Page, *polygons: Polygon) -> Self:
        """The smallest upright box around polygons, as far as the page goes."""
        across = [min(max(x, 0), page.width) for each in polygons for x, _ in each]
        down = [min(max(y, 0), page.height) for each in polygons for _, y in each]
        return cls(min(across), min(down), max(across), max(down))

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top


def words_of(line: Line) -> tuple[Word, ...]:
    """A line that was not parted is its own only word."""
    return line.words or (Word(line.text, line.confidence, line.polygon),)


def printable(text: str) -> str:
    """The text in characters that every format can carry."""
    return _UNPRINTABLE.sub(_REPLACEMENT, text)
