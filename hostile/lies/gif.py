"""The numbers of a GIF."""

from collections.abc import Iterator

from hostile.lies.fields import Field

_EXTENSION, _IMAGE = 0x21, 0x2C
_HEADER = 13


def fields(data: bytes) -> Iterator[Field]:
    yield from _size("screen", 6)
    yield Field("flags", 10, 1, "little")
    yield Field("background", 11, 1, "little")
    for at, after in _blocks(data):
        yield Field("introducer", at, 1, "little", (_EXTENSION, _IMAGE, 0x3B))
        yield Field("last length", after - 1, 1, "little")
        if data[at] == _IMAGE:
            yield from _size("corner", at + 1)
            yield from _size("frame", at + 5)
            yield Field("flags", at + 9, 1, "little")
            code_size = at + 10 + _table(data[at + 9])
            yield Field("code size", code_size, 1, "little", tuple(range(14)))
            yield Field("data", code_size + 1, 1, "little")
        else:
            for place in range(at + 1, min(after, at + 8)):
                yield Field("extension", place, 1, "little")


def pieces(data: bytes) -> list[bytes]:
    blocks = [*_blocks(data)]
    start, end = blocks[0][0], blocks[-1][1]
    return [data[:start], *(data[at:after] for at, after in blocks), data[end:]]


def _size(name: str, at: int) -> Iterator[Field]:
    yield Field(f"{name} x", at, 2, "little", (20_001,))
    yield Field(f"{name} y", at + 2, 2, "little", (20_001,))


def _blocks(data: bytes) -> Iterator[tuple[int, int]]:
    at = _HEADER + _table(data[10])
    while data[at] in (_EXTENSION, _IMAGE):
        body = at + 2 if data[at] == _EXTENSION else at + 11 + _table(data[at + 9])
        while data[body]:
            body += 1 + data[body]
        yield at, body + 1
        at = body + 1


def _table(flags: int) -> int:
    """Bytes of the colour table that these flags promise."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0
