"""The decoders of the accepted types, and no others."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pillow_heif
from PIL import (  # each registers its format
    AvifImagePlugin,  # noqa: F401
    BmpImagePlugin,  # noqa: F401
    GifImagePlugin,  # noqa: F401
    Image,
    JpegImagePlugin,  # noqa: F401
    MpoImagePlugin,  # noqa: F401 - JPEGs of phones that hold more than one picture
    PngImagePlugin,
    TiffImagePlugin,  # noqa: F401
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
)

from photo.domain.errors import (
    ContentMismatch,
    CorruptImage,
    ImageTooLarge,
    PhotoError,
    Unavailable,
)
from photo.domain.media import SNIFF_BYTES, MediaType

MAX_PIXELS = 100_000_000
MAX_SIDE = 20_000

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
_CORRUPT = (
    "This photo is damaged or incomplete and cannot be decoded. "
    "Send the original file again."
)
_RARE = (
    "This photo is damaged, or stored in a way so rare that it is not read here. "
    "Send it as a JPEG or PNG."
)
_TOO_LARGE = (
    f"The limit is {MAX_PIXELS // 1_000_000} megapixels and {MAX_SIDE:,} pixels a side."
)

# Pillow refuses what is larger than twice this, before it decodes.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2
# Text is decompressed up to this, and so are colour profiles, some of which are large.
PngImagePlugin.MAX_TEXT_CHUNK = 8 << 20
PngImagePlugin.MAX_TEXT_MEMORY = 64 << 20
pillow_heif.register_heif_opener(
    decode_threads=1, thumbnails=False, depth_images=False, aux_images=False
)
# All that are needed are here: Pillow is not to load the rest when a file is odd.
Image._initialized = 2  # noqa: SLF001 - there is no other switch


@contextmanager
def opened(photo: Path, content_type: MediaType) -> Iterator[Image.Image]:
    """The photo with its headers read. Whatever is wrong with it is `CorruptImage`.

    But `MemoryError`: after that nothing in this process is to be trusted.
    """
    with _readable(photo) as file:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with _open(file, content_type) as image:
                    yield image
        except (PhotoError, MemoryError):
            raise
        except Image.DecompressionBombError as error:
            raise ImageTooLarge(f"This photo is too large. {_TOO_LARGE}") from error
        except Exception as error:  # decoders fail in every way on hostile bytes
            raise CorruptImage(_CORRUPT) from error


def check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise ImageTooLarge(f"This photo has {width} × {height} pixels. {_TOO_LARGE}")


def _readable(photo: Path) -> BinaryIO:
    try:
        return photo.open("rb")
    except OSError as error:
        raise Unavailable("The disk did not give the photo back.") from error


def _open(file: BinaryIO, content_type: MediaType) -> Image.Image:
    try:
        return Image.open(file, formats=_FORMATS[content_type])
    except UnidentifiedImageError as error:
        raise _mismatch_or_corrupt(file, content_type) from error


def _mismatch_or_corrupt(file: BinaryIO, content_type: MediaType) -> PhotoError:
    file.seek(0)
    found = MediaType.of(file.read(SNIFF_BYTES))
    if found and found.promised_by(content_type):
        return CorruptImage(_RARE)
    return ContentMismatch(f"This file is not what it was said to be, {content_type}.")
