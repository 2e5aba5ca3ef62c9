"""Drawn photos, for tests that look at pixels or read text."""

from collections.abc import Sequence
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
