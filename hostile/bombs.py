"""Small files that want to become large: in pixels, in text, in pages or in time."""

from collections.abc import Mapping
from functools import cache
from io import BytesIO
from itertools import chain, repeat
from random import Random
from zlib import Z_FULL_FLUSH, compressobj

from PIL import Image

from hostile import png
from hostile.attempt import SUCCEEDED, Attempt, Kind, a_photo
from hostile.lies import FIELDS, PIECES
from hostile.lies.png import mended
from hostile.png import Chunk
from photo.domain.media import MediaType

_TOO_LARGE = frozenset({"image_too_large"})
_MEGABYTE = 1 << 20

#: Beyond the pixels, beyond a side, beyond both.
_SIZES = ((10_001, 10_000), (20_001, 64), (64, 20_001), (60_000, 60_000))
_RGBA = 6

#: What each format calls its width and height.
_SIDES = {
    MediaType.JPEG: ("width", "height"),
    MediaType.PNG: ("width", "height"),
    MediaType.WEBP: ("width", "height"),
    MediaType.GIF: ("screen x", "screen y"),
    MediaType.BMP: ("width", "height"),
    MediaType.TIFF: ("tag 256", "tag 257"),
    MediaType.HEIC: ("width", "height"),
    MediaType.HEIF: ("width", "height"),
    MediaType.AVIF: ("width", "height"),
}


def pixels(rng: Random) -> Attempt:
    """A well-formed PNG, all of its pixels in a few kilobytes."""
    width, height = rng.choice(_SIZES[:3])
    return Attempt(_blank_png(width, height), MediaType.PNG, verdicts=_TOO_LARGE)


def allowed_pixels(rng: Random) -> Attempt:
    """The most that may be sent, of the costliest kinds."""
    depth, colour = rng.choice(((1, 0), (8, 0), (16, 0), (8, _RGBA)))
    content = _blank_png(10_000, 10_000, depth, colour)
    verdicts = frozenset({SUCCEEDED, "corrupt_image", "timed_out"})
    return Attempt(content, MediaType.PNG, verdicts=verdicts)


def promised_pixels(rng: Random) -> Attempt:
    """A header that promises far too many, before a small photo's data."""
    photo = a_photo(rng, *_SIDES)
    width, height = rng.choice(_SIZES)
    content, names = photo.content, _SIDES[photo.content_type]
    for field in FIELDS[photo.content_type](photo.content):
        if field.name in names:
            side = (width, height)[names.index(field.name)]
            content = field.write(content, min(side, (1 << 8 * field.size) - 1))
    if photo.content_type is MediaType.PNG:
        content = mended(content, photo.content)
    # An animated AVIF says its size elsewhere, too, and that is what decoders believe.
    believed = {SUCCEEDED} if photo.content_type is MediaType.AVIF else set()
    verdicts = _TOO_LARGE | {"corrupt_image"} | believed
    return Attempt(content, photo.content_type, verdicts=verdicts)


def metadata(rng: Random) -> Attempt:
    """A good PNG with a chunk that unpacks to many megabytes of nothing."""
    photo = a_photo(rng, MediaType.PNG)
    packed = _zeros(rng.choice((8, 64, 256)) * _MEGABYTE)
    chunk = rng.choice(
        (
            Chunk(b"iTXt", b"Comment\0\1\0\0\0" + packed),
            Chunk(b"zTXt", b"Comment\0\0" + packed),
            Chunk(b"iCCP", b"ICC\0\0" + packed),
        )
    )
    head, *rest = png.chunks_of(photo.content)
    verdicts = frozenset({SUCCEEDED, "corrupt_image"})
    many = repeat(chunk, rng.choice((1, 1, 4)))
    content = png.joined(chain([head], many, rest))
    return Attempt(content, MediaType.PNG, verdicts=verdicts)


def frames(rng: Random) -> Attempt:
    """A GIF of thousands of frames, of which only the first is read."""
    photo = a_photo(rng, MediaType.GIF)
    head, *blocks, end = PIECES[MediaType.GIF](photo.content)
    last = blocks[-1]
    content = b"".join([head, *blocks, last * (2 * _MEGABYTE // len(last)), end])
    verdicts = frozenset({SUCCEEDED})
    return Attempt(content, MediaType.GIF, verdicts=verdicts, text=photo.text)


def pages(rng: Random) -> Attempt:
    """A TIFF with more directories than pages are read, all of the same pixels."""
    photo = a_photo(rng, MediaType.TIFF)
    fields = {field.name: field for field in FIELDS[MediaType.TIFF](photo.content)}
    link, start, end = (
        fields[name] for name in ("first directory", "entries", "next directory")
    )
    directory = photo.content[start.at : end.at]
    content = photo.content + bytes(len(photo.content) % 2)
    count, size = rng.choice((51, 2_000)), len(directory) + link.size
    places = [len(content) + size * number for number in range(count)]
    ends = [*places[1:], link.read(content)]
    copies = (directory + at.to_bytes(link.size, link.order) for at in ends)
    content = link.write(content, places[0]) + b"".join(copies)
    return Attempt(content, MediaType.TIFF, verdicts=_TOO_LARGE)


def scans(rng: Random) -> Attempt:
    """A progressive JPEG that refines the same blank pixels again and again."""
    content = _refined(3_000, rng.choice((20, 100)))
    verdicts = frozenset({SUCCEEDED, "corrupt_image"})
    return Attempt(content, MediaType.JPEG, verdicts=verdicts)


def endless_scans() -> Attempt:
    """The same until somebody stops it."""
    verdicts = frozenset({"timed_out", "corrupt_image"})
    return Attempt(_refined(9_000, 5_000), MediaType.JPEG, verdicts=verdicts)


BOMBS: Mapping[str, Kind] = {
    "bomb-pixels": pixels,
    "bomb-allowed": allowed_pixels,
    "bomb-promised": promised_pixels,
    "bomb-metadata": metadata,
    "bomb-frames": frames,
    "bomb-pages": pages,
    "bomb-scans": scans,
}


def _blank_png(width: int, height: int, depth: int = 1, colour: int = 0) -> bytes:
    channels = 4 if colour == _RGBA else 1
    row = 1 + -(-width * depth * channels // 8)
    return png.joined(
        (
            png.header(width, height, depth=depth, colour=colour),
            Chunk(b"IDAT", _zeros(row * height)),
            Chunk(b"IEND", b""),
        )
    )


def _refined(side: int, times: int) -> bytes:
    jpeg = _blank_jpeg(side)
    last_scan = jpeg[jpeg.rindex(b"\xff\xda") : -2]
    return jpeg[:-2] + last_scan * times + jpeg[-2:]


@cache
def _blank_jpeg(side: int) -> bytes:
    file = BytesIO()
    Image.new("L", (side, side), "white").save(file, "JPEG", progressive=True)
    return file.getvalue()


def _zeros(count: int) -> bytes:
    """So many zero bytes, packed: a megabyte once, and that again and again."""
    whole, rest = divmod(count, _MEGABYTE)
    packer = compressobj(wbits=-15)
    megabyte = packer.compress(bytes(_MEGABYTE)) + packer.flush(Z_FULL_FLUSH)
    end = packer.compress(bytes(rest)) + packer.flush()
    adler32 = (count % 65_521) << 16 | 1
    return b"\x78\x9c" + megabyte * whole + end + adler32.to_bytes(4, "big")
