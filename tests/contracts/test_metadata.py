"""What the camera wrote beside the pixels goes in, and never comes out."""

from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from photo.adapters.imaging import ImagingPool, PillowNormalizer
from photo.application.ports import ImageNormalizer
from photo.domain.files import THUMBNAIL
from photo.domain.media import MediaType
from tests.pictures import DISPLAY_P3, a_flag, a_profile, encoded

SECRET = b"SECRET"
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>SECRET</x:xmpmeta>"

SOI, EOI, SOS = 0xD8, 0xD9, 0xDA
#: Start, JFIF, tables, frame, scan, end.
PIXELS_ALONE = {SOI, 0xE0, 0xDB, 0xC0, 0xC4, SOS, EOI}


@pytest.fixture(scope="module")
async def normalizer() -> AsyncIterator[ImageNormalizer]:
    async with ImagingPool(workers=1) as pool:
        yield PillowNormalizer(pool)


def exif() -> bytes:
    """A place, a camera's own notes and a description."""
    data = Image.Exif()
    data[0x010E] = data[0x010F] = "SECRET"
    data.get_ifd(0x8769)[0x927C] = b"SECRET of the maker"
    place = data.get_ifd(0x8825)
    place[1], place[2] = "N", (48.0, 51.0, 30.0)
    place[3], place[4] = "E", (2.0, 17.0, 40.0)
    return data.tobytes()


def jpeg_segment(marker: int, data: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(data) + 2).to_bytes(2, "big") + data


def talkative(content_type: MediaType) -> bytes:
    """A photo with everything in it that its format has room for."""
    profile = a_profile(*DISPLAY_P3)
    options: dict[str, Any] = {"exif": exif(), "xmp": XMP, "icc_profile": profile}
    match content_type:
        case MediaType.JPEG:
            data = encoded(a_flag(), content_type, comment=SECRET, **options)
            iptc = (
                b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x0b\x1c\x02\x78\0\x06SECRET\0"
            )
            return data[:2] + jpeg_segment(0xED, iptc) + data[2:] + SECRET
        case MediaType.PNG:
            text = PngImagePlugin.PngInfo()
            text.add_text("Comment", "SECRET")
            text.add_itxt("XML:com.adobe.xmp", XMP.decode())
            return encoded(a_flag(), content_type, pnginfo=text, **options) + SECRET
        case MediaType.TIFF:
            tags = {270: "SECRET", 700: XMP, 33723: SECRET, 34675: profile}
            del options["xmp"]
            return encoded(a_flag(), content_type, tiffinfo=tags, **options)
        case MediaType.GIF:
            return encoded(a_flag(), content_type, comment=SECRET)
        case MediaType.BMP:
            return encoded(a_flag(), content_type) + SECRET
        case _:
            return encoded(a_flag(), content_type, **options)


def jpeg_markers(data: bytes) -> Iterator[int]:
    """Every marker, the last at the very end of the file, or `ValueError`."""
    at = 0
    while True:
        mark, marker = data[at : at + 2]
        if mark != 0xFF:
            raise ValueError(at)
        yield marker
        at += 2
        if marker == EOI:
            break
        if marker != SOI:
            at += int.from_bytes(data[at : at + 2], "big")
        if marker == SOS:
            at = data.index(b"\xff\xd9", at)
    if at != len(data):
        raise ValueError(at)


def webp_chunks(data: bytes) -> Iterator[bytes]:
    """The name of every chunk; they fill the file, or `ValueError`."""
    if int.from_bytes(data[4:8], "little") + 8 != len(data):
        raise ValueError(len(data))
    file = BytesIO(data[12:])
    while name := file.read(4):
        yield name
        size = int.from_bytes(file.read(4), "little")
        file.seek(size + size % 2, 1)


@pytest.mark.parametrize("content_type", MediaType)
async def test_artifacts_are_pixels_and_nothing_else(
    normalizer: ImageNormalizer, tmp_path: Path, content_type: MediaType
) -> None:
    photo, into = tmp_path / "photo", tmp_path / "into"
    into.mkdir()
    photo.write_bytes(talkative(content_type))
    assert SECRET in photo.read_bytes()
    (page,) = await normalizer.normalize(photo, content_type, into=into)
    normalized, thumbnail = page.path.read_bytes(), (into / THUMBNAIL).read_bytes()
    assert set(jpeg_markers(normalized)) == PIXELS_ALONE
    assert normalized[2:11] == b"\xff\xe0\x00\x10JFIF\0"
    assert list(webp_chunks(thumbnail)) == [b"VP8 "]
    assert SECRET not in normalized + thumbnail


def test_the_checks_see_what_is_beside_the_pixels() -> None:
    jpeg = encoded(a_flag(), MediaType.JPEG, exif=exif(), comment=SECRET)
    assert set(jpeg_markers(jpeg)) - PIXELS_ALONE == {0xE1, 0xFE}
    webp = encoded(a_flag(), MediaType.WEBP, exif=exif(), xmp=XMP)
    assert {b"EXIF", b"XMP "} <= set(webp_chunks(webp))
    with pytest.raises(ValueError, match=r"\d"):
        list(jpeg_markers(encoded(a_flag(), MediaType.JPEG) + SECRET))
    with pytest.raises(ValueError, match=r"\d"):
        list(webp_chunks(encoded(a_flag(), MediaType.WEBP) + SECRET))
