"""Drawn photos, for tests that look at pixels or read text."""

import struct
import zlib
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from pillow_heif import register_heif_opener

from photo.domain.media import MediaType

register_heif_opener()

LINES = (
    "Coffee and milk 2.50",
    "Wholemeal bread 3.10",
    "Sparkling water 1.20",
    "Total amount due 6.80",
)
RED, GREEN, BLUE, YELLOW = (220, 40, 40), (30, 160, 60), (40, 60, 220), (220, 200, 30)

FLAG = [RED, GREEN, BLUE, YELLOW]

#: Red, green, blue of a colour space, as a profile has them (XYZ, D50).
DISPLAY_P3 = (
    (0.5151, 0.2412, -0.0011),
    (0.2920, 0.6922, 0.0419),
    (0.1571, 0.0666, 0.7841),
)

#: What undoes each EXIF orientation.
UNDO = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}

_FORMATS = {MediaType.HEIC: "HEIF"}


def a_text(
    lines: Sequence[str] = LINES, *, size: tuple[int, int] = (800, 500), font: int = 48
) -> Image.Image:
    """Black lines on white paper."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for row, line in enumerate(lines):
        at = (40, 40 + row * font * 2)
        draw.text(at, line, "black", ImageFont.load_default(font))
    return image


def a_flag(size: tuple[int, int] = (120, 80)) -> Image.Image:
    """A picture without text: red, green, blue, yellow, clockwise from the top left."""
    width, height = size[0] // 2, size[1] // 2
    image = Image.new("RGB", size, RED)
    image.paste(GREEN, (width, 0, *size))
    image.paste(BLUE, (width, height, *size))
    image.paste(YELLOW, (0, height, width, size[1]))
    return image


def corners(image: Image.Image) -> list[tuple[int, int, int]]:
    """Which colours of the flag lie in the corners, clockwise from the top left."""
    pixels = np.asarray(image.convert("RGB")).astype(int)
    found = (pixels[4, 4], pixels[4, -5], pixels[-5, -5], pixels[-5, 4])
    return [
        min(
            (RED, GREEN, BLUE, YELLOW),
            key=lambda colour: float(np.abs(pixel - colour).sum()),
        )
        for pixel in found
    ]


def encoded(
    image: Image.Image, content_type: MediaType = MediaType.PNG, **options: Any
) -> bytes:
    file = BytesIO()
    name = _FORMATS.get(content_type, content_type.removeprefix("image/").upper())
    image.save(file, name, **options)
    return file.getvalue()


def oriented(image: Image.Image, content_type: MediaType, orientation: int) -> bytes:
    """A file whose EXIF, or what stands for it in its format, turns it upright."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    turn = UNDO.get(orientation)
    stored = image if turn is None else image.transpose(turn)
    return encoded(stored, content_type, exif=exif.tobytes())


def png_chunk(name: bytes, data: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(name + data))
    return struct.pack(">I", len(data)) + name + data + checksum


def png(
    size: tuple[int, int],
    *,
    depth: int = 8,
    colour_type: int = 2,
    chunks: bytes = b"",
    rows: Iterable[bytes] = (),
) -> bytes:
    """A PNG of raw rows, or of none: its header says what it likes."""
    header = struct.pack(">IIBBBBB", *size, depth, colour_type, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            png_chunk(b"IHDR", header),
            chunks,
            png_chunk(b"IDAT", pixels),
            png_chunk(b"IEND", b""),
        )
    )


def tiff(pages: Sequence[dict[int, int]], *, endless: bool = False) -> bytes:
    """A TIFF of headers alone, each with tags of its own; the last may lead back."""
    file = b"II*\0" + struct.pack("<I", 8)
    for number, page in enumerate(pages, 1):
        tags = sorted(
            {256: 10, 257: 10, 258: 8, 259: 1, 262: 1, 273: 8, **page}.items()
        )
        after = len(file) + 2 + 12 * len(tags) + 4
        following = after if number < len(pages) else 8 if endless else 0
        file += struct.pack("<H", len(tags))
        file += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
        file += struct.pack("<I", following)
    return file


def a_profile(
    red: Sequence[float], green: Sequence[float], blue: Sequence[float]
) -> bytes:
    """An ICC version 2 matrix profile with these primaries."""

    def xyz(values: Sequence[float]) -> bytes:
        fixed = [struct.pack(">i", round(value * 65536)) for value in values]
        return b"XYZ " + bytes(4) + b"".join(fixed)

    curve = b"curv" + bytes(4) + struct.pack(">IHxx", 1, round(2.2 * 256))
    tags = {
        b"rXYZ": xyz(red),
        b"gXYZ": xyz(green),
        b"bXYZ": xyz(blue),
        b"wtpt": xyz((0.9642, 1.0, 0.8249)),
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    table, body, at = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", at + len(body), len(data))
        body += data
    size = at + len(body)
    header = struct.pack(">I4xI4s4s4s", size, 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    header = header.ljust(36, b"\0") + b"acsp"
    white = struct.pack(">3i", 63190, 65536, 54061)
    return header.ljust(68, b"\0") + white + bytes(48) + table + body
