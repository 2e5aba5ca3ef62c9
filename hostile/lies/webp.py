"""The numbers of a WebP."""

from collections.abc import Iterator

from hostile.lies.fields import Field

_HEADER = 12


def fields(data: bytes) -> Iterator[Field]:
    yield Field("file size", 4, 4, "little")
    for at, after in _chunks(data):
        kind, body = data[at : at + 4], at + 8
        yield Field("type", at, 4, "little", _KINDS)
        yield Field("length", at + 4, 4, "little")
        match kind:
            case b"VP8X":
                yield Field("flags", body, 1, "little")
                yield Field("canvas width", body + 4, 3, "little", (16_383, 20_000))
                yield Field("canvas height", body + 7, 3, "little", (16_383, 20_000))
            case b"VP8 ":
                yield Field("frame tag", body, 3, "little")
                yield Field("width", body + 6, 2, "little", (0x3FFF, 0xFFFF))
                yield Field("height", body + 8, 2, "little", (0x3FFF, 0xFFFF))
            case b"VP8L":
                yield Field("lossless size", body + 1, 4, "little", (0xFFFFFFF,))
            case b"ANMF":
                for place in range(body, body + 15, 3):
                    yield Field("frame", place, 3, "little", (16_383,))
            case _:
                for place in range(body, min(after, body + 12)):
                    yield Field("other", place, 1, "little")


def pieces(data: bytes) -> list[bytes]:
    return [data[:_HEADER], *(data[at:after] for at, after in _chunks(data))]


def _number(kind: bytes) -> int:
    return int.from_bytes(kind, "little")


_KINDS = tuple(map(_number, (b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANMF", b"ICCP")))


def _chunks(data: bytes) -> Iterator[tuple[int, int]]:
    at = _HEADER
    while at < len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        after = at + 8 + length + length % 2
        yield at, after
        at = after
