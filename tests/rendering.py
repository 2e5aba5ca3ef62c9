"""What was read, put into the formats of other programs."""

from collections.abc import AsyncIterator, Iterable
from functools import cache
from io import BytesIO
from xml.etree import ElementTree as ET

from hypothesis import settings
from hypothesis import strategies as st
from PIL import Image

from photo.adapters.formats import FormatRenderer
from photo.application.ports import Result
from photo.domain.formats import Format
from photo.domain.job import JobId
from photo.domain.text import Engine, Line, Page, Polygon, Word
from tests.makers import ENGINE

JOB_ID = JobId("job_01k")
#: What a photo may say to whoever shows its text carelessly.
HOSTILE = "<script>alert(1)</script> ]]> &lt;b&gt; \" onload='alert(2)' --> <!-- €"


@cache
def jpeg(mode: str = "RGB") -> bytes:
    """A white page, half as large as the original was."""
    file = BytesIO()
    Image.new(mode, (500, 400), "white").save(file, "JPEG")
    return file.getvalue()


def box(left: float, top: float, right: float, bottom: float) -> Polygon:
    return (left, top), (right, top), (right, bottom), (left, bottom)


def line(text: str, *places: Polygon, confidence: float = 0.98) -> Line:
    """Words, each with its place."""
    words = zip(text.split(), places, strict=True)
    (a, *_, d), (_, b, c, _) = places[0], places[-1]
    return Line(
        text,
        confidence,
        (a, b, c, d),
        tuple(Word(word, confidence, place) for word, place in words),
    )


def page(*lines: Line) -> Page:
    return Page(1000, 800, lines)


async def rendered(
    format: Format, *pages: Page, engine: Engine = ENGINE, image: bytes | None = None
) -> bytes:
    result = Result(JOB_ID, engine, len(pages), iter(pages))
    images = in_turn([image or jpeg()] * len(pages))
    chunks = FormatRenderer().render(result, format, images)
    return b"".join([chunk async for chunk in chunks])


def parsed(document: bytes) -> ET.Element:
    return ET.fromstring(document)  # noqa: S314 - we made it


async def in_turn(images: Iterable[bytes]) -> AsyncIterator[bytes]:
    for image in images:
        yield image


#: A busy machine is no fault of the formats.
PATIENT = settings(max_examples=50, deadline=None)

#: Anything that JSON can hold.
TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=9)
#: What every format can hold: no controls.
PRINTABLE = st.text(
    st.characters(codec="utf-8", categories=("L", "M", "N", "P", "S", "Co")),
    min_size=1,
    max_size=9,
)
#: Also degenerate, mirrored, and off the page.
_PIXELS = st.integers(-500, 15_000).map(lambda tenths: tenths / 10)
_CORNERS = st.tuples(_PIXELS, _PIXELS)
_POLYGONS = st.tuples(_CORNERS, _CORNERS, _CORNERS, _CORNERS)
_SHARES = st.integers(0, 10_000).map(lambda share: share / 10_000)


def pages_of(texts: st.SearchStrategy[str]) -> st.SearchStrategy[list[Page]]:
    words = st.builds(Word, texts, _SHARES, _POLYGONS)
    lines = st.builds(
        lambda words, share, place: Line(
            " ".join(word.text for word in words), share, place, tuple(words)
        ),
        st.lists(words, min_size=1, max_size=2),
        _SHARES,
        _POLYGONS,
    )
    return st.lists(
        st.builds(
            lambda lines: Page(1000, 800, tuple(lines)), st.lists(lines, max_size=2)
        ),
        min_size=1,
        max_size=2,
    )
