"""ALTO 4.4, in pixels of the upright photo."""

from collections.abc import Iterator

from photo.adapters.formats.markup import escaped
from photo.adapters.formats.places import Box, words_of
from photo.application.ports import Result
from photo.domain.files import page_name
from photo.domain.text import Line, Page, Polygon, Word

_NAMESPACE = "http://www.loc.gov/standards/alto/ns-v4#"
_SCHEMA = "http://www.loc.gov/standards/alto/v4/alto-4-4.xsd"


def alto(result: Result) -> Iterator[bytes]:
    yield _head(result).encode()
    for number, page in enumerate(result.pages, 1):
        yield "".join(_page(page, number)).encode()
    yield b"</Layout>\n</alto>\n"


def _head(result: Result) -> str:
    engine = result.engine
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<alto xmlns="{_NAMESPACE}"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:schemaLocation="{_NAMESPACE} {_SCHEMA}" SCHEMAVERSION="4.4">
<Description>
<MeasurementUnit>pixel</MeasurementUnit>
<sourceImageInformation>
<fileName>{page_name(1)}</fileName>
<documentIdentifier>{escaped(result.job_id)}</documentIdentifier>
</sourceImageInformation>
<Processing ID="ocr">
<processingCategory>contentGeneration</processingCategory>
<processingSoftware>
<softwareName>{escaped(engine.name)}</softwareName>
<softwareVersion>{escaped(engine.version)}</softwareVersion>
<applicationDescription>{escaped(engine.model)}</applicationDescription>
</processingSoftware>
</Processing>
</Description>
<Layout>
"""


def _page(page: Page, number: int) -> Iterator[str]:
    size = f'WIDTH="{page.width}" HEIGHT="{page.height}"'
    yield f'<Page ID="page_{number}" PHYSICAL_IMG_NR="{number}" {size}>\n'
    yield f'<PrintSpace HPOS="0" VPOS="0" {size}>\n'
    if page.lines:
        box = Box.around(page, *(line.polygon for line in page.lines))
        yield f'<TextBlock ID="block_{number}" {_place(box)}>\n'
        for index, line in enumerate(page.lines, 1):
            yield from _line(page, line, f"{number}_{index}")
        yield "</TextBlock>\n"
    yield "</PrintSpace>\n</Page>\n"


def _line(page: Page, line: Line, id: str) -> Iterator[str]:
    box = Box.around(page, line.polygon)
    _, _, end, start = line.polygon
    baseline = _points(start, end)
    yield f'<TextLine ID="line_{id}" {_place(box)} BASELINE="{baseline}">'
    yield f"{_shape(line.polygon)}\n"
    yield "<SP/>\n".join(
        _string(page, word, f"{id}_{index}")
        for index, word in enumerate(words_of(line), 1)
    )
    yield "</TextLine>\n"


def _string(page: Page, word: Word, id: str) -> str:
    place = _place(Box.around(page, word.polygon))
    content = f'CONTENT="{escaped(word.text)}" WC="{word.confidence:g}"'
    shape = _shape(word.polygon)
    return f'<String ID="word_{id}" {place} {content}>{shape}</String>\n'


def _place(box: Box) -> str:
    return (
        f'HPOS="{box.left:g}" VPOS="{box.top:g}"'
        f' WIDTH="{round(box.width, 1):g}" HEIGHT="{round(box.height, 1):g}"'
    )


def _shape(polygon: Polygon) -> str:
    return f'<Shape><Polygon POINTS="{_points(*polygon)}"/></Shape>'


def _points(*points: tuple[float, float]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)
