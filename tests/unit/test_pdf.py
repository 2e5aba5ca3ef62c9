import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from math import cos, radians, sin
from typing import Any

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from photo.adapters.formats import FormatRenderer
from photo.application.ports import Result
from photo.domain.formats import Format
from photo.domain.text import Line, Page, Polygon
from tests.makers import ENGINE
from tests.rendering import (
    HOSTILE,
    JOB_ID,
    PATIENT,
    PRINTABLE,
    TEXTS,
    box,
    jpeg,
    line,
    page,
    pages_of,
    rendered,
)

#: A page of 1000 pixels is as long as A4.
POINTS_PER_PIXEL = 0.842


@contextmanager
def opened(document: bytes) -> Iterator[Any]:
    """Read by the engine of Chrome."""
    with pypdfium2.PdfDocument(document) as pdf:
        yield pdf


async def pdf(*pages: Page, image: bytes | None = None) -> bytes:
    return await rendered(Format.PDF, *pages, image=image)


def text_of(document: bytes) -> list[str]:
    with opened(document) as pdf:
        return [each.get_textpage().get_text_range() for each in pdf]


def turned(polygon: Polygon, degrees: float) -> Polygon:
    """Clockwise, around the first corner."""
    (left, top), *_ = polygon
    along, down = cos(radians(degrees)), sin(radians(degrees))
    a, b, c, d = (
        (
            left + (x - left) * along - (y - top) * down,
            top + (x - left) * down + (y - top) * along,
        )
        for x, y in polygon
    )
    return a, b, c, d


def place_of(textpage: Any, text: str) -> tuple[float, float, float, float]:
    """Where a text is found: left, top, right and bottom in pixels of the photo."""
    start, length = textpage.search(text).get_next()
    boxes = [textpage.get_charbox(start + index) for index in range(length)]
    left, bottom, right, top = (
        choose(each[side] for each in boxes) / POINTS_PER_PIXEL
        for side, choose in enumerate((min, min, max, max))
    )
    return left, 800 - top, right, 800 - bottom


async def test_every_page_is_as_large_as_a_sheet() -> None:
    with opened(await pdf(page(), Page(400, 4000))) as document:
        sizes = [each.get_size() for each in document]
    assert sizes == [pytest.approx((842, 673.6)), pytest.approx((84.2, 842))]


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
async def test_the_image_is_embedded_as_it_is_and_fills_the_page(mode: str) -> None:
    with opened(await pdf(page(), image=jpeg(mode))) as document:
        [image] = document[0].get_objects()
        assert image.type == pdfium.FPDF_PAGEOBJ_IMAGE
        assert image.get_px_size() == (500, 400)
        assert image.get_filters() == ["DCTDecode"]
        assert bytes(image.get_data(decode_simple=False)) == jpeg(mode)
        assert image.get_bounds() == pytest.approx((0, 0, 842, 673.6))


async def test_text_is_found_where_it_was_read() -> None:
    places = {
        "Hello": box(10, 20, 110, 50),
        "photo": box(120, 20, 220, 50),
        "small": box(700, 700, 730, 710),
        "tilted": turned(box(300, 300, 500, 340), 12),
        "upwards": turned(box(900, 700, 1100, 740), -90),
        "downwards": turned(box(100, 300, 300, 340), 90),
    }
    read = page(
        line("Hello photo", places["Hello"], places["photo"]),
        *(line(text, place) for text, place in [*places.items()][2:]),
    )
    with opened(await pdf(read)) as document:
        textpage = document[0].get_textpage()
        for text, place in places.items():
            across, down = zip(*place, strict=True)
            expected = min(across), min(down), max(across), max(down)
            assert place_of(textpage, text) == pytest.approx(expected, abs=1), text
        assert textpage.get_text_range().splitlines()[0] == "Hello photo"


async def test_a_line_that_is_a_little_tilted_is_written_word_by_word() -> None:
    words = ["some", "more", "words"]
    places = [
        turned(box(100, 100, 200, 130), 3),
        turned(box(220, 106.3, 320, 136.3), 3),
        turned(box(340, 112.6, 440, 142.6), 3),
    ]
    with opened(await pdf(page(line(" ".join(words), *places)))) as document:
        textpage = document[0].get_textpage()
        for word, place in zip(words, places, strict=True):
            left, top, right, bottom = place_of(textpage, word)
            assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx(
                np.mean(place, axis=0), abs=1
            )
            assert (right - left, bottom - top) == pytest.approx((100, 30), abs=1)
        assert textpage.get_text_range() == " ".join(words)


async def test_there_is_a_gap_between_words_however_near_they_are() -> None:
    read = page(line("near by", box(100, 100, 200, 130), box(200, 100, 250, 130)))
    with opened(await pdf(read)) as document:
        textpage = document[0].get_textpage()
        *_, end, _ = place_of(textpage, "near")
        start, *_ = place_of(textpage, "by")
        assert start == pytest.approx(200, abs=1)
        assert start - end > 5
        assert textpage.get_text_range() == "near by"


