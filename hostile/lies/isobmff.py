"""The numbers of HEIC and AVIF: boxes in boxes, sizes, places and properties."""

from collections.abc import Iterator

from hostile.lies.fields import Field, words

#: Boxes of boxes, and what stands before the first one inside.
_CONTAINERS = {
    b"meta": 4,
    b"iinf": 6,
    b"iprp": 0,
    b"ipco": 0,
    b"moov": 0,
    b"trak": 0,
    b"mdia": 0,
    b"minf": 0,
    b"stbl": 0,
}
_SMALL = 160


def fields(data: bytes) -> Iterator[Field]:
    return _fields(data, 0, len(data))


def pieces(data: bytes) -> list[bytes]:
    return [data[at:after] for at, after in _boxes(data, 0, len(data))]


def _fields(data: bytes, start: int, end: int) -> Iterator[Field]:
    for at, after in _boxes(data, start, end):
        kind, body = data[at + 4 : at + 8], at + 8
        yield Field("box size", at, 4, "big")
        yield Field("box type", at + 4, 4, "big")
        if kind in _CONTAINERS:
            yield from _fields(data, body + _CONTAINERS[kind], after)
        elif kind == b"ispe":
            yield Field("width", body + 4, 4, "big", (20_001, 65_536))
            yield Field("height", body + 8, 4, "big", (20_001, 65_536))
        elif after - at < _SMALL:
            yield from words(kind.decode("latin-1"), body, after, "big")


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    at = start
    while at < end:
        after = at + int.from_bytes(data[at : at + 4], "big")
        yield at, after
        at = after
