"""Decoding: every format, upright."""

import struct
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, TiffImagePlugin

from photo.adapters.imaging.decode import Picture, decode
from photo.adapters.imaging.headers import page_count
from photo.domain.errors import ContentMismatch, CorruptImage
from photo.domain.media import MediaType
from tests.pictures import (
    BLUE,
    FLAG,
    GREEN,
    UNDO,
    a_flag,
    a_text,
    corners,
    encoded,
    oriented,
)


def decoded(
    folder: Path, data: bytes, content_type: MediaType = MediaType.PNG
) -> list[Picture]:
    photo = folder / "photo"
    photo.write_bytes(data)
    pages = range(1, page_count(photo, content_type) + 1)
    return [decode(photo, content_type, number) for number in pages]


@pytest.mark.parametrize("content_type", MediaType)
def test_every_accepted_type_is_decoded(
    tmp_path: Path, content_type: MediaType
) -> None:
    (picture,) = decoded(tmp_path, encoded(a_flag(), content_type), content_type)
    assert (picture.width, picture.height) == (120, 80)
    assert corners(picture.pixels) == FLAG


@pytest.mark.parametrize("content_type", MediaType)
def test_half_a_file_is_corrupt(tmp_path: Path, content_type: MediaType) -> None:
    whole = encoded(a_text(), content_type)
    with pytest.raises(CorruptImage):
        decoded(tmp_path, whole[: len(whole) // 2], content_type)


@pytest.mark.parametrize("content_type", MediaType)
def test_bytes_that_only_begin_like_the_type_are_corrupt(
    tmp_path: Path, content_type: MediaType
) -> None:
    head = encoded(a_text(), content_type)[:40]
    with pytest.raises(CorruptImage):
        decoded(tmp_path, head + bytes(1000), content_type)


@pytest.mark.parametrize("content_type", set(MediaType) - {MediaType.PNG})
def test_another_type_is_a_mismatch(tmp_path: Path, content_type: MediaType) -> None:
    with pytest.raises(ContentMismatch, match=content_type):
        decoded(tmp_path, encoded(a_flag()), content_type)


@pytest.mark.parametrize(
    "content_type",
    [
        MediaType.JPEG,
        MediaType.PNG,
        MediaType.WEBP,
        MediaType.TIFF,
        MediaType.HEIC,
        MediaType.AVIF,
    ],
)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_applied_once_in_every_format(
    tmp_path: Path, content_type: MediaType, orientation: int
) -> None:
    data = oriented(a_flag(), content_type, orientation)
    (picture,) = decoded(tmp_path, data, content_type)
    assert (picture.width, picture.height) == picture.pixels.size == (120, 80)
    assert corners(picture.pixels) == FLAG


def test_a_heic_says_twice_how_it_is_turned() -> None:
    data = oriented(a_flag(), MediaType.HEIC, 6)
    assert b"irot" in data
    assert struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0) in data


def test_each_page_of_a_tiff_has_an_orientation_of_its_own(tmp_path: Path) -> None:
    file = BytesIO()
    with TiffImagePlugin.AppendingTiffWriter(file) as pages:
        for orientation in (6, 3, 8):
            stored = a_flag().transpose(UNDO[orientation])
            stored.save(pages, "TIFF", tiffinfo={0x0112: orientation})
            pages.newFrame()
    pictures = decoded(tmp_path, file.getvalue(), MediaType.TIFF)
    assert [corners(picture.pixels) for picture in pictures] == [FLAG] * 3


def test_a_broken_exif_costs_no_photo_its_pixels(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 1, "text"
    broken = exif.tobytes().replace(b"\x0e\x01\x02\0", b"\x0e\x01\x0c\0")
    data = encoded(a_flag(), MediaType.JPEG, exif=broken)
    (picture,) = decoded(tmp_path, data, MediaType.JPEG)
    assert corners(picture.pixels) == FLAG


@pytest.mark.parametrize("content_type", [MediaType.GIF, MediaType.WEBP, MediaType.PNG])
def test_of_an_animation_the_first_frame_counts(
    tmp_path: Path, content_type: MediaType
) -> None:
    frames = [Image.new("RGB", (120, 80), colour) for colour in (BLUE, GREEN)]
    data = encoded(a_flag(), content_type, save_all=True, append_images=frames)
    (picture,) = decoded(tmp_path, data, content_type)
    assert corners(picture.pixels) == FLAG


def test_a_photo_at_the_limit_is_made_workable(tmp_path: Path) -> None:
    data = encoded(Image.new("L", (10_000, 10_000), 200), MediaType.JPEG)
    (picture,) = decoded(tmp_path, data, MediaType.JPEG)
    assert (picture.width, picture.height) == (10_000, 10_000)
    assert picture.pixels.size == (4200, 4200)


def test_a_thread_of_pixels_stays_a_picture(tmp_path: Path) -> None:
    (picture,) = decoded(tmp_path, encoded(Image.new("L", (20_000, 1))))
    assert picture.pixels.size == (4200, 1)


def test_each_page_of_a_tiff_is_decoded_for_itself(tmp_path: Path) -> None:
    first, second = (Image.new("RGB", (40, 30), colour) for colour in ("red", "blue"))
    photo = tmp_path / "pages.tiff"
    first.save(photo, save_all=True, append_images=[second])
    pages = decoded(tmp_path, photo.read_bytes(), MediaType.TIFF)
    assert [page.pixels.getpixel((5, 5)) for page in pages] == [
        (255, 0, 0),
        (0, 0, 255),
    ]


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "tiff_lzw"},
        {"compression": "tiff_adobe_deflate"},
        {"compression": "packbits"},
        {"compression": "jpeg", "quality": 95},
        {"big_tiff": True},
    ],
)
def test_tiffs_of_every_compression_are_decoded(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    data = encoded(a_flag(), MediaType.TIFF, **options)
    (picture,) = decoded(tmp_path, data, MediaType.TIFF)
    assert corners(picture.pixels) == FLAG


def test_a_fax_is_decoded(tmp_path: Path) -> None:
    fax = Image.new("1", (64, 32), 1)
    fax.paste(0, (0, 0, 32, 32))
    data = encoded(fax, MediaType.TIFF, compression="group4")
    (picture,) = decoded(tmp_path, data, MediaType.TIFF)
    assert [picture.pixels.getpixel((x, 4)) for x in (4, 60)] == [0, 255]


def test_small_copies_in_a_tiff_are_no_pages(tmp_path: Path) -> None:
    file = BytesIO()
    with TiffImagePlugin.AppendingTiffWriter(file) as pages:
        for colour, reduced in (("red", 0), ("green", 1), ("blue", 0), ("white", 1)):
            page = Image.new("RGB", (40, 30), colour)
            page.save(pages, "TIFF", tiffinfo={254: reduced})
            pages.newFrame()
    pictures = decoded(tmp_path, file.getvalue(), MediaType.TIFF)
    assert [picture.pixels.getpixel((5, 5)) for picture in pictures] == [
        (255, 0, 0),
        (0, 0, 255),
    ]


@pytest.mark.parametrize(
    ("depth", "masks", "pixel"),
    [
        (24, (), bytes((40, 40, 220))),
        (32, (), bytes((40, 40, 220, 0))),
        (16, (0xF800, 0x7E0, 0x1F), (0xD945).to_bytes(2, "little")),
        (32, (0xFF0000, 0xFF00, 0xFF), bytes((40, 40, 220, 0))),
    ],
)
@pytest.mark.parametrize("upside", [1, -1])
def test_bmps_of_every_layout_are_decoded(
    tmp_path: Path, depth: int, masks: tuple[int, ...], pixel: bytes, upside: int
) -> None:
    """Red above, white below, stored from the bottom or, height below 0, the top."""
    rows = [b"\xff" * len(pixel) * 8] * 8 + [pixel * 8] * 8
    body = b"".join(rows[::upside])
    layout = struct.pack(f"<{len(masks)}I", *masks)
    info = struct.pack("<IiiHHI20x", 40, 8, 16 * upside, 1, depth, 3 if masks else 0)
    start = 14 + len(info) + len(layout)
    file = b"BM" + struct.pack("<I4xI", start + len(body), start)
    (picture,) = decoded(tmp_path, file + info + layout + body, MediaType.BMP)
    above, below = (picture.pixels.getpixel((3, y)) for y in (2, 12))
    assert below == (255, 255, 255)
    assert isinstance(above, tuple)
    assert max(abs(a - b) for a, b in zip(above, (220, 40, 40), strict=True)) < 6


def test_a_run_length_coded_bmp_is_decoded(tmp_path: Path) -> None:
    palette = bytes((40, 40, 220, 0)) + bytes(4) * 255
    body = b"\x08\x00\x00\x00" * 7 + b"\x08\x00\x00\x01"
    info = struct.pack("<IiiHHI20x", 40, 8, 8, 1, 8, 1)
    start = 14 + len(info) + len(palette)
    file = b"BM" + struct.pack("<I4xI", start + len(body), start)
    (picture,) = decoded(tmp_path, file + info + palette + body, MediaType.BMP)
    assert picture.pixels.getpixel((7, 7)) == (220, 40, 40)


def test_a_gif_whose_picture_lies_somewhere_on_its_screen_is_decoded(
    tmp_path: Path,
) -> None:
    whole = encoded(Image.new("RGB", (20, 10), "red"), MediaType.GIF)
    screen = struct.pack("<HH", 60, 40)
    at = whole.index(b"\x2c" + bytes(4)) + 1
    data = whole[:6] + screen + whole[10:at] + struct.pack("<HH", 30, 20)
    data += whole[at + 4 :]
    (picture,) = decoded(tmp_path, data, MediaType.GIF)
    assert picture.pixels.size == (60, 40)
    assert picture.pixels.convert("RGB").getpixel((35, 25)) == (255, 0, 0)


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 95}])
def test_a_webp_with_alpha_lies_on_white(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    flag = a_flag().convert("RGBA")
    flag.paste((0, 0, 0, 0), (50, 30, 70, 50))
    data = encoded(flag, MediaType.WEBP, **options)
    (picture,) = decoded(tmp_path, data, MediaType.WEBP)
    assert corners(picture.pixels) == FLAG
    middle = picture.pixels.getpixel((60, 40))
    assert isinstance(middle, tuple)
    assert min(middle) > 250
