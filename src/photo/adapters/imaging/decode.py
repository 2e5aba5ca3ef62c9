"""Untrusted bytes in, plain upright pixels out."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps

from photo.adapters.imaging.colours import plain
from photo.adapters.imaging.formats import check_size, opened
from photo.adapters.imaging.headers import seek_page
from photo.domain.media import MediaType

#: Nothing beyond this helps the recogniser.
WORKING_SIDE = 4200


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels turned as the file says, and the size that they had in it, upright."""

    pixels: Image.Image
    width: int
    height: int


def decode(photo: Path, content_type: MediaType, number: int) -> Picture:
    """Decode a page, counted from 1."""
    with opened(photo, content_type) as image:
        seek_page(image, number)
        return _picture(image)


def _picture(image: Image.Image) -> Picture:
    width, height = image.size
    if image.format in ("JPEG", "MPO"):
        image.draft(None, _within(WORKING_SIDE, width, height))
    told = image.size
    image.load()
    _apply_orientation(image)
    if image.size not in (told, told[::-1]):
        # The pixels are another size than the container told.
        width, height = image.size
        check_size(width, height)
    elif image.size != told:
        width, height = height, width
    return Picture(plain(image, WORKING_SIDE), width, height)


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