async def test_characters_stand_side_by_side_in_their_word() -> None:
    read = page(line("wide", box(100, 100, 500, 150)))
    with opened(await pdf(read)) as document:
        textpage = document[0].get_textpage()
        starts = [
            textpage.get_charbox(index)[0] / POINTS_PER_PIXEL for index in range(4)
        ]
    assert starts == pytest.approx([100, 200, 300, 400], abs=1)


async def test_nothing_of_the_text_is_seen() -> None:
    with opened(await pdf(page(line("Hello", box(10, 20, 900, 700))))) as document:
        picture: Image.Image = document[0].render().to_pil()
    assert np.asarray(picture).min() == 255


async def test_lines_come_in_reading_order() -> None:
    read = page(
        line("first", box(500, 500, 600, 530)), line("second", box(10, 20, 110, 50))
    )
    assert text_of(await pdf(read))[0].split() == ["first", "second"]


async def test_as_many_characters_as_there_are_fit_in() -> None:
    alphabet = "".join(chr(code) for code in range(0x4E00, 0x4E00 + 600))
    words = [alphabet[start : start + 50] for start in range(0, 600, 50)]
    lines = [
        line(word, box(0, 50 * index, 900, 50 * index + 40))
        for index, word in enumerate(words)
    ]
    assert text_of(await pdf(page(*lines)))[0].split() == words


async def test_pages_share_characters_and_keep_their_own_text() -> None:
    texts = ["Hello", "hollow", "안녕👍🏽é"]
    pages = [page(line(text, box(0, 0, 99, 20))) for text in texts]
    assert text_of(await pdf(*pages)) == texts


async def test_a_word_without_place_is_found_all_the_same() -> None:
    point: Polygon = ((5, 5), (5, 5), (5, 5), (5, 5))
    assert text_of(await pdf(page(line("Hello", point)))) == ["Hello"]


async def test_text_cannot_leave_its_string() -> None:
    read = page(Line(f") Tj ET Q {HOSTILE} \\", 1, box(0, 0, 999, 20)))
    assert text_of(await pdf(read)) == [f") Tj ET Q {HOSTILE} \\"]


async def test_a_page_is_made_when_the_one_before_is_taken() -> None:
    asked: list[int] = []

    async def images() -> AsyncIterator[bytes]:
        for number in range(3):
            asked.append(number)
            yield jpeg()

    result = Result(JOB_ID, ENGINE, 3, iter([page()] * 3))
    chunks = FormatRenderer().render(result, Format.PDF, images())
    await anext(chunks)
    assert asked == [0]
    await anext(chunks)
    assert asked == [0, 1]
    await chunks.aclose()


async def test_no_reader_needs_to_repair_the_table_of_objects() -> None:
    document = await pdf(page(line("Hello", box(0, 0, 99, 20))), page())
    start, end = document.rsplit(b"startxref\n", 1)
    table = start[int(end.split()[0]) :]
    assert table.startswith(b"xref\n0 ")
    places = re.findall(rb"^(\d{10}) (\d{5}) ([nf]) $", table, re.MULTILINE)
    assert f"/Size {len(places)}".encode() in table
    assert places[0] == (b"0000000000", b"65535", b"f")
    for number, (offset, generation, used) in enumerate(places[1:], 1):
        assert (generation, used) == (b"00000", b"n")
        assert document[int(offset) :].startswith(b"%d 0 obj\n" % number)


async def test_the_same_result_makes_the_same_bytes() -> None:
    read = page(line("Hello", box(0, 0, 99, 20)))
    assert await pdf(read) == await pdf(read)


#: Of scripts that run from left to right, and that readers leave as they are.
LEFT_TO_RIGHT = st.text(
    st.one_of(
        [
            st.characters(min_codepoint=start, max_codepoint=end, categories=("L", "N"))
            for start, end in [
                (0x21, 0x7E),
                (0xC0, 0x17F),
                (0x391, 0x3C9),
                (0x410, 0x44F),
                (0x3041, 0x30F6),
                (0x4E00, 0x9FFF),
                (0xAC00, 0xD7A3),
            ]
        ]
    )
    | st.sampled_from("😀👍€№+*/"),
    min_size=1,
    max_size=12,
)


@settings(PATIENT)
@given(words=st.lists(LEFT_TO_RIGHT, min_size=1, max_size=3))
def test_every_such_script_is_read_back(words: list[str]) -> None:
    places = [box(310 * index, 10, 310 * index + 300, 40) for index in range(3)]
    read = page(line(" ".join(words), *places[: len(words)]))
    assert text_of(asyncio.run(pdf(read))) == [" ".join(words)]


@settings(PATIENT)
@given(pages=pages_of(TEXTS) | pages_of(PRINTABLE))
def test_whatever_was_read_it_can_be_opened(pages: list[Page]) -> None:
    with opened(asyncio.run(pdf(*pages))) as document:
        assert len(document) == len(pages)
        for each in document:
            each.get_textpage().get_text_range()
            assert len([*each.get_objects()]) >= 1
