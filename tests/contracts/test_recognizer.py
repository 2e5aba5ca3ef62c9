"""What every `TextRecognizer` promises."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PIL import Image

from photo.adapters.imaging import ImagingPool, RapidOcrRecognizer
from photo.adapters.imaging.box import Limits
from photo.adapters.memory import MemoryRecognizer
from photo.application.ports import TextRecognizer
from photo.domain.errors import RecognitionFailed, Unavailable
from photo.domain.media import MediaType
from tests.pictures import LINES, a_text, encoded


@asynccontextmanager
async def rapidocr() -> AsyncIterator[TextRecognizer]:
    async with ImagingPool(workers=1) as pool:
        yield RapidOcrRecognizer(pool)


@asynccontextmanager
async def memory() -> AsyncIterator[TextRecognizer]:
    yield MemoryRecognizer()


@pytest.fixture(scope="session", params=[rapidocr, memory])
async def anyone(request: pytest.FixtureRequest) -> AsyncIterator[TextRecognizer]:
    """Whoever recognises, or only says so."""
    async with request.param() as recognizer:
        yield recognizer


@pytest.fixture(scope="session", params=[rapidocr])
async def recognizer(request: pytest.FixtureRequest) -> AsyncIterator[TextRecognizer]:
    async with request.param() as recognizer:
        yield recognizer


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "normalized.jpg"
    path.write_bytes(encoded(a_text(), MediaType.JPEG, quality=92))
    return path


async def test_the_engine_says_who_reads(anyone: TextRecognizer) -> None:
    engine = anyone.engine
    assert engine.name
    assert engine.version
    assert engine.model


async def test_lines_come_in_reading_order(
    recognizer: TextRecognizer, page: Path
) -> None:
    read = await recognizer.recognize(page)
    assert (read.width, read.height) == (800, 500)
    assert read.text == "\n".join(LINES)


async def test_words_make_up_their_line(anyone: TextRecognizer, page: Path) -> None:
    for line in (await anyone.recognize(page)).lines:
        assert " ".join(word.text for word in line.words) == line.text


async def test_confidences_are_shares(anyone: TextRecognizer, page: Path) -> None:
    for line in (await anyone.recognize(page)).lines:
        confidences = [line.confidence, *(word.confidence for word in line.words)]
        assert all(0 <= confidence <= 1 for confidence in confidences)


async def test_polygons_go_clockwise_around_the_ink(
    recognizer: TextRecognizer, page: Path
) -> None:
    read = await recognizer.recognize(page)
    for row, line in enumerate(read.lines):
        baseline = 40 + row * 96 + 40
        for polygon in (line.polygon, *(word.polygon for word in line.words)):
            (ax, ay), (bx, by), (cx, cy), (dx, dy) = polygon
            assert 0 <= ax < bx <= read.width
            assert 0 <= dx < cx <= read.width
            assert max(ay, by) < baseline - 20 < baseline < min(cy, dy) + 8
    for line in read.lines:
        starts = [word.polygon[0][0] for word in line.words]
        assert starts == sorted(starts)


async def test_a_page_without_text_is_empty(
    recognizer: TextRecognizer, tmp_path: Path
) -> None:
    page = tmp_path / "normalized.jpg"
    page.write_bytes(encoded(Image.new("L", (300, 200), 128), MediaType.JPEG))
    read = await recognizer.recognize(page)
    assert (read.width, read.height, read.lines) == (300, 200, ())


@pytest.mark.parametrize("size", [(1, 1), (4200, 1), (1, 4200), (3000, 2)])
async def test_a_page_of_an_odd_shape_is_read(
    recognizer: TextRecognizer, tmp_path: Path, size: tuple[int, int]
) -> None:
    page = tmp_path / "normalized.jpg"
    page.write_bytes(encoded(Image.new("L", size, 255), MediaType.JPEG))
    assert (await recognizer.recognize(page)).lines == ()


async def test_a_page_that_cannot_be_read_fails(
    recognizer: TextRecognizer, tmp_path: Path
) -> None:
    page = tmp_path / "normalized.jpg"
    page.write_bytes(b"no image")
    with pytest.raises(RecognitionFailed):
        await recognizer.recognize(page)


async def test_a_page_that_is_not_there_may_be_back_later(
    recognizer: TextRecognizer, tmp_path: Path
) -> None:
    with pytest.raises(Unavailable):
        await recognizer.recognize(tmp_path / "nowhere.jpg")


async def test_a_page_that_needs_more_memory_than_there_is_fails_alone(
    page: Path, tmp_path: Path
) -> None:
    large = tmp_path / "large.jpg"
    lines = ["all of it is text " * 12] * 60
    large.write_bytes(encoded(a_text(lines, size=(4200, 4200)), MediaType.JPEG))
    limits = Limits(memory_bytes=700 << 20)
    async with ImagingPool(workers=1, limits=limits) as pool:
        recognizer = RapidOcrRecognizer(pool)
        with pytest.raises(RecognitionFailed) as raised:
            await recognizer.recognize(large)
        assert not raised.value.retryable
        assert (await recognizer.recognize(page)).text == "\n".join(LINES)
