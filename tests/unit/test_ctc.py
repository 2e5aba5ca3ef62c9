"""From the columns of a recognised line to words and their places."""

import numpy as np
import pytest
from numpy.typing import NDArray

from photo.adapters.imaging.ctc import certainty, words

ALPHABET = ["blank", "a", "b", "c", "\u3000", " "]


def columns(text: str, *, doubt: dict[int, float] | None = None) -> NDArray[np.float32]:
    """One column a character, `.` for a blank; doubt is a blank's share of a space."""
    found = np.zeros((len(text), len(ALPHABET)), np.float32)
    for at, character in enumerate(text):
        found[at, 0 if character == "." else ALPHABET.index(character)] = 1
    for at, share in (doubt or {}).items():
        found[at, 0], found[at, -1] = 1 - share, share
    return found


def read(text: str, **doubt: dict[int, float]) -> str:
    return " ".join(word.text for word in words(columns(text, **doubt), ALPHABET))


def test_repeated_columns_are_one_character_and_a_blank_divides_two() -> None:
    assert read("aab.b.cc") == "abbc"


def test_spaces_of_every_kind_divide_words_and_never_count_twice() -> None:
    assert read(" a  b. .c\u3000a ") == "a b c a"


def test_a_blank_that_hesitates_is_a_space() -> None:
    assert read("a.b", doubt={1: 0.06}) == "a b"
    assert read("a.b", doubt={1: 0.04}) == "ab"


def test_nothing_but_blanks_is_no_word() -> None:
    assert words(columns("....", doubt={1: 0.3}), ALPHABET) == []
    assert certainty([]) == 0


def test_a_word_is_as_certain_as_its_characters_on_average() -> None:
    found = columns("ab.c", doubt=None)
    found[1, 2], found[1, 0] = 0.5, 0.4
    (word,) = words(found, ALPHABET)
    assert word.confidence == pytest.approx((1 + 0.5 + 1) / 3)
    assert certainty([word]) == pytest.approx(word.confidence)


def test_words_lie_where_their_columns_are() -> None:
    first, second = words(
        columns("." * 10 + "a.b.c" + "....  ...." + "a.b.c....."), ALPHABET
    )
    assert 8 <= first.start * 35 <= 10
    assert 14 <= first.end * 35 <= 16
    assert 23 <= second.start * 35 <= 25
    assert 29 <= second.end * 35 <= 31
