"""Small good photos of every accepted type, and what each of them says."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from io import BytesIO
from typing import Any, NamedTuple

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageDraw, ImageFont
from pillow_heif import register_heif_opener

from hostile import png
from photo.domain.media import MediaType

register_heif_opener()

#: On every photo: where it turns up in a log, a photo's text has leaked.
HEADING = "Harbour Lane Grocers"
PAGES = 3

_SIZE = (320, 120)
#: The encoder of AVIF writes other bytes with more.
_ONE_THREAD: Mapping[str, Any] = {"max_threads": 1}

Encode = Callable[[Image.Image], bytes]


class Photo(NamedTuple):
    name: str
    content_type: MediaType
    content: bytes
    #: What its pages say, line by line.
    text: str


@cache
def good_photos() -> tuple[Photo, ...]:
    """One of each kind, with a number of its own on it."""
    return tuple(
        _photo(name, 4101 + index * 37) for index, name in enumerate(_ENCODERS)
    )


def _photo(name: str, number: int) -> Photo:
    content_type, encode = _ENCODERS[name]
    text = f"{HEADING}\nReceipt {number}"
    pages = PAGES if name == "tiff-pages" else 1
    return Photo(name, content_type, encode(_page(text)), "\f".join([text] * pages))


def _page(text: str) -> Image.Image:
    page = Image.new("RGB", _SIZE, "#f4f1e8")
    pen = ImageDraw.Draw(page)
    for row, line in enumerate(text.split("\n")):
        at, font = (14, 14 + row * 50), ImageFont.load_default(28)
        pen.text(at, line, "#20242c", font)
    return page


def _saved(page: Image.Image, name: str, mode: str = "RGB", **options: Any) -> bytes:
    file = BytesIO()
    page.convert(mode).save(file, name, **options)
    return file.getvalue()


def _as(name: str, mode: str = "RGB", **options: Any) -> Encode:
    return partial(_saved, name=name, mode=mode, **options)


def _with_exif(name: str) -> Encode:
    def encode(page: Image.Image) -> bytes:
        """Stored on its side, with the way up and the place in its EXIF."""
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = 6
        exif[ExifTags.Base.Make] = "Eastmere Optical"
        exif.get_ifd(ExifTags.IFD.GPSInfo).update(
            {1: "N", 2: (52.0, 31.0, 12.5), 3: "E", 4: (13.0, 24.0, 17.8)}
        )
        return _saved(page.rotate(90, expand=True), name, exif=exif.tobytes())

    return encode


def _interlaced_png(page: Image.Image) -> bytes:
    return png.interlaced(np.asarray(page))


def _deep_grey(page: Image.Image, name: str) -> bytes:
    grey = np.asarray(page.convert("L")).astype(np.uint16) * 257
    file = BytesIO()
    Image.fromarray(grey).save(file, name)
    return file.getvalue()


def _deep_colours(page: Image.Image, suffix: str) -> bytes:
    blue_green_red = np.asarray(page)[:, :, ::-1].astype(np.uint16) * 257
    return cv2.imencode(suffix, blue_green_red)[1].tobytes()


def _transparent(name: str, **options: Any) -> Encode:
    """Ink on nothing."""

    def encode(page: Image.Image) -> bytes:
        ink = page.convert("L").point(lambda tone: 255 - tone)
        page = page.copy()
        page.putalpha(ink)
        return _saved(page, name, "RGBA", **options)

    return encode


def _avif_animated(page: Image.Image) -> bytes:
    """At no time: the encoder would say when it was made."""
    content = bytearray(_animated("AVIF", **_ONE_THREAD)(page))
    for box in (b"mvhd", b"tkhd", b"mdhd"):
        moments = content.index(box) + 8
        content[moments : moments + 16] = bytes(16)
    return bytes(content)


def _heif(page: Image.Image) -> bytes:
    """By its major brand: a HEIF of any kind, which happens to be HEIC."""
    content = _saved(page, "HEIF")
    return content.replace(b"heic", b"mif1", 1)


def _srgb() -> bytes:
    profile = bytearray(
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    )
    profile[24:36] = bytes(12)  # when it was made
    return bytes(profile)


def _animated(name: str, **options: Any) -> Encode:
    def encode(page: Image.Image) -> bytes:
        rest = [Image.new("RGB", page.size, colour) for colour in ("red", "blue")]
        return _saved(
            page, name, save_all=True, append_images=rest, duration=80, **options
        )

    return encode


def _pages(page: Image.Image) -> bytes:
    rest = [page] * (PAGES - 1)
    return _saved(
        page, "TIFF", save_all=True, append_images=rest, compression="tiff_lzw"
    )


_SRGB = _srgb()

_ENCODERS: Mapping[str, tuple[MediaType, Encode]] = {
    "jpeg": (MediaType.JPEG, _as("JPEG", quality=90)),
    "jpeg-progressive": (MediaType.JPEG, _as("JPEG", progressive=True)),
    "jpeg-grey": (MediaType.JPEG, _as("JPEG", "L")),
    "jpeg-cmyk": (MediaType.JPEG, _as("JPEG", "CMYK")),
    "jpeg-exif": (MediaType.JPEG, _with_exif("JPEG")),
    "jpeg-icc": (MediaType.JPEG, _as("JPEG", icc_profile=_SRGB)),
    "jpeg-restarts": (MediaType.JPEG, _as("JPEG", restart_marker_blocks=8)),
    "png": (MediaType.PNG, _as("PNG", icc_profile=_SRGB)),
    "png-interlaced": (MediaType.PNG, _interlaced_png),
    "png-palette": (MediaType.PNG, _as("PNG", "P")),
    "png-bits": (MediaType.PNG, _as("PNG", "1")),
    "png-alpha": (MediaType.PNG, _transparent("PNG")),
    "png-deep-grey": (MediaType.PNG, partial(_deep_grey, name="PNG")),
    "png-deep-colours": (MediaType.PNG, partial(_deep_colours, suffix=".png")),
    "png-exif": (MediaType.PNG, _with_exif("PNG")),
    "png-animated": (MediaType.PNG, _animated("PNG")),
    "webp": (MediaType.WEBP, _as("WEBP", quality=85)),
    "webp-lossless": (MediaType.WEBP, _as("WEBP", lossless=True)),
    "webp-alpha": (MediaType.WEBP, _transparent("WEBP")),
    "webp-animated": (MediaType.WEBP, _animated("WEBP")),
    "webp-exif": (MediaType.WEBP, _with_exif("WEBP")),
    "gif": (MediaType.GIF, _as("GIF", "P")),
    "gif-animated": (MediaType.GIF, _animated("GIF")),
    "bmp": (MediaType.BMP, _as("BMP")),
    "bmp-palette": (MediaType.BMP, _as("BMP", "P")),
    "bmp-bits": (MediaType.BMP, _as("BMP", "1")),
    "tiff": (MediaType.TIFF, _as("TIFF")),
    "tiff-lzw": (MediaType.TIFF, _as("TIFF", compression="tiff_lzw")),
    "tiff-deflate": (MediaType.TIFF, _as("TIFF", compression="tiff_adobe_deflate")),
    "tiff-jpeg": (MediaType.TIFF, _as("TIFF", compression="jpeg")),
    "tiff-fax": (MediaType.TIFF, _as("TIFF", "1", compression="group4")),
    "tiff-cmyk": (MediaType.TIFF, _as("TIFF", "CMYK")),
    "tiff-deep-grey": (MediaType.TIFF, partial(_deep_grey, name="TIFF")),
    "tiff-deep-colours": (MediaType.TIFF, partial(_deep_colours, suffix=".tiff")),
    "tiff-big": (MediaType.TIFF, _as("TIFF", big_tiff=True)),
    "tiff-pages": (MediaType.TIFF, _pages),
    "heic": (MediaType.HEIC, _as("HEIF", quality=85)),
    "heic-exif": (MediaType.HEIC, _with_exif("HEIF")),
    "heic-alpha": (MediaType.HEIC, _transparent("HEIF")),
    "heif": (MediaType.HEIF, _heif),
    "avif": (MediaType.AVIF, _as("AVIF", quality=85, **_ONE_THREAD)),
    "avif-alpha": (MediaType.AVIF, _transparent("AVIF", **_ONE_THREAD)),
    "avif-animated": (MediaType.AVIF, _avif_animated),
}
