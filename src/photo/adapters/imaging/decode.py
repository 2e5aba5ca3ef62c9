"""Untrusted bytes in, plain pixels out: limits first, colours made sRGB or grey."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError
from pillow_heif import register_heif_opener

from photo.domain.errors import ContentMismatch, CorruptImage, ImageTooLarge, PhotoError
from photo.domain.media import MediaType

MAX_PIXELS = 100_000_000
MAX_SIDE = 20_000
MAX_PAGES = 50
#: Nothing beyond this helps the recogniser.
WORKING_SIDE = 4200

_FORMATS = {
    MediaType.JPEG: ("JPEG",),
    MediaType.PNG: ("PNG",),
    MediaType.WEBP: ("WEBP",),
    MediaType.HEIC: ("HEIF",),
    MediaType.HEIF: ("HEIF",),
    MediaType.AVIF: ("AVIF",),
    MediaType.TIFF: ("TIFF",),
    MediaType.GIF: ("GIF",),
    MediaType.BMP: ("BMP",),
}
_DEEP_GRAY = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")
_CORRUPT = (
    "This photo is damaged or incomplete and cannot be decoded. "
    "Send the original file again."
)

# Our own limit stands, and says so in the sender's words.
Image.MAX_IMAGE_PIXELS = None
register_heif_opener()


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels turned as the EXIF says, and the size that they had in the file."""

    pixels: Image.Image
    width: int
    height: int


def page_count(photo: Path, content_type: MediaType) -> int:
    """How many pages a photo has: one, but for a TIFF."""
    with _corrupt_unless_decoded(), _open(photo, content_type) as image:
        pages = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
    if pages > MAX_PAGES:
        raise ImageTooLarge(
            f"This TIFF has {pages} pages. At most {MAX_PAGES} are read: "
            "split it into several files."
        )
    return pages


def decode(photo: Path, content_type: MediaType, number: int) -> Picture:
    """Decode a page, counted from 1."""
    with _corrupt_unless_decoded(), _open(photo, content_type) as image:
        if number > 1:
            image.seek(number - 1)
        return _picture(image)


@contextmanager
def _corrupt_unless_decoded() -> Iterator[None]:
    try:
        yield
    except (PhotoError, MemoryError):
        raise
    except Exception as error:  # decoders fail in every way on hostile bytes
        raise CorruptImage(_CORRUPT) from error


def _open(photo: Path, content_type: MediaType) -> Image.Image:
    try:
        return Image.open(photo, formats=_FORMATS[content_type])
    except UnidentifiedImageError as error:
        raise _mismatch_or_corrupt(photo, content_type) from error


def _mismatch_or_corrupt(photo: Path, content_type: MediaType) -> PhotoError:
    with photo.open("rb") as file:
        found = MediaType.of(file.read(64))
    if found and found.promised_by(content_type):
        return CorruptImage(_CORRUPT)
    return ContentMismatch(f"This file is not what it was said to be, {content_type}.")


def _picture(image: Image.Image) -> Picture:
    width, height = image.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise ImageTooLarge(
            f"This photo has {width} × {height} pixels. The limit is "
            f"{MAX_PIXELS // 1_000_000} megapixels and {MAX_SIDE:,} pixels a side."
        )
    image.draft(None, _within(WORKING_SIDE, width, height))
    stored = image.size
    image.load()
    _apply_orientation(image)
    if image.size != stored:
        width, height = height, width
    return Picture(_plain(image), width, height)


def _apply_orientation(image: Image.Image) -> None:
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001, S110 - a broken EXIF costs no photo its pixels
        pass


def _within(side: int, width: int, height: int) -> tuple[int, int]:
    share = min(1.0, side / max(width, height))
    return max(1, int(width * share)), max(1, int(height * share))


def _plain(image: Image.Image) -> Image.Image:
    """Grey or sRGB, opaque, no larger than is useful, and nothing but pixels."""
    profile = image.info.get("icc_profile")
    pixels = _workable(image)
    pixels.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.LANCZOS)
    pixels = _to_srgb(_over_white(pixels), profile)
    pixels.info.clear()
    return pixels


def _workable(image: Image.Image) -> Image.Image:
    """In a mode that can be made smaller without loss of meaning."""
    if image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode in _DEEP_GRAY:
        return _stretched(image)
    if image.mode == "1":
        return image.convert("L")
    if image.mode in ("P", "YCbCr", "HSV", "RGBX"):
        return image.convert("RGB")
    return image


def _stretched(image: Image.Image) -> Image.Image:
    """Deep grey in eight bits, from its darkest to its lightest."""
    deep = np.asarray(image.convert("F"))
    low, high = float(deep.min()), float(deep.max())
    stretched = (deep - low) * (255 / (high - low or 1))
    return Image.fromarray(stretched.astype(np.uint8))


def _over_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    return paper


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if image.mode == "L":
        return image
    if image.mode == "LAB":
        return _converted(image, ImageCms.createProfile("LAB"))
    if profile:
        # A profile that is broken or made for other colours says nothing.
        with suppress(ImageCms.PyCMSError, OSError):
            return _converted(image, ImageCms.ImageCmsProfile(BytesIO(profile)))
    return image.convert("RGB")


def _converted(image: Image.Image, profile: Any) -> Image.Image:
    srgb = ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, profile, srgb, outputMode="RGB")
    return converted or image.convert("RGB")
