"""Lines in the order in which a person reads them."""

from collections.abc import Sequence
from math import cos, radians, sin
from random import Random

import pytest

from photo.domain.reading_order import in_reading_order
from photo.domain.text import Line

PROSE = "the quick brown fox jumps over it"


def a_line(
    text: str, x: float, y: float, *, width: float = 100, height: float = 20
) -> Line:
    corners = ((x, y), (x + width, y), (x + width, y + height), (x, y + height))
    return Line(text, 1.0, corners)


def turned(line: Line, degrees: float) -> Line:
    c, s = cos(radians(degrees)), sin(radians(degrees))
    a, b, d, e = ((x * c - y * s, x * s + y * c) for x, y in line.polygon)
    return Line(line.text, line.confidence, (a, b, d, e))


def a_column(name: str, x: float, y: float = 100, *, lines: int = 8) -> list[Line]:
    """Running text, 400 pixels wide."""
    return [
        a_line(f"{name}{i} {PROSE}", x, y + 30 * i, width=400) for i in range(lines)
    ]


def texts(lines: Sequence[Line]) -> list[str]:
    return [line.text for line in lines]


def assert_order(expected: Sequence[Line]) -> None:
    shuffled = list(expected)
    Random(1).shuffle(shuffled)  # noqa: S311 - no secret, only disorder
    assert texts(in_reading_order(shuffled)) == texts(expected)


def test_no_lines_are_no_lines() -> None:
    assert in_reading_order([]) == ()


def test_rows_go_down_and_each_from_its_start() -> None:
    assert_order(
        [
            a_line("Coffee", 0, 0),
            a_line("2.50", 300, 4),
            a_line("Bread", 0, 30),
            a_line("3.10", 300, 27),
        ]
    )


def test_a_small_line_belongs_to_the_row_of_its_tall_neighbour() -> None:
    assert_order(
        [
            a_line("TOTAL", 0, 0, height=60),
            a_line("incl. tax", 300, 35),
            a_line("Cash", 0, 70),
        ]
    )


@pytest.mark.parametrize("degrees", [-12, -3, 3, 12])
def test_a_skewed_page_is_read_along_its_text(degrees: float) -> None:
    rows = [
        a_line(f"{column}{row}", 900 * column, 30 * row)
        for row in range(6)
        for column in range(2)
    ]
    assert_order([turned(line, degrees) for line in rows])


def test_columns_of_running_text_are_read_one_after_the_other() -> None:
    assert_order([*a_column("a", 0), *a_column("b", 450), *a_column("c", 900)])


def test_a_heading_across_the_columns_divides_them() -> None:
    heading = a_line("A heading over both columns", 100, 400, width=600)
    assert_order(
        [
            *a_column("a", 0),
            *a_column("b", 450),
            heading,
            *a_column("c", 0, 500),
            *a_column("d", 450, 500),
        ]
    )


def test_a_table_in_a_column_of_running_text_stays_in_it() -> None:
    cells = [
        a_line(text, x, 400 + 30 * row, width=80)
        for row in range(4)
        for text, x in ((f"item {row}", 450), (f"{row}.00", 700))
    ]
    left = a_column("a", 0, lines=14)
    assert_order([*left, *a_column("b", 450, lines=9), *cells])


def test_long_descriptions_beside_prices_are_no_columns() -> None:
    receipt = [
        line
        for row in range(12)
        for line in (
            a_line(f"{row} {PROSE}", 0, 30 * row, width=400),
            a_line(f"{row}.00", 500, 30 * row, width=60),
        )
    ]
    assert_order(receipt)


def test_a_form_with_two_fields_a_row_is_read_by_rows() -> None:
    form = [
        line
        for row in range(12)
        for line in (
            a_line(f"field {row}", 0, 40 * row),
            a_line(f"value {row}", 450, 40 * row),
        )
    ]
    assert_order(form)
