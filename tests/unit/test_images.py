"""Decoding: limits, formats, colours."""

import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms

from photo.adapters.imaging.decode import Picture, decode, page_count
from photo.domain.errors import ContentMismatch, CorruptImage, ImageTooLarge
from photo.domain.media import MediaType
from tests.pictures import BLUE, GREEN, RED, YELLOW, a_flag, a_text, corners, encoded

FLAG = [RED, GREEN, BLUE, YELLOW]


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
    [MediaType.JPEG, MediaType.PNG, MediaType.WEBP, MediaType.TIFF, MediaType.AVIF],
)
@pytest.mark.parametrize("orientation", [6, 3])
def test_the_orientation_is_applied_once_in_every_format(
    tmp_path: Path, content_type: MediaType, orientation: int
) -> None:
    undo = {6: Image.Transpose.ROTATE_90, 3: Image.Transpose.ROTATE_180}[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(a_flag().transpose(undo), content_type, exif=exif)
    (picture,) = decoded(tmp_path, data, content_type)
    assert (picture.width, picture.height) == picture.pixels.size == (120, 80)
    assert corners(picture.pixels) == FLAG


def test_a_broken_exif_costs_no_photo_its_pixels(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 1, "text"
    broken = exif.tobytes().replace(b"\x0e\x01\x02\0", b"\x0e\x01\x0c\0")
    data = encoded(a_flag(), MediaType.JPEG, exif=broken)
    (picture,) = decoded(tmp_path, data, MediaType.JPEG)
    assert corners(picture.pixels) == FLAG


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "CMYK", "YCbCr", "LAB", "RGBX"])
def test_colours_of_every_mode_are_kept(tmp_path: Path, mode: str) -> None:
    flag = a_flag()
    if mode == "LAB":
        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        converted = ImageCms.profileToProfile(flag, srgb, lab, outputMode="LAB")
        assert converted
    else:
        converted = flag.convert(mode)
    (picture,) = decoded(tmp_path, encoded(converted, MediaType.TIFF), MediaType.TIFF)
    assert picture.pixels.mode == "RGB"
    assert corners(picture.pixels) == FLAG


@pytest.mark.parametrize("mode", ["1", "L", "I;16", "I", "F"])
def test_grey_of_every_depth_becomes_eight_bits(tmp_path: Path, mode: str) -> None:
    white = {"1": 1, "L": 255, "F": 0.5, "I": 4000}.get(mode, 4095)
    image = Image.new(mode, (20, 10))
    image.paste(white, (10, 0, 20, 10))
    (picture,) = decoded(tmp_path, encoded(image, MediaType.TIFF), MediaType.TIFF)
    assert picture.pixels.mode == "L"
    assert (picture.pixels.getpixel((4, 4)), picture.pixels.getpixel((14, 4))) == (
        0,
        255,
    )


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_what_is_transparent_becomes_white(tmp_path: Path, mode: str) -> None:
    image = Image.new("RGBA", (20, 10), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (10, 0, 20, 10))
    (picture,) = decoded(
        tmp_path, encoded(image.convert(mode), MediaType.TIFF), MediaType.TIFF
    )
    assert picture.pixels.convert("RGB").getpixel((4, 4)) == (255, 255, 255)
    assert picture.pixels.convert("RGB").getpixel((14, 4)) == (0, 0, 0)


def test_a_transparent_colour_becomes_white(tmp_path: Path) -> None:
    image = Image.new("P", (20, 10), 3)
    data = encoded(image, MediaType.GIF, transparency=3)
    (picture,) = decoded(tmp_path, data, MediaType.GIF)
    assert picture.pixels.getpixel((4, 4)) == (255, 255, 255)


def test_a_colour_profile_is_applied(tmp_path: Path) -> None:
    data = encoded(a_flag(), icc_profile=_profile_that_swaps_red_and_green())
    (picture,) = decoded(tmp_path, data)
    assert corners(picture.pixels)[:2] == [GREEN, RED]


