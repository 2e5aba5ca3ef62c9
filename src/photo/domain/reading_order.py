"""The order in which a person reads the lines of a page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import atan2, cos, sin
from statistics import median

from photo.domain.text import Line, Point

#: Running text has at least so many lines of at least so many characters, which hold
#: at least this share of all. Cells of tables, forms and receipts stay below.
_PROSE_LINES = 5
_PROSE_CHARACTERS = 18
_PROSE_SHARE = 0.6
#: How much of its column's width a line of running text fills.
_FILL = 0.7
#: Headings may cross a gutter: so many for each line beside it.
_CROSSING = 0.3


@dataclass(frozen=True, slots=True)
class _Placed:
    """A line's extent in a frame turned with the page's text."""

    line: Line
    start: float
    end: float
    top: float
    bottom: float

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


_Block = Sequence[_Placed]


def in_reading_order(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Columns of running text one by one; all else by rows, each from its start."""
    if not lines:
        return ()
    angle = median(_angle(line) for line in lines)
    block = sorted((_place(line, angle) for line in lines), key=lambda it: it.middle)
    return tuple(item.line for item in _ordered(block))


def _ordered(block: _Block) -> Iterator[_Placed]:
    gutter = _gutter(block)
    if gutter is None:
        yield from _by_rows(block)
        return
    band: list[_Placed] = []
    for item in block:
        if item.start < gutter < item.end:
            yield from _by_columns(band, gutter)
            yield item
            band = []
        else:
            band.append(item)
    yield from _by_columns(band, gutter)


def _by_columns(band: _Block, gutter: float) -> Iterator[_Placed]:
    left, right = _sides(band, gutter)
    if _is_column(left) and _is_prose(right):
        yield from _ordered(left)
        yield from _ordered(right)
    else:
        yield from _by_rows(band)


def _by_rows(block: _Block) -> Iterator[_Placed]:
    rows: list[list[_Placed]] = []
    for item in block:
        if rows and _same_row(rows[-1], item):
            rows[-1].append(item)
        else:
            rows.append([item])
    for row in rows:
        yield from sorted(row, key=lambda it: it.start)


def _same_row(row: _Block, item: _Placed) -> bool:
    top = median(it.top for it in row)
    bottom = median(it.bottom for it in row)
    overlap = min(bottom, item.bottom) - max(top, item.top)
    return overlap > min(bottom - top, item.bottom - item.top) / 2


def _gutter(block: _Block) -> float | None:
    """Where the second column starts, if there is one."""
    for start in sorted({item.start for item in block}):
        left, right = _sides(block, start)
        crossing = len(block) - len(left) - len(right)
        few = crossing <= _CROSSING * min(len(left), len(right))
        if few and _is_column(left) and _is_prose(right):
            return start
    return None


def _sides(block: _Block, gutter: float) -> tuple[_Block, _Block]:
    return (
        [item for item in block if item.end <= gutter],
        [item for item in block if item.start >= gutter],
    )


def _is_column(block: _Block) -> bool:
    if not _is_prose(block):
        return False
    width = max(item.end for item in block) - min(item.start for item in block)
    return median(item.end - item.start for item in _long(block)) >= _FILL * width


def _is_prose(block: _Block) -> bool:
    long = _long(block)
    return len(long) >= _PROSE_LINES and _size(long) >= _PROSE_SHARE * _size(block)


def _long(block: _Block) -> _Block:
    return [item for item in block if len(item.line.text) >= _PROSE_CHARACTERS]


def _size(block: _Block) -> int:
    return sum(len(item.line.text) for item in block)


def _place(line: Line, angle: float) -> _Placed:
    corners = [_turned(corner, -angle) for corner in line.polygon]
    left, near, far, right = sorted(x for x, _ in corners)
    high, top, bottom, low = sorted(y for _, y in corners)
    return _Placed(
        line,
        (left + near) / 2,
        (far + right) / 2,
        (high + top) / 2,
        (bottom + low) / 2,
    )


def _angle(line: Line) -> float:
    (ax, ay), (bx, by) = line.polygon[:2]
    return atan2(by - ay, bx - ax)


def _turned(point: Point, angle: float) -> Point:
    x, y = point
    return x * cos(angle) - y * sin(angle), x * sin(angle) + y * cos(angle)
