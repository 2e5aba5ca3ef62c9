import asyncio
import json
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from botocore.validate import ParamValidator
from hypothesis import given, settings

from photo.adapters.textract import _page
from photo.domain.formats import Format
from photo.domain.text import Line, Page
from tests.rendering import HOSTILE, PATIENT, TEXTS, box, line, page, pages_of, rendered

TEXTRACT = ServiceModel(Loader().load_service_model("textract", "service-2"))
ANSWER = TEXTRACT.operation_model("DetectDocumentText").output_shape

Block = dict[str, Any]


async def textract(*pages: Page) -> dict[str, Any]:
    """As botocore reads it, which drops what it does not know."""
    document = await rendered(Format.TEXTRACT, *pages)
    report = ParamValidator().validate(json.loads(document), ANSWER)
    assert not report.has_errors(), report.generate_report()
    response = {"body": document, "headers": {}, "status_code": 200}
    answer: dict[str, Any] = create_parser("json").parse(response, ANSWER)
    del answer["ResponseMetadata"]
    assert answer == json.loads(document)
    return answer


def check_tree(answer: dict[str, Any]) -> None:
    """Every block but a page is the child of one block, on the same page."""
    blocks: list[Block] = answer["Blocks"]
    by_id = {block["Id"]: block for block in blocks}
    assert len(by_id) == len(blocks)
    children: list[str] = []
    for block in blocks:
        for child in children_of(block):
            assert (block["BlockType"], by_id[child]["BlockType"]) in {
                ("PAGE", "LINE"),
                ("LINE", "WORD"),
            }
            assert block["Page"] == by_id[child]["Page"]
            children.append(child)
    pages = [block["Id"] for block in blocks if block["BlockType"] == "PAGE"]
    assert sorted(children + pages) == sorted(by_id)
    assert answer["DocumentMetadata"]["Pages"] == len(pages)


def check_geometry(block: Block) -> None:
    geometry = block["Geometry"]
    corners = [value for corner in geometry["Polygon"] for value in corner.values()]
    frame = geometry["BoundingBox"]
    assert all(0 <= share <= 1 for share in [*corners, *frame.values()])
    assert frame["Left"] + frame["Width"] <= 1.00001
    assert frame["Top"] + frame["Height"] <= 1.00001
    assert 0 <= block.get("Confidence", 0) <= 100


def children_of(block: Block) -> list[str]:
    relationships: list[Block] = block.get("Relationships", [])
    return [child for each in relationships for child in each["Ids"]]


async def test_words_lines_and_pages_are_where_they_were_read() -> None:
    tilted = (100, 600), (800, 700), (800, 800), (100, 700)
    answer = await textract(
        page(
            line("Hello photo", box(10, 20, 110, 50), box(120, 20, 220, 50)),
            line("2026", tilted, confidence=0.87654),
        ),
        page(),
    )
    check_tree(answer)
    first, hello_photo, year, hello, photo, _, second = answer["Blocks"]
    assert (first["BlockType"], first["Page"], second["Page"]) == ("PAGE", 1, 2)
    assert first["Geometry"]["BoundingBox"] == {
        "Width": 1,
        "Height": 1,
        "Left": 0,
        "Top": 0,
    }
    assert children_of(first) == [hello_photo["Id"], year["Id"]]
    assert children_of(hello_photo) == [hello["Id"], photo["Id"]]
    assert "Relationships" not in second
    assert (hello_photo["Text"], photo["Text"]) == ("Hello photo", "photo")
    assert hello["Geometry"] == {
        "BoundingBox": {"Width": 0.1, "Height": 0.0375, "Left": 0.01, "Top": 0.025},
        "Polygon": [
            {"X": 0.01, "Y": 0.025},
            {"X": 0.11, "Y": 0.025},
            {"X": 0.11, "Y": 0.0625},
            {"X": 0.01, "Y": 0.0625},
        ],
    }
    assert year["Confidence"] == 87.65
    assert [tuple(corner.values()) for corner in year["Geometry"]["Polygon"]] == [
        (0.1, 0.75),
        (0.8, 0.875),
        (0.8, 1),
        (0.1, 0.875),
    ]


async def test_it_says_who_read() -> None:
    answer = await textract(page())
    assert answer["DetectDocumentTextModelVersion"] == "memory 1"


async def test_a_client_of_textract_reads_the_same_page() -> None:
    read = page(
        line("Hello photo", box(10, 20, 110, 50), box(120, 20, 220, 50)),
        Line(HOSTILE, 0.5, box(100, 600, 800, 700)),
    )
    answer = await textract(read)
    again = _page(answer["Blocks"]).scaled_to(1000, 800)
    assert again.text == read.text
    for line_again, line_read in zip(again.lines, read.lines, strict=True):
        assert line_again.confidence == line_read.confidence
        for corner, was in zip(line_again.polygon, line_read.polygon, strict=True):
            assert corner == pytest.approx(was, abs=0.001)


@settings(PATIENT)
@given(pages=pages_of(TEXTS))
def test_whatever_was_read_it_fits(pages: list[Page]) -> None:
    answer = asyncio.run(textract(*pages))
    check_tree(answer)
    for block in answer["Blocks"]:
        check_geometry(block)
    lines = [each for page in pages for each in page.lines]
    words = [word for each in lines for word in each.words]
    assert texts_of(answer, "LINE") == [each.text for each in lines]
    assert texts_of(answer, "WORD") == [word.text for word in words]


def texts_of(answer: dict[str, Any], kind: str) -> list[str]:
    return [each["Text"] for each in answer["Blocks"] if each["BlockType"] == kind]
