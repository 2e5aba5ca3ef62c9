"""Colours: whatever the file's kind of pixels, grey or sRGB comes out."""

import struct
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from photo.adapters.imaging.decode import decode
from photo.domain.media import MediaType
from tests.pictures import (
    DISPLAY_P3,
    FLAG,
    GREEN,
    RED,
    a_flag,
    a_profile,
    corners,
    encoded,
    png,
    png_chunk,
)

#: sRGB, but for the order.
SWAPPED = (
    (0.3851, 0.7169, 0.0971),
    (0.4361, 0.2225, 0.0139),
    (0.1431, 0.0606, 0.7141),
)


def pixels(
    folder: Path, data: bytes, content_type: MediaType = MediaType.PNG
) -> Image.Image:
    photo = folder / "photo"
    photo.write_bytes(data)
    return decode(photo, content_type, 1).pixels


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "CMYK", "YCbCr", "LAB", "RGBX"])
def test_colours_of_every_mode_are_kept(tmp_path: Path, mode: str) -> None:
    flag = a_flag()
    if mode == "LAB":
        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        converted = ImageCms.profileToProfile(flag, srgb, lab, outputMode="LAB")
        assert converted
    else:
        converted = flag.convert(mode)
    picture = pixels(tmp_path, encoded(converted, MediaType.TIFF), MediaType.TIFF)
    assert picture.mode == "RGB"
    assert corners(picture) == FLAG


@pytest.mark.parametrize("mode", ["1", "L", "I;16", "I", "F"])
def test_grey_of_every_depth_becomes_eight_bits(tmp_path: Path, mode: str) -> None:
    white = {"1": 1, "L": 255, "F": 0.5, "I": 4000}.get(mode, 4095)
    image = Image.new(mode, (20, 10))
    image.paste(white, (10, 0, 20, 10))
    picture = pixels(tmp_path, encoded(image, MediaType.TIFF), MediaType.TIFF)
    assert picture.mode == "L"
    assert (picture.getpixel((4, 4)), picture.getpixel((14, 4))) == (0, 255)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_what_is_transparent_becomes_white(tmp_path: Path, mode: str) -> None:
    image = Image.new("RGBA", (20, 10), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (10, 0, 20, 10))
    picture = pixels(
        tmp_path, encoded(image.convert(mode), MediaType.TIFF), MediaType.TIFF
    )
    assert picture.convert("RGB").getpixel((4, 4)) == (255, 255, 255)
    assert picture.convert("RGB").getpixel((14, 4)) == (0, 0, 0)


def test_a_transparent_colour_becomes_white(tmp_path: Path) -> None:
    image = Image.new("P", (20, 10), 3)
    data = encoded(image, MediaType.GIF, transparency=3)
    picture = pixels(tmp_path, data, MediaType.GIF)
    assert picture.getpixel((4, 4)) == (255, 255, 255)


def test_a_colour_profile_is_applied(tmp_path: Path) -> None:
    data = encoded(a_flag(), icc_profile=a_profile(*SWAPPED))
    picture = pixels(tmp_path, data)
    assert corners(picture)[:2] == [GREEN, RED]


@pytest.mark.parametrize("profile", [b"no profile at all", None])
def test_a_profile_that_does_not_fit_is_ignored(
    tmp_path: Path, profile: bytes | None
) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    picture = pixels(tmp_path, encoded(a_flag(), icc_profile=profile or lab))
    assert corners(picture) == FLAG


def test_colours_of_a_wide_gamut_become_those_of_srgb(tmp_path: Path) -> None:
    pure_red = Image.new("RGB", (20, 10), (234, 51, 35))
    data = encoded(pure_red, icc_profile=a_profile(*DISPLAY_P3))
    picture = pixels(tmp_path, data)
    assert all(
        abs(found - level) < 8
        for found, level in zip(rgb(picture, 4), (255, 0, 0), strict=True)
    )


def test_cmyk_of_photoshop_is_not_taken_for_its_negative(tmp_path: Path) -> None:
    data = encoded(a_flag().convert("CMYK"), MediaType.JPEG, quality=95)
    assert b"Adobe" in data
    assert corners(pixels(tmp_path, data, MediaType.JPEG)) == FLAG


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("progressive", [True, False])
def test_colours_of_every_kind_of_jpeg_are_kept(
    tmp_path: Path, subsampling: str, progressive: bool
) -> None:
    data = encoded(
        a_flag(), MediaType.JPEG, subsampling=subsampling, progressive=progressive
    )
    assert corners(pixels(tmp_path, data, MediaType.JPEG)) == FLAG


@pytest.mark.parametrize(
    ("depth", "colour_type", "row"),
    [
        (1, 0, b"\x40"),
        (2, 0, b"\x30"),
        (4, 0, b"\x0f"),
        (8, 0, b"\x00\xff"),
        (16, 0, b"\x00\x00\xff\xff"),
        (8, 2, bytes(3) + b"\xff" * 3),
        (16, 2, bytes(6) + b"\xff" * 6),
        (8, 4, b"\x00\xff\xff\xff"),
        (16, 4, b"\x00\x00\xff\xff" + b"\xff" * 4),
        (8, 6, bytes(3) + b"\xff" * 5),
        (16, 6, bytes(6) + b"\xff" * 10),
    ],
)
def test_black_and_white_of_every_kind_of_png_are_kept(
    tmp_path: Path, depth: int, colour_type: int, row: bytes
) -> None:
    data = png((2, 1), depth=depth, colour_type=colour_type, rows=[row])
    picture = pixels(tmp_path, data)
    assert (rgb(picture, 0), rgb(picture, 1)) == ((0, 0, 0), (255, 255, 255))


@pytest.mark.parametrize("depth", [8, 16])
def test_the_transparent_colour_of_a_png_becomes_white(
    tmp_path: Path, depth: int
) -> None:
    sample = b"\x80" * (depth // 8)
    key = png_chunk(b"tRNS", sample.rjust(2, b"\0") * 3)
    data = png((2, 1), depth=depth, rows=[sample * 3 + bytes(len(sample) * 3)])
    transparent = png(
        (2, 1), depth=depth, chunks=key, rows=[sample * 3 + bytes(len(sample) * 3)]
    )
    assert rgb(pixels(tmp_path, data), 0) == (128, 128, 128)
    assert rgb(pixels(tmp_path, transparent), 0) == (255, 255, 255)


@pytest.mark.parametrize(
    ("gamma", "level"), [(45455, 128), (100_000, 186), (0, 128), (2**31, 128)]
)
def test_a_png_is_as_bright_as_its_gamma_says(
    tmp_path: Path, gamma: int, level: int
) -> None:
    chunk = png_chunk(b"gAMA", struct.pack(">I", gamma))
    data = png((1, 1), chunks=chunk, rows=[b"\x80" * 3])
    assert rgb(pixels(tmp_path, data), 0) == (level,) * 3


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_no_light(tmp_path: Path, value: float) -> None:
    image = Image.new("F", (20, 10), 1.0)
    image.paste(value, (0, 0, 10, 10))
    picture = pixels(tmp_path, encoded(image, MediaType.TIFF), MediaType.TIFF)
    assert (picture.getpixel((4, 4)), picture.getpixel((14, 4))) == (0, 255)


def rgb(image: Image.Image, x: int) -> tuple[int, ...]:
    found = image.convert("RGB").getpixel((x, 0))
    assert isinstance(found, tuple)
    return tuple(map(int, found))
