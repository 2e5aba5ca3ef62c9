from hypothesis import given
from hypothesis import strategies as st

from photo.domain.text import Page, Polygon, preview
from tests.makers import a_box, a_line, a_text


def test_lines_are_joined_by_line_feeds_and_pages_by_form_feeds() -> None:
    assert a_text(("one", "two"), (), ("three",)).text == "one\ntwo\f\fthree"


def test_no_page_is_no_text() -> None:
    assert a_text(()).text == ""


def test_a_preview_is_the_first_200_characters() -> None:
    assert preview("é" * 300) == "é" * 200
    assert preview("short") == "short"


def test_scaling_moves_lines_and_words() -> None:
    page = Page(100, 50, (a_line("Hello photo", a_box(10, 10)),))
    (line,) = page.scaled_to(200, 150).lines
    scaled: Polygon = ((20, 30), (180, 30), (180, 90), (20, 90))
    assert line.polygon == scaled
    assert [word.polygon for word in line.words] == [line.polygon] * 2
    assert (line.text, line.confidence) == ("Hello photo", 0.98)


def test_scaling_to_its_own_size_changes_nothing() -> None:
    page = Page(100, 50, (a_line(),))
    assert page.scaled_to(100, 50) is page


@given(
    width=st.integers(1, 20_000), height=st.integers(1, 20_000), left=st.floats(0, 20)
)
def test_scaled_corners_stay_on_the_page(width: int, height: int, left: float) -> None:
    page = Page(100, 100, (a_line(box=a_box(left, left)),)).scaled_to(width, height)
    assert (page.width, page.height) == (width, height)
    for x, y in page.lines[0].polygon:
        assert 0 <= x <= width
        assert 0 <= y <= height
