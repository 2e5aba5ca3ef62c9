"""Limits: what headers say is enough to refuse, before a pixel is decoded."""

import resource
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from photo.adapters.imaging.decode import decode
from photo.adapters.imaging.headers import page_count
from photo.domain.errors import CorruptImage, ImageTooLarge
from photo.domain.media import MediaType
from tests.pictures import FLAG, a_flag, corners, encoded, png, png_chunk, tiff

MEGABYTE = 1 << 20
LIMITS = "100 megapixels and 20,000 pixels a side"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return tmp_path / "photo"


def patched(data: bytes, at: int, layout: str, *values: int) -> bytes:
    new = struct.pack(layout, *values)
    return data[:at] + new + data[at + len(new) :]


#: Where the size is told, from what on, and how.
SIZES = {
    MediaType.JPEG: (b"\xff\xc0", 5, ">HH"),
    MediaType.GIF: (b"GIF8", 6, "<HH"),
    MediaType.BMP: (b"BM", 18, "<ii"),
    MediaType.HEIC: (b"ispe", 8, ">II"),
    MediaType.HEIF: (b"ispe", 8, ">II"),
    MediaType.AVIF: (b"ispe", 8, ">II"),
}


def saying(content_type: MediaType, width: int, height: int) -> bytes:
    """A small photo whose header tells another size."""
    if content_type is MediaType.PNG:
        return png((width, height))
    if content_type is MediaType.TIFF:
        return tiff([{256: width, 257: height}])
    data = encoded(a_flag(), content_type)
    if content_type is MediaType.WEBP:
        size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        data = b"WEBPVP8X" + struct.pack("<II", 10, 0) + size + data[12:]
        return b"RIFF" + struct.pack("<I", len(data)) + data
    mark, after, layout = SIZES[content_type]
    told = (height, width) if content_type is MediaType.JPEG else (width, height)
    return patched(data, data.index(mark) + after, layout, *told)


@pytest.mark.parametrize("content_type", MediaType)
def test_a_header_that_tells_too_many_pixels_is_enough(
    photo: Path, content_type: MediaType
) -> None:
    photo.write_bytes(saying(content_type, 10_001, 10_000))
    with pytest.raises(ImageTooLarge, match=LIMITS):
        page_count(photo, content_type)


@pytest.mark.parametrize("content_type", MediaType)
def test_the_largest_header_is_refused_for_nothing(
    photo: Path, content_type: MediaType
) -> None:
    photo.write_bytes(saying(content_type, 65_535, 65_535))
    before = peak()
    # A limit of libavif's own comes first, and calls the file broken.
    expected = CorruptImage if content_type is MediaType.AVIF else ImageTooLarge
    with pytest.raises(expected):
        page_count(photo, content_type)
    assert peak() - before < 30 * MEGABYTE


@pytest.mark.parametrize("size", [(20_001, 1), (1, 20_001)])
def test_a_side_too_long_is_refused(photo: Path, size: tuple[int, int]) -> None:
    photo.write_bytes(png(size))
    with pytest.raises(ImageTooLarge, match=LIMITS):
        page_count(photo, MediaType.PNG)


def test_900_megapixels_in_100_kilobytes_are_refused_for_nothing(photo: Path) -> None:
    rows = (bytes(3750) for _ in range(30_000))
    photo.write_bytes(png((30_000, 30_000), depth=1, colour_type=0, rows=rows))
    assert photo.stat().st_size < 120_000
    before = peak()
    with pytest.raises(ImageTooLarge):
        page_count(photo, MediaType.PNG)
    assert peak() == before


def test_fifty_pages_are_read_and_one_more_is_too_large(photo: Path) -> None:
    photo.write_bytes(tiff([{}] * 50))
    assert page_count(photo, MediaType.TIFF) == 50
    photo.write_bytes(tiff([{}] * 51))
    with pytest.raises(ImageTooLarge, match="more than 50 pages"):
        page_count(photo, MediaType.TIFF)


def test_every_page_is_held_against_the_limits(photo: Path) -> None:
    photo.write_bytes(tiff([{}, {256: 20_001}]))
    with pytest.raises(ImageTooLarge, match=LIMITS):
        page_count(photo, MediaType.TIFF)


