import pytest
from hypothesis import given
from hypothesis import strategies as st

from photo.entrypoints.http.accept import best_of

JSON, TEXT, PDF = OFFERS = ["application/json", "text/plain", "application/pdf"]


@pytest.mark.parametrize(
    ("accept", "best"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/pdf", PDF),
        ("APPLICATION/PDF", PDF),
        ("text/*", TEXT),
        ("application/*", JSON),
        ("application/pdf, text/plain", PDF),
        ("text/plain, application/pdf", TEXT),
        ("application/pdf;q=0.5, text/plain;q=0.6", TEXT),
        ("application/pdf; q=0.5 , text/plain ;q=0.4", PDF),
        ("text/plain;q=0.001, image/png", TEXT),
        ("*/*, application/pdf", PDF),
        ("*/*;q=0.9, application/pdf;q=0.8", JSON),
        ("application/*;q=0.2, */*;q=0.1", JSON),
        ("application/*;q=0.2, application/pdf;q=0.3", PDF),
        ("application/json;q=0, */*", TEXT),
        ("*/*, application/json;q=0, text/*;q=0", PDF),
        ("text/plain;format=flowed", TEXT),
        ("image/png, nonsense, text/plain;q=1.000", TEXT),
    ],
)
def test_the_offer_that_is_liked_best_is_taken(accept: str, best: str) -> None:
    assert best_of(OFFERS, accept) == best


@pytest.mark.parametrize(
    "accept",
    [
        "image/png",
        "*/*;q=0",
        "*/*;q=0.000",
        "application/*;q=0, text/*;q=0",
        "nonsense",
        ",",
        "*/*;q=x",
        "*/*;q=1e999",
        "*/*;q=nan",
        "*/*;q=-1",
        "*/*;q=2",
    ],
)
def test_what_is_not_taken_is_not_sent(accept: str) -> None:
    assert best_of([JSON], accept) is None


@given(st.text() | st.text("*/,;q=01.jsontexplaica "))
def test_no_header_is_a_fault_of_ours(accept: str) -> None:
    assert best_of(OFFERS, accept) in {*OFFERS, None}
