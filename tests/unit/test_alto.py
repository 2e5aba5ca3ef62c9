import asyncio
from collections.abc import Sequence
from xml.etree.ElementTree import Element

from hypothesis import given, settings

from photo.domain.formats import Format
from photo.domain.text import Engine, Line, Page
from tests.makers import ENGINE
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

ALTO = "{http://www.loc.gov/standards/alto/ns-v4#}"
SCHEMA_LOCATION = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"
PLACE = {"HPOS", "VPOS", "WIDTH", "HEIGHT"}

#: Of the elements in use, what ALTO 4.4 lets them hold, in its order; which of their
#: attributes it asks for, and which numbers it knows.
CHILDREN = {
    "alto": ["Description", "Layout"],
    "Description": ["MeasurementUnit", "sourceImageInformation", "Processing"],
    "sourceImageInformation": ["fileName", "documentIdentifier"],
    "Processing": ["processingCategory", "processingSoftware"],
    "processingSoftware": [
        "softwareName",
        "softwareVersion",
        "applicationDescription",
    ],
    "Layout": ["Page"],
    "Page": ["PrintSpace"],
    "PrintSpace": ["TextBlock"],
    "TextBlock": ["TextLine"],
    "TextLine": ["Shape", "String", "SP"],
    "String": ["Shape"],
    "Shape": ["Polygon"],
}
MANY = {"Page", "TextLine", "String", "SP"}
REQUIRED = {
    "Processing": {"ID"},
    "Page": {"ID", "PHYSICAL_IMG_NR"},
    "TextBlock": {"ID"},
    "String": {"CONTENT"},
    "Polygon": {"POINTS"},
}
NUMBERS = {
    "Page": {"PHYSICAL_IMG_NR", "WIDTH", "HEIGHT"},
    "PrintSpace": PLACE,
    "TextBlock": PLACE,
    "TextLine": PLACE,
    "String": PLACE | {"WC"},
}
STRINGS = {
    "alto": {"SCHEMAVERSION", SCHEMA_LOCATION},
    "TextLine": {"ID", "BASELINE"},
    "String": {"ID", "CONTENT"},
}


def check(element: Element) -> None:
    """Hold an element and all below it against the schema."""
    assert element.tag.startswith(ALTO)
    name = element.tag.removeprefix(ALTO)
    numbers, required = NUMBERS.get(name, set()), REQUIRED.get(name, set())
    given = {*element.keys()}
    assert required <= given <= numbers | required | STRINGS.get(name, set())
    for number in numbers & given:
        assert float(element.attrib[number]) >= 0
    children = [child.tag.removeprefix(ALTO) for child in element]
    check_order(name, children)
    for child in element:
        check(child)


def check_order(name: str, children: Sequence[str]) -> None:
    known = CHILDREN.get(name, [])
    assert {*children} <= {*known}
    if name == "TextLine":  # strings, with a space between them where there is one
        assert "String" in children
        assert "SP SP" not in " ".join(children)
        children = sorted(children, key=known.index)
    assert children == sorted(children, key=known.index)
    for child in {*children} - MANY:
        assert children.count(child) == 1


async def alto(*pages: Page, engine: Engine = ENGINE) -> Element:
    root = parsed(await rendered(Format.ALTO, *pages, engine=engine))
    check(root)
    return root


def strings(root: Element) -> list[Element]:
    return [*root.iter(f"{ALTO}String")]


def place(element: Element) -> tuple[float, ...]:
    return tuple(float(element.attrib[name]) for name in ("HPOS", "VPOS")) + tuple(
        float(element.attrib[name]) for name in ("WIDTH", "HEIGHT")
    )


async def test_words_lines_and_pages_are_where_they_were_read() -> None:
    tilted = (10.5, 60), (80, 70.5), (80, 100), (10.5, 90)
    root = await alto(
        page(
            line("Hello photo", box(10, 20, 110, 50.4), box(120.6, 20, 220, 50)),
            line("2026", tilted, confidence=0.8765),
        ),
        page(),
    )
    assert [each.attrib for each in root.iter(f"{ALTO}Page")] == [
        {
            "ID": f"page_{number}",
            "PHYSICAL_IMG_NR": str(number),
            "WIDTH": "1000",
            "HEIGHT": "800",
        }
        for number in (1, 2)
    ]
    [block] = root.iter(f"{ALTO}TextBlock")
    assert place(block) == (10, 20, 210, 80)
    first, second = root.iter(f"{ALTO}TextLine")
    assert place(first) == (10, 20, 210, 30.4)
    assert second.attrib["BASELINE"] == "10.5,90 80,100"
    assert [each.attrib["CONTENT"] for each in strings(root)] == [
        "Hello",
        "photo",
        "2026",
    ]
    assert [place(each) for each in strings(root)] == [
        (10, 20, 100, 30.4),
        (120.6, 20, 99.4, 30),
        (10.5, 60, 69.5, 40),
    ]
    assert [each.attrib["WC"] for each in strings(root)] == ["0.98", "0.98", "0.8765"]
    assert [child.tag.removeprefix(ALTO) for child in first] == [
        "Shape",
        "String",
        "SP",
        "String",
    ]
    polygons = [each.attrib["POINTS"] for each in second.iter(f"{ALTO}Polygon")]
    assert polygons == ["10.5,60 80,70.5 80,100 10.5,90"] * 2


async def test_it_names_its_maker_and_its_unit() -> None:
    root = await alto(page())
    assert root.attrib["SCHEMAVERSION"] == "4.4"
    assert root.attrib[SCHEMA_LOCATION].endswith("/alto-4-4.xsd")
    said = {each.tag.removeprefix(ALTO): each.text for each in root.iter()}
    assert said["MeasurementUnit"] == "pixel"
    assert said["documentIdentifier"] == "job_01k"
    assert (said["softwareName"], said["softwareVersion"]) == ("memory", "1")


async def test_ids_are_unique() -> None:
    words = line("a b", box(0, 0, 9, 9), box(9, 0, 18, 9))
    root = await alto(page(words, words), page(words))
    ids = [each.attrib["ID"] for each in root.iter() if "ID" in each.attrib]
    assert len(ids) == len({*ids})


async def test_text_never_becomes_markup() -> None:
    engine = Engine(HOSTILE, HOSTILE, HOSTILE)
    root = await alto(page(Line(HOSTILE, 1, box(0, 0, 9, 9))), engine=engine)
    assert [each.attrib["CONTENT"] for each in strings(root)] == [HOSTILE]


@settings(PATIENT)
@given(pages=pages_of(TEXTS))
def test_whatever_was_read_it_follows_the_schema(pages: list[Page]) -> None:
    root = asyncio.run(alto(*pages))
    assert len(strings(root)) == sum(
        len(line.words) for page in pages for line in page.lines
    )
    for each in strings(root):
        left, top, width, height = place(each)
        assert left + width <= 1000.05
        assert top + height <= 800.05


@settings(PATIENT)
@given(pages=pages_of(PRINTABLE))
def test_every_script_is_read_back(pages: list[Page]) -> None:
    root = asyncio.run(alto(*pages))
    assert [each.attrib["CONTENT"] for each in strings(root)] == [
        word.text for page in pages for line in page.lines for word in line.words
    ]
