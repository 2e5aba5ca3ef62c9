"""Lies that know the format: untrue numbers, and parts in the wrong places."""

from collections.abc import Callable, Mapping
from random import Random

from hostile.lies import bmp, gif, isobmff, jpeg, png, tiff, webp
from hostile.lies.fields import Fields, lied
from photo.domain.media import MediaType

__all__ = ["FIELDS", "PIECES", "rearranged", "untrue"]

FIELDS: Mapping[MediaType, Fields] = {
    MediaType.JPEG: jpeg.fields,
    MediaType.PNG: png.fields,
    MediaType.WEBP: webp.fields,
    MediaType.GIF: gif.fields,
    MediaType.BMP: bmp.fields,
    MediaType.TIFF: tiff.fields,
    MediaType.HEIC: isobmff.fields,
    MediaType.HEIF: isobmff.fields,
    MediaType.AVIF: isobmff.fields,
}

PIECES: Mapping[MediaType, Callable[[bytes], list[bytes]]] = {
    MediaType.JPEG: jpeg.pieces,
    MediaType.PNG: png.pieces,
    MediaType.WEBP: webp.pieces,
    MediaType.GIF: gif.pieces,
    MediaType.HEIC: isobmff.pieces,
    MediaType.HEIF: isobmff.pieces,
    MediaType.AVIF: isobmff.pieces,
}


def untrue(rng: Random, data: bytes, content_type: MediaType) -> bytes:
    """With numbers that lie about size, place, count or form."""
    lie = lied(rng, data, FIELDS[content_type](data))
    return png.mended(lie, data) if content_type is MediaType.PNG else lie


def rearranged(rng: Random, data: bytes, content_type: MediaType) -> bytes:
    """With a part gone, twice there, or where another belongs."""
    first, *parts = PIECES[content_type](data)
    one, other = rng.randrange(len(parts)), rng.randrange(len(parts))
    match rng.randrange(3):
        case 0:
            del parts[one]
        case 1:
            parts[other:other] = [parts[one]] * rng.choice((1, 1, 2, 50))
        case _:
            parts[one], parts[other] = parts[other], parts[one]
    return first + b"".join(parts)
