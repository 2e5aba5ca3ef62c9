"""The numbers of a PNG."""

from collections.abc import Iterator
from itertools import pairwise

from hostile.lies.fields import Field
from hostile.png import SIGNATURE, checksum, chunks_of

_HEADER = (
    ("width", 0, 4),
    ("height", 4, 4),
    ("bit depth", 8, 1),
    ("colour type", 9, 1),
    ("compression", 10, 1),
    ("filter", 11, 1),
    ("interlace", 12, 1),
)
_SMALL = 64


def fields(data: bytes) -> Iterator[Field]:
    for at, after in pairwise(_places(data)):
        kind, body = data[at + 4 : at + 8], at + 8
        name = kind.decode("latin-1")
        yield Field("length", at, 4, "big")
        yield Field("type", at + 4, 4, "big")
        if kind == b"IHDR":
            for part, offset, size in _HEADER:
                hints = (1, 2, 4, 8, 16, 3, 6) if size == 1 else (20_001, 65_536)
                yield Field(part, body + offset, size, "big", hints)
        elif after - at < _SMALL:
            for place in range(body, after - 4):
                yield Field(name, place, 1, "big")
        else:
            yield Field(name, body, 4, "big")


def mended(lied: bytes, data: bytes) -> bytes:
    """With every checksum right again, as a liar would have it."""
    for at, after in pairwise(_places(data)):
        crc = checksum(lied[at + 4 : after - 4])
        lied = lied[: after - 4] + crc + lied[after:]
    return lied


def pieces(data: bytes) -> list[bytes]:
    return [SIGNATURE, *map(bytes, chunks_of(data))]


def _places(data: bytes) -> Iterator[int]:
    """Where each chunk begins, and where the last one ends."""
    at = len(SIGNATURE)
    yield at
    for chunk in chunks_of(data):
        at += 12 + len(chunk.data)
        yield at
