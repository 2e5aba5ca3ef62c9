"""Where a PDF's text goes, so that all readers find words and lines in it.

Readers tell spaces and line ends by geometry: by gaps, and, wherever text does not run
exactly level, by guesses that some make wrong.
"""

from collections.abc import Iterator
from itertools import zip_longest
from math import hypot

from photo.adapters.formats.pdf_fonts import ADVANCE, InvisibleFonts
from photo.adapters.formats.places import printable, words_of
from photo.domain.text import Line, Page, Point, Polygon

#: A line that rises by no more of its length is written level, word by word: the ends
#: of a word of usual length are then off by an eighth of its height at most.
_LEVEL = 1 / 16
#: The least gap between words, in characters.
_GAP = 0.3


def text_of(page: Page, fonts: InvisibleFonts) -> Iterator[str]:
    """The operators that write a page, in its pixels, but from the bottom up."""
    for line in page.lines:
        yield from _line(page, line, fonts)


def _line(page: Page, line: Line, fonts: InvisibleFonts) -> Iterator[str]:
    place = _levelled if _is_level(line.polygon) else _as_it_is
    words = [
        (printable(word.text), place(word.polygon))
        for word in words_of(line)
        if word.text
    ]
    for (text, polygon), following in zip_longest(words, words[1:]):
        if following is None:
            yield _matrix(page, polygon, len(text))
            yield from fonts.show(text)
        else:
            apart = _apart(polygon, following[1], len(text))
            yield _matrix(page, apart, len(text))
            yield from fonts.show(f"{text} ")


def _is_level(polygon: Polygon) -> bool:
    _, _, (end_x, end_y), (x, y) = polygon
    return abs(end_y - y) <= (end_x - x) * _LEVEL


def _levelled(polygon: Polygon) -> Polygon:
    a, b, c, d = polygon
    left, right = (a[0] + d[0]) / 2, (b[0] + c[0]) / 2
    top, bottom = (a[1] + b[1]) / 2, (c[1] + d[1]) / 2
    return (left, top), (right, top), (right, bottom), (left, bottom)


def _as_it_is(polygon: Polygon) -> Polygon:
    return polygon


def _apart(polygon: Polygon, following: Polygon, length: int) -> Polygon:
    """The place of a word, cut off where it comes too near to the next one."""
    a, b, c, d = polygon
    width = hypot(c[0] - d[0], c[1] - d[1]) or 1
    to_next = (
        (following[3][0] - d[0]) * (c[0] - d[0])
        + (following[3][1] - d[1]) * (c[1] - d[1])
    ) / width
    share = to_next / width * length / (length + _GAP)
    if not 0 < share < 1:
        return polygon
    return a, _between(a, b, share), _between(d, c, share), d


def _between(start: Point, end: Point, share: float) -> Point:
    (x, y), (end_x, end_y) = start, end
    return x + (end_x - x) * share, y + (end_y - y) * share


def _matrix(page: Page, polygon: Polygon, length: int) -> str:
    """Stretches so many characters of one em's height over a place."""
    (top_x, top_y), _, (end_x, end_y), (x, y) = polygon
    along = end_x - x, y - end_y
    up = top_x - x, y - top_y
    if abs(along[0] * up[1] - along[1] * up[0]) < 1:
        along, up = (1, 0), (0, 1)  # no place at all: readers need a pixel
    em = length * ADVANCE
    return (
        f"{along[0] / em:.3f} {along[1] / em:.3f} {up[0]:.2f} {up[1]:.2f}"
        f" {x:.1f} {page.height - y:.1f} Tm"
    )
