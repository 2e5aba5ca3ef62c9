"""What every `ImageNormalizer` promises."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photo.adapters.imaging import ImagingPool, PillowNormalizer
from photo.adapters.imaging.box import Limits
from photo.adapters.memory import MemoryNormalizer
from photo.application.ports import ImageNormalizer
from photo.domain.errors import (
    ContentMismatch,
    CorruptImage,
    ImageTooLarge,
    TimedOut,
    Unavailable,
)
from photo.domain.files import THUMBNAIL
from photo.domain.media import MediaType
from tests.pictures import FLAG, a_flag, a_text, corners, encoded, oriented, png, tiff


@asynccontextmanager
async def pillow() -> AsyncIterator[ImageNormalizer]:
    async with ImagingPool(workers=1) as pool:
        yield PillowNormalizer(pool)


@asynccontextmanager
async def memory() -> AsyncIterator[ImageNormalizer]:
    yield MemoryNormalizer()


@pytest.fixture(scope="session", params=[pillow, memory])
async def anyone(request: pytest.FixtureRequest) -> AsyncIterator[ImageNormalizer]:
    """Whoever normalises, or only copies."""
    async with request.param() as normalizer:
        yield normalizer


@pytest.fixture(scope="session", params=[pillow])
async def normalizer(request: pytest.FixtureRequest) -> AsyncIterator[ImageNormalizer]:
    async with request.param() as normalizer:
        yield normalizer


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return tmp_path / "photo"


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


async def test_a_folder_gets_the_page_and_a_thumbnail(
    anyone: ImageNormalizer, photo: Path, into: Path
) -> None:
    photo.write_bytes(encoded(a_flag(), MediaType.JPEG))
    (page,) = await anyone.normalize(photo, MediaType.JPEG, into=into)
    assert page.path == into / "normalized.jpg"
    assert {file.name for file in into.iterdir()} == {page.path.name, THUMBNAIL}


async def test_what_is_no_photo_at_all_is_corrupt(
    anyone: ImageNormalizer, photo: Path, into: Path
) -> None:
    photo.write_bytes(b"\0" * 200)
    with pytest.raises((CorruptImage, ContentMismatch)):
        await anyone.normalize(photo, MediaType.JPEG, into=into)


async def test_a_photo_becomes_one_jpeg_and_a_thumbnail(
    normalizer: ImageNormalizer, photo: Path, into: Path
) -> None:
    photo.write_bytes(encoded(a_flag()))
    (page,) = await normalizer.normalize(photo, MediaType.PNG, into=into)
    assert page == (into / "normalized.jpg", 120, 80)
    assert {file.name for file in into.iterdir()} == {"normalized.jpg", THUMBNAIL}
    with Image.open(page.path) as normalized, Image.open(into / THUMBNAIL) as thumbnail:
        assert (normalized.format, thumbnail.format) == ("JPEG", "WEBP")
        assert corners(normalized) == corners(thumbnail) == FLAG


async def test_every_page_of_a_tiff_becomes_a_jpeg(
    normalizer: ImageNormalizer, photo: Path, into: Path
) -> None:
    others = [a_flag((60, 60)), a_flag((40, 90))]
    photo.write_bytes(
        encoded(a_flag(), MediaType.TIFF, save_all=True, append_images=others)
    )
    pages = await normalizer.normalize(photo, MediaType.TIFF, into=into)
    assert pages == [
        (into / "normalized.jpg", 120, 80),
        (into / "normalized-2.jpg", 60, 60),
        (into / "normalized-3.jpg", 40, 90),
    ]


@pytest.mark.parametrize("orientation", range(1, 9))
async def test_the_orientation_of_the_exif_is_applied(
    normalizer: ImageNormalizer, photo: Path, into: Path, orientation: int
) -> None:
    photo.write_bytes(oriented(a_flag(), MediaType.JPEG, orientation))
    (page,) = await normalizer.normalize(photo, MediaType.JPEG, into=into)
    assert (page.width, page.height) == (120, 80)
    with Image.open(page.path) as normalized:
        assert normalized.size == (120, 80)
        assert corners(normalized) == FLAG


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
@pytest.mark.parametrize("orientation", [1, 3, 6])
async def test_text_comes_out_upright_whatever_the_exif_says(
    normalizer: ImageNormalizer, photo: Path, into: Path, turned: int, orientation: int
) -> None:
    text = a_text()
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo.write_bytes(encoded(text.rotate(turned, expand=True), exif=exif))
    (page,) = await normalizer.normalize(photo, MediaType.PNG, into=into)
    assert (page.width, page.height) == text.size
    with Image.open(page.path) as normalized:
        ink = 255 - np.asarray(normalized.convert("L")).astype(int)
    assert ink[:, :150].sum() > ink[:, -150:].sum()
    assert ink[:100].sum() > ink[-100:].sum()


async def test_a_huge_photo_is_made_smaller_and_its_size_kept(
    normalizer: ImageNormalizer, photo: Path, into: Path
) -> None:
    photo.write_bytes(encoded(a_flag((6000, 300))))
    (page,) = await normalizer.normalize(photo, MediaType.PNG, into=into)
    assert (page.width, page.height) == (6000, 300)
    with Image.open(page.path) as normalized:
        assert normalized.size == (4200, 210)


async def test_a_folder_that_takes_no_file_is_no_fault_of_the_photo(
    normalizer: ImageNormalizer, photo: Path, tmp_path: Path
) -> None:
    photo.write_bytes(encoded(a_flag()))
    with pytest.raises(Unavailable):
        await normalizer.normalize(photo, MediaType.PNG, into=tmp_path / "nowhere")


async def test_a_photo_that_is_not_there_is_not_corrupt(
    normalizer: ImageNormalizer, photo: Path, into: Path
) -> None:
    with pytest.raises(Unavailable):
        await normalizer.normalize(photo, MediaType.PNG, into=into)


async def test_a_damaged_photo_is_corrupt(
    normalizer: ImageNormalizer, photo: Path, into: Path
) -> None:
    whole = encoded(a_text(), MediaType.JPEG)
    photo.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CorruptImage, match="Send the original file again"):
        await normalizer.normalize(photo, MediaType.JPEG, into=into)


async def test_another_type_than_promised_is_a_mismatch(
    normalizer: ImageNormalizer, photo: Path, into: Path
) -> None:
    photo.write_bytes(encoded(a_flag(), MediaType.PNG))
    with pytest.raises(ContentMismatch, match="image/jpeg"):
        await normalizer.normalize(photo, MediaType.JPEG, into=into)


async def test_a_photo_over_the_limits_is_too_large(
    normalizer: ImageNormalizer, photo: Path, into: Path
) -> None:
    photo.write_bytes(encoded(Image.new("1", (20_001, 1))))
    with pytest.raises(ImageTooLarge, match="20,000 pixels a side"):
        await normalizer.normalize(photo, MediaType.PNG, into=into)


async def test_pages_that_are_too_large_together_are_refused_before_the_first(
    normalizer: ImageNormalizer, photo: Path, into: Path
) -> None:
    photo.write_bytes(tiff([{256: 10_000, 257: 10_000}] * 6))
    with pytest.raises(ImageTooLarge, match="in all"):
        await normalizer.normalize(photo, MediaType.TIFF, into=into)
    assert not list(into.iterdir())


async def test_a_photo_that_needs_more_memory_than_there_is_fails_alone(
    photo: Path, into: Path
) -> None:
    rows = (bytes(5000 * 4) for _ in range(5000))
    large = png((5000, 5000), colour_type=6, rows=rows)
    limits = Limits(memory_bytes=700 << 20)
    async with ImagingPool(workers=1, limits=limits) as pool:
        normalizer = PillowNormalizer(pool)
        photo.write_bytes(large)
        with pytest.raises(CorruptImage, match="too much memory") as raised:
            await normalizer.normalize(photo, MediaType.PNG, into=into)
        assert raised.value.reason == raised.value.crash == "memory"
        assert not raised.value.retryable
        photo.write_bytes(encoded(a_flag()))
        assert await normalizer.normalize(photo, MediaType.PNG, into=into)


async def test_headers_that_take_for_ever_are_corrupt(
    normalizer: ImageNormalizer, photo: Path, into: Path
) -> None:
    data = encoded(a_flag(), MediaType.JPEG)
    photo.write_bytes(data[:2] + b"\xff\xfe\0\2" * 6_000_000 + data[2:])
    with pytest.raises(CorruptImage) as raised:
        await normalizer.normalize(photo, MediaType.JPEG, into=into)
    assert raised.value.reason == "SIGPROF"


async def test_a_photo_that_takes_too_long_times_out(photo: Path, into: Path) -> None:
    photo.write_bytes(encoded(a_flag()))
    async with ImagingPool(workers=1, timeout=timedelta()) as pool:
        with pytest.raises(TimedOut):
            await PillowNormalizer(pool).normalize(photo, MediaType.PNG, into=into)
