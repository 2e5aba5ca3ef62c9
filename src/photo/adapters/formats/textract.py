"""The blocks in which Amazon Textract answers DetectDocumentText."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from photo.adapters.formats.places import Box, words_of
from photo.application.ports import Result
from photo.domain.text import Line, Page, Polygon, Word

Block = dict[str, Any]

#: A hundredth of a pixel on the longest page.
_DIGITS = 6


def textract(result: Result) -> Iterator[bytes]:
    engine = result.engine
    head = {
        "DocumentMetadata": {"Pages": result.page_count},
        "DetectDocumentTextModelVersion": f"{engine.name} {engine.version}",
    }
    yield msgspec.json.encode(head)[:-1] + b',"Blocks":['
    for number, page in enumerate(result.pages, 1):
        blocks = msgspec.json.encode(_page(page, number))
        yield (b"," if number > 1 else b"") + blocks[1:-1]
    yield b"]}"


def _page(page: Page, number: int) -> list[Block]:
    """The page, then its lines, then their words."""
    lines: list[Block] = []
    words: list[Block] = []
    for index, line in enumerate(page.lines, 1):
        of_line = [
            _text("WORD", page, word, number, f"word-{number}-{index}-{place}")
            for place, word in enumerate(words_of(line), 1)
        ]
        words += of_line
        block = _text("LINE", page, line, number, f"line-{number}-{index}")
        lines.append(block | _children(of_line))
    whole: Polygon = (
        (0, 0),
        (page.width, 0),
        (page.width, page.height),
        (0, page.height),
    )
    return [
        {
            "BlockType": "PAGE",
            "Geometry": _geometry(page, whole),
            "Id": f"page-{number}",
            "Page": number,
        }
        | _children(lines),
        *lines,
        *words,
    ]


def _text(kind: str, page: Page, what: Line | Word, number: int, id: str) -> Block:
    return {
        "BlockType": kind,
        "Confidence": round(what.confidence * 100, 2),
        "Text": what.text,
        "Geometry": _geometry(page, what.polygon),
        "Id": id,
        "Page": number,
    }


def _children(blocks: Sequence[Block]) -> Block:
    if not blocks:
        return {}
    ids = [block["Id"] for block in blocks]
    return {"Relationships": [{"Type": "CHILD", "Ids": ids}]}


def _geometry(page: Page, polygon: Polygon) -> Block:
    box = Box.around(page, polygon)
    return {
        "BoundingBox": {
            "Width": _share(box.width, page.width),
            "Height": _share(box.height, page.height),
            "Left": _share(box.left, page.width),
            "Top": _share(box.top, page.height),
        },
        "Polygon": [
            {"X": _share(x, page.width), "Y": _share(y, page.height)}
            for x, y in polygon
        ],
    }


def _share(length: float, of: int) -> float:
    return round(min(max(length / of, 0.0), 1.0), _DIGITS)
