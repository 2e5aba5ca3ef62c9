"""PNG by hand: what no encoder here writes, and what none should."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple
from zlib import compress, crc32

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"

#: First column and row of each pass of Adam7, and how far it steps.
_ADAM7 = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)


class Chunk(NamedTuple):
    kind: bytes
    data: bytes

    def __bytes__(self) -> bytes:
        length = len(self.data).to_bytes(4, "big")
        return length + self.kind + self.data + checksum(self.kind + self.data)


def checksum(kind_and_data: bytes) -> bytes:
    return crc32(kind_and_data).to_bytes(4, "big")


def header(
    width: int, height: int, *, depth: int, colour: int, adam7: int = 0
) -> Chunk:
    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return Chunk(b"IHDR", size + bytes([depth, colour, 0, 0, adam7]))


def joined(chunks: Iterable[Chunk]) -> bytes:
    return SIGNATURE + b"".join(map(bytes, chunks))


def chunks_of(data: bytes) -> Iterator[Chunk]:
    at = len(SIGNATURE)
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        yield Chunk(data[at + 4 : at + 8], data[at + 8 : at + 8 + length])
        at += 12 + length


def interlaced(pixels: NDArray[np.uint8]) -> bytes:
    """RGB in seven passes."""
    height, width, _ = pixels.shape
    rows = b"".join(
        b"\0" + row.tobytes()
        for left, top, across, down in _ADAM7
        for row in pixels[top::down, left::across]
    )
    return joined(
        (
            header(width, height, depth=8, colour=2, adam7=1),
            Chunk(b"IDAT", compress(rows)),
            Chunk(b"IEND", b""),
        )
    )
