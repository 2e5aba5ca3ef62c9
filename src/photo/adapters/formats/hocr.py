"""hOCR 1.2, as XHTML that parsers of HTML and of XML read alike."""

from collections.abc import Iterator
from math import atan2, degrees

from photo.adapters.formats.markup import escaped
from photo.adapters.formats.places import Box, words_of
from photo.application.ports import Result
from photo.domain.text import Line, Page, Word

#: Beyond this slope a line is said to be turned, not to rise or fall.
_STEEP_DEGREES = 45


def hocr(result: Result) -> Iterator[bytes]:
    yield _head(result).encode()
    for number, page in enumerate(result.pages, 1):
        yield "".join(_page(page, number)).encode()
    yield b"</body>\n</html>\n"


def _head(result: Result) -> str:
    engine = result.engine
    system = escaped(f"{engine.name} {engine.version} ({engine.model})")
    return f"""<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml">
<head>
<meta charset="utf-8"/>
<title>{escaped(result.job_id)}</title>
<meta name="ocr-system" content="{system}"/>
<meta name="ocr-capabilities" content="ocr_page ocr_line ocrx_word ocrp_wconf"/>
<meta name="ocr-number-of-pages" content="{result.page_count}"/>
</head>
<body>
"""


def _page(page: Page, number: int) -> Iterator[str]:
    place = f"bbox 0 0 {page.width} {page.height}; ppageno {number - 1}"
    yield f'<div class="ocr_page" id="page_{number}" title="{place}">\n'
    for index, line in enumerate(page.lines, 1):
        yield from _line(page, line, f"{number}_{index}")
    yield "</div>\n"


def _line(page: Page, line: Line, id: str) -> Iterator[str]:
    place = f"{_bbox(Box.around(page, line.polygon))}; {_direction(page, line)}"
    yield f'<span class="ocr_line" id="line_{id}" title="{place}">'
    yield " ".join(
        _word(page, word, f"{id}_{index}")
        for index, word in enumerate(words_of(line), 1)
    )
    yield "</span>\n"


def _word(page: Page, word: Word, id: str) -> str:
    confidence = round(word.confidence * 100)
    place = f"{_bbox(Box.around(page, word.polygon))}; x_wconf {confidence}"
    text = escaped(word.text)
    return f'<span class="ocrx_word" id="word_{id}" title="{place}">{text}</span>'


def _bbox(box: Box) -> str:
    return "bbox " + " ".join(str(round(side)) for side in box)


def _direction(page: Page, line: Line) -> str:
    """Where the line runs: along its lower edge, or turned by an angle."""
    _, _, (right, end), (left, start) = line.polygon
    angle = degrees(atan2(start - end, right - left))
    if abs(angle) > _STEEP_DEGREES:
        return f"textangle {angle:.1f}"
    slope = (end - start) / (right - left or 1)
    box = Box.around(page, line.polygon)
    at_left = start + slope * (box.left - left) - box.bottom
    return f"baseline {slope:.3f} {at_left:.1f}"
