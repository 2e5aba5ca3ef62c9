"""The numbers of a TIFF, classic or big, and of the EXIF of other formats."""

from collections.abc import Iterator
from typing import NamedTuple

from hostile.lies.fields import ByteOrder, Field

_COMPRESSIONS = (1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 34676, 34712, 34925, 50000)
_HINTS = {
    256: (20_001, 65_535),
    257: (20_001, 65_535),
    258: (1, 2, 4, 8, 12, 16, 24, 32, 64),
    259: _COMPRESSIONS,
    262: (0, 1, 2, 3, 4, 5, 6, 8, 32803),
    266: (1, 2),
    274: (0, 1, 3, 6, 8, 9),
    277: (0, 1, 2, 3, 4, 5, 255, 65_535),
    284: (1, 2, 3),
    317: (1, 2, 3),
    339: (1, 2, 3, 4, 5, 6),
}
_TYPES = tuple(range(1, 19))
_BIG_VERSION = 43


class _Layout(NamedTuple):
    """Bytes of an offset, of a directory's length, and of an entry."""

    offset: int
    length: int
    entry: int


_CLASSIC, _BIG = _Layout(4, 2, 12), _Layout(8, 8, 20)


def fields(data: bytes, base: int = 0) -> Iterator[Field]:
    """`base` is where the TIFF begins."""
    order: ByteOrder = "little" if data[base : base + 2] == b"II" else "big"
    version = Field("version", base + 2, 2, order, (42, 43))
    layout = _BIG if version.read(data) == _BIG_VERSION else _CLASSIC
    link = Field("first directory", base + layout.offset, layout.offset, order)
    directories = [
        directory - base for directory, _ in _links(data, base, link, layout)
    ]
    yield version
    yield link
    for directory, after in _links(data, base, link, layout):
        yield Field("entries", directory, layout.length, order)
        yield Field("next directory", after, layout.offset, order, tuple(directories))
        for at in range(directory + layout.length, after, layout.entry):
            yield from _entry(data, at, order, layout)


def _links(
    data: bytes, base: int, link: Field, layout: _Layout
) -> Iterator[tuple[int, int]]:
    """Where each directory begins, and where it names the next one."""
    while link.read(data):
        directory = base + link.read(data)
        count = Field("entries", directory, layout.length, link.order).read(data)
        after = directory + layout.length + count * layout.entry
        yield directory, after
        link = Field("next directory", after, layout.offset, link.order)


def _entry(data: bytes, at: int, order: ByteOrder, layout: _Layout) -> Iterator[Field]:
    tag = Field("tag", at, 2, order, tuple(_HINTS))
    number = tag.read(data)
    size = layout.offset
    yield tag
    yield Field("type", at + 2, 2, order, _TYPES)
    yield Field("count", at + 4, size, order)
    yield Field("value", at + 4 + size, size, order)
    if number in _HINTS:
        yield Field(f"tag {number}", at + 4 + size, 2, order, _HINTS[number])
