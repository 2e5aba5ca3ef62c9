"""The numbers of a BMP."""

from collections.abc import Iterator

from hostile.lies.fields import Field

_MINUS_ONE = 0xFFFFFFFF
_HEADER = (
    ("file size", 2, 4, ()),
    ("reserved", 6, 4, ()),
    ("pixels at", 10, 4, (0, 14, 54)),
    ("header size", 14, 4, (12, 16, 40, 52, 56, 64, 108, 124)),
    ("width", 18, 4, (_MINUS_ONE, 20_001)),
    ("height", 22, 4, (_MINUS_ONE, 0xFFFFFFFF - 119, 20_001)),
    ("planes", 26, 2, (1, 3)),
    ("bits", 28, 2, (1, 2, 4, 8, 16, 24, 32, 64)),
    ("compression", 30, 4, (1, 2, 3, 4, 5, 6, 11, 12, 13)),
    ("image size", 34, 4, ()),
    ("colours", 46, 4, (1, 2, 256, 257)),
    ("colours that matter", 50, 4, ()),
)


def fields(data: bytes) -> Iterator[Field]:
    for name, at, size, hints in _HEADER:
        yield Field(name, at, size, "little", hints)
    yield Field("palette", min(54, len(data) - 4), 4, "little")