@pytest.mark.parametrize("profile", [b"no profile at all", None])
def test_a_profile_that_does_not_fit_is_ignored(
    tmp_path: Path, profile: bytes | None
) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    (picture,) = decoded(tmp_path, encoded(a_flag(), icc_profile=profile or lab))
    assert corners(picture.pixels) == FLAG


@pytest.mark.parametrize("content_type", [MediaType.GIF, MediaType.WEBP, MediaType.PNG])
def test_of_an_animation_the_first_frame_counts(
    tmp_path: Path, content_type: MediaType
) -> None:
    frames = [Image.new("RGB", (120, 80), colour) for colour in (BLUE, GREEN)]
    data = encoded(a_flag(), content_type, save_all=True, append_images=frames)
    (picture,) = decoded(tmp_path, data, content_type)
    assert corners(picture.pixels) == FLAG


def test_fifty_pages_are_read_and_one_more_is_too_large(tmp_path: Path) -> None:
    dots = [Image.new("1", (1, 1)) for _ in range(51)]

    def tiff(pages: int) -> bytes:
        more: Any = dots[1:pages]
        return encoded(dots[0], MediaType.TIFF, save_all=True, append_images=more)

    assert len(decoded(tmp_path, tiff(50), MediaType.TIFF)) == 50
    with pytest.raises(ImageTooLarge, match=r"has 51 pages\. At most 50 are read"):
        decoded(tmp_path, tiff(51), MediaType.TIFF)


@pytest.mark.parametrize("size", [(10_001, 10_000), (20_001, 1), (1, 20_001)])
def test_the_header_alone_is_enough_to_refuse(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    header = b"IHDR" + struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header
    png += struct.pack(">I", zlib.crc32(header))
    with pytest.raises(ImageTooLarge, match="100 megapixels and 20,000 pixels a side"):
        decoded(tmp_path, png + b"\0\0\0\0IDAT\x35\xaf\x06\x1e")


def test_a_photo_at_the_limit_is_made_workable(tmp_path: Path) -> None:
    data = encoded(Image.new("L", (10_000, 10_000), 200), MediaType.JPEG)
    (picture,) = decoded(tmp_path, data, MediaType.JPEG)
    assert (picture.width, picture.height) == (10_000, 10_000)
    assert picture.pixels.size == (4200, 4200)


def test_a_thread_of_pixels_stays_a_picture(tmp_path: Path) -> None:
    (picture,) = decoded(tmp_path, encoded(Image.new("L", (20_000, 1))))
    assert picture.pixels.size == (4200, 1)


def _profile_that_swaps_red_and_green() -> bytes:
    """An ICC version 2 matrix profile: sRGB's primaries in another order."""

    def xyz(*values: float) -> bytes:
        return (
            b"XYZ "
            + bytes(4)
            + b"".join(struct.pack(">i", round(value * 65536)) for value in values)
        )

    tags = {
        b"rXYZ": xyz(0.3851, 0.7169, 0.0971),
        b"gXYZ": xyz(0.4361, 0.2225, 0.0139),
        b"bXYZ": xyz(0.1431, 0.0606, 0.7141),
        b"wtpt": xyz(0.9642, 1.0, 0.8249),
        **{
            name: b"curv" + bytes(4) + struct.pack(">IHxx", 1, round(2.2 * 256))
            for name in (b"rTRC", b"gTRC", b"bTRC")
        },
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


def test_each_page_of_a_tiff_is_decoded_for_itself(tmp_path: Path) -> None:
    first, second = (Image.new("RGB", (40, 30), colour) for colour in ("red", "blue"))
    photo = tmp_path / "pages.tiff"
    first.save(photo, save_all=True, append_images=[second])
    pages = decoded(tmp_path, photo.read_bytes(), MediaType.TIFF)
    assert [page.pixels.getpixel((5, 5)) for page in pages] == [
        (255, 0, 0),
        (0, 0, 255),
    ]