def test_pages_are_held_against_the_limits_together(photo: Path) -> None:
    large = {256: 10_000, 257: 10_000}
    photo.write_bytes(tiff([large] * 5))
    assert page_count(photo, MediaType.TIFF) == 5
    photo.write_bytes(tiff([large] * 6))
    with pytest.raises(ImageTooLarge, match=r"600 megapixels in all\. At most 500"):
        page_count(photo, MediaType.TIFF)


def test_pages_that_lead_in_a_circle_are_counted_once(photo: Path) -> None:
    photo.write_bytes(tiff([{}] * 3, endless=True))
    assert page_count(photo, MediaType.TIFF) == 3


@pytest.mark.parametrize("content_type", [MediaType.GIF, MediaType.WEBP, MediaType.PNG])
def test_frames_of_an_animation_cost_nothing(
    photo: Path, content_type: MediaType
) -> None:
    others = [Image.new("RGB", (4, 4), (level, 0, 0)) for level in range(200)] * 10
    flag = a_flag((4, 4))
    options: dict[str, Any] = {"save_all": True, "append_images": others}
    photo.write_bytes(encoded(flag, content_type, **options))
    assert page_count(photo, content_type) == 1
    assert decode(photo, content_type, 1).pixels.size == (4, 4)


def bomb(megabytes: int) -> bytes:
    packer = zlib.compressobj(9)
    packed = [packer.compress(bytes(MEGABYTE)) for _ in range(megabytes)]
    return b"".join([*packed, packer.flush()])


@pytest.mark.parametrize(
    ("name", "start"),
    [
        (b"zTXt", b"name\0\0"),
        (b"iTXt", b"name\0\1\0\0\0"),
        (b"iCCP", b"name\0\0"),
    ],
)
def test_metadata_that_swells_is_not_unpacked(
    photo: Path, name: bytes, start: bytes
) -> None:
    chunk = png_chunk(name, start + bomb(200))
    photo.write_bytes(png((1, 1), chunks=chunk, rows=[bytes(3)]))
    before = peak()
    with pytest.raises(CorruptImage):
        page_count(photo, MediaType.PNG)
    assert peak() - before < 60 * MEGABYTE


def test_many_swelling_texts_are_not_unpacked(photo: Path) -> None:
    chunk = png_chunk(b"zTXt", b"name\0\0" + bomb(7))
    photo.write_bytes(png((1, 1), chunks=chunk * 20, rows=[bytes(3)]))
    with pytest.raises(CorruptImage):
        page_count(photo, MediaType.PNG)


def test_a_colour_profile_may_be_large(photo: Path) -> None:
    chunk = png_chunk(b"iCCP", b"name\0\0" + bomb(4))
    photo.write_bytes(png((1, 1), chunks=chunk, rows=[bytes(3)]))
    assert page_count(photo, MediaType.PNG) == 1


@pytest.mark.parametrize("content_type", [MediaType.HEIC, MediaType.AVIF])
def test_a_container_that_tells_a_smaller_picture_than_it_holds_is_harmless(
    photo: Path, content_type: MediaType
) -> None:
    data = encoded(Image.new("RGB", (2000, 2000), "red"), content_type)
    photo.write_bytes(patched(data, data.index(b"ispe") + 8, ">II", 100, 100))
    assert page_count(photo, content_type) == 1
    try:
        picture = decode(photo, content_type, 1)
    except CorruptImage:
        return
    assert (picture.width, picture.height) == picture.pixels.size == (100, 100)


def test_an_embedded_small_copy_is_never_taken_for_the_picture(photo: Path) -> None:
    flag = a_flag((640, 480))
    photo.write_bytes(encoded(flag, MediaType.HEIC, thumbnails=[320]))
    picture = decode(photo, MediaType.HEIC, 1)
    assert picture.pixels.size == (640, 480)
    assert corners(picture.pixels) == FLAG


OPEN_POSTSCRIPT = """
import io
from photo.adapters.imaging import formats
from PIL import Image, UnidentifiedImageError
try:
    Image.open(io.BytesIO(b"%!PS-Adobe-3.0 EPSF-3.0"))
except UnidentifiedImageError:
    print(*sorted(Image.OPEN))
"""


def test_only_the_decoders_of_accepted_types_are_there() -> None:
    command = [sys.executable, "-c", OPEN_POSTSCRIPT]
    there = subprocess.check_output(command, text=True).split()
    accepted = {"AVIF", "BMP", "DIB", "GIF", "HEIF", "JPEG", "PNG", "TIFF", "WEBP"}
    assert set(there) == accepted


def peak() -> int:
    """The most memory that this process ever had resident."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
