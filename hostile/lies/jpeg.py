"""The numbers of a JPEG, those of its EXIF included."""

from collections.abc import Iterator

from hostile.lies import tiff
from hostile.lies.fields import Field, words

_START = b"\xff\xd8"
_SCAN, _EXIF = 0xDA, b"Exif\0\0"
_FRAMES = {0xC0, 0xC1, 0xC2}
_SMALL = 32


def fields(data: bytes) -> Iterator[Field]:
    for at, after in _segments(data):
        kind, body = data[at + 1], at + 4
        name = f"{kind:x}"
        yield Field("marker", at + 1, 1, "big", tuple(range(0xC0, 0xE0)))
        yield Field("length", at + 2, 2, "big")
        if kind in _FRAMES:
            yield Field("precision", body, 1, "big", (8, 12, 16))
            yield Field("height", body + 1, 2, "big", (20_001,))
            yield Field("width", body + 3, 2, "big", (20_001,))
            yield Field("components", body + 5, 1, "big", (1, 2, 3, 4))
            for place in range(body + 6, after):
                yield Field("component", place, 1, "big", (0x11, 0x22, 0x41, 0x44))
        elif data[body : body + len(_EXIF)] == _EXIF:
            yield from tiff.fields(data, body + len(_EXIF))
        else:
            yield from words(name, body, min(after, body + _SMALL), "big")


def pieces(data: bytes) -> list[bytes]:
    """Segment by segment; what a scan holds is the last piece."""
    segments = [*_segments(data)]
    end = segments[-1][1]
    return [_START, *(data[at:after] for at, after in segments), data[end:]]


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Up to and with the first scan's header."""
    at, kind = len(_START), 0
    while kind != _SCAN:
        kind = data[at + 1]
        after = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        yield at, after
        at = after
