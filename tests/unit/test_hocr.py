import asyncio
import re
from html.parser import HTMLParser
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given, settings

from photo.domain.formats import Format
from photo.domain.text import Engine, Line, Page, Polygon
from tests.rendering import (
    HOSTILE,
    PATIENT,
    PRINTABLE,
    TEXTS,
    box,
    line,
    page,
    pages_of,
    parsed,
    rendered,
)

TAGS = {"html", "head", "meta", "title", "body", "div", "span"}
HTML = "{http://www.w3.org/1999/xhtml}"


async def hocr(*pages: Page) -> Element:
    return parsed(await rendered(Format.HOCR, *pages))


def found(root: Element, kind: str) -> list[Element]:
    return root.findall(f".//{HTML}*[@class='{kind}']")


def properties(element: Element) -> dict[str, list[float]]:
    parts = (each.split() for each in element.attrib["title"].split(";"))
    return {name: [float(value) for value in values] for name, *values in parts}


def text_of(element: Element) -> str:
    return "".join(element.itertext())


class Tags(HTMLParser):
    def __init__(self, document: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.text = ""
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.open.append(tag)
        assert {name for name, _ in attrs} <= {
            *("xmlns", "charset", "name", "content", "class", "id", "title")
        }

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag == "meta"  # HTML knows no other element without an end here

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


async def test_words_lines_and_pages_are_where_they_were_read() -> None:
    read = page(
        line("Hello photo", box(10, 20, 110, 50.4), box(120.6, 20, 220, 50)),
        line("2026", box(10, 60, 80, 90), confidence=0.876),
    )
    root = await hocr(read, page())
    assert [properties(each) for each in found(root, "ocr_page")] == [
        {"bbox": [0, 0, 1000, 800], "ppageno": [0]},
        {"bbox": [0, 0, 1000, 800], "ppageno": [1]},
    ]
    assert [properties(each)["bbox"] for each in found(root, "ocr_line")] == [
        [10, 20, 220, 50],
        [10, 60, 80, 90],
    ]
    words = found(root, "ocrx_word")
    assert [(each.text, properties(each)) for each in words] == [
        ("Hello", {"bbox": [10, 20, 110, 50], "x_wconf": [98]}),
        ("photo", {"bbox": [121, 20, 220, 50], "x_wconf": [98]}),
        ("2026", {"bbox": [10, 60, 80, 90], "x_wconf": [88]}),
    ]
    assert [text_of(each) for each in found(root, "ocr_line")] == [
        "Hello photo",
        "2026",
    ]


async def test_it_names_its_maker_and_what_it_holds() -> None:
    root = await hocr(page(line("a", box(0, 0, 9, 9))), page())
    meta = {
        each.attrib.get("name"): each.attrib.get("content")
        for each in root.iter(f"{HTML}meta")
    }
    assert meta["ocr-system"] == "memory 1 (none)"
    assert meta["ocr-number-of-pages"] == "2"
    capabilities = str(meta["ocr-capabilities"]).split()
    used = {each.attrib["class"] for each in root.iter() if "class" in each.attrib}
    assert {*capabilities} == used | {"ocrp_wconf"}
    ids = [each.attrib["id"] for each in root.iter() if "id" in each.attrib]
    assert len(ids) == len({*ids}) == 4


@pytest.mark.parametrize(
    ("polygon", "direction"),
    [
        (box(10, 20, 110, 50), {"baseline": [0, 0]}),
        (((10, 20), (110, 30), (110, 60), (10, 50)), {"baseline": [0.1, -10]}),
        (((10, 30), (110, 20), (110, 50), (10, 60)), {"baseline": [-0.1, 0]}),
        (((10, 110), (10, 10), (40, 10), (40, 110)), {"textangle": [90]}),
        (((40, 10), (40, 110), (10, 110), (10, 10)), {"textangle": [-90]}),
    ],
)
async def test_a_line_says_how_it_runs(
    polygon: Polygon, direction: dict[str, list[float]]
) -> None:
    [found_line] = found(await hocr(page(line("a", polygon))), "ocr_line")
    del (said := properties(found_line))["bbox"]
    assert said == direction


async def test_what_lies_beyond_the_edge_is_cut_off() -> None:
    root = await hocr(page(line("a", box(-5, -5, 1005, 805))))
    [word] = found(root, "ocrx_word")
    assert properties(word)["bbox"] == [0, 0, 1000, 800]


async def test_a_line_without_words_is_one_word() -> None:
    root = await hocr(page(Line("all of it", 0.5, box(1, 2, 3, 4))))
    [word] = found(root, "ocrx_word")
    assert (word.text, properties(word)["x_wconf"]) == ("all of it", [50])


async def test_text_never_becomes_markup() -> None:
    read = page(Line(HOSTILE, 1, box(0, 0, 9, 9)))
    document = await rendered(
        Format.HOCR, read, engine=Engine(HOSTILE, HOSTILE, HOSTILE)
    )
    tags = Tags(document.decode())
    assert tags.seen | {"meta"} == TAGS
    assert HOSTILE in tags.text
    root = parsed(document)
    assert {each.tag for each in root.iter()} == {f"{HTML}{tag}" for tag in TAGS}
    assert found(root, "ocrx_word")[0].text == HOSTILE


@settings(PATIENT)
@given(pages=pages_of(TEXTS))
def test_whatever_was_read_it_can_be_parsed(pages: list[Page]) -> None:
    document = asyncio.run(rendered(Format.HOCR, *pages))
    assert not Tags(document.decode()).open
    root = parsed(document)
    for title in re.findall(rb'title="bbox ([^";]+)', document):
        left, top, right, bottom = (int(side) for side in title.split())
        assert 0 <= left <= right <= 1000
        assert 0 <= top <= bottom <= 800
    assert len(found(root, "ocrx_word")) == sum(
        len(line.words) for page in pages for line in page.lines
    )


@settings(PATIENT)
@given(pages=pages_of(PRINTABLE))
def test_every_script_is_read_back(pages: list[Page]) -> None:
    root = parsed(asyncio.run(rendered(Format.HOCR, *pages)))
    lines = [line.text for page in pages for line in page.lines]
    assert [text_of(each) for each in found(root, "ocr_line")] == lines
