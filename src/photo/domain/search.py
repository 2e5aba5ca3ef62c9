"""The words of a text, and what is looked for among them.

Case, accents and punctuation do not matter. Han characters and kana are words of
their own, because their words are not kept apart by spaces.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Self
from unicodedata import category, combining, normalize

from photo.domain.errors import ValidationFailed

MAX_QUERY_LENGTH = 200
MIN_PREFIX_LENGTH = 3
_MAX_QUERY_WORDS = 20
_MAX_WORD_LENGTH = 64

_ASCII_WORD = re.compile(r"[a-z0-9]+")
_PHRASE_OR_REST = re.compile(r'"([^"]*)"|(\S+)')
_IDEOGRAPHS = (
    *(range(0x3005, 0x3008), range(0x3040, 0x3100), range(0x31F0, 0x3200)),
    *(range(0x3400, 0x4DC0), range(0x4E00, 0xA000), range(0x20000, 0x32400)),
)
_FIRST_IDEOGRAPH = "\u3005"
# Classes of marks: points of Hebrew and Arabic, and accents above, below, attached.
_POINTS = range(10, 36)
_FIRST_ACCENT = 200


@lru_cache(maxsize=20_000)
def words_in(text: str) -> tuple[str, ...]:
    """The words of a text, in order, as they are compared."""
    if text.isascii():
        found = _ASCII_WORD.findall(text.lower())
    else:
        found = [*_split(_folded(text))]
    return tuple(word[:_MAX_WORD_LENGTH] for word in found)


def index_words(words: Sequence[str]) -> set[str]:
    """Under what a sequence of words is to be found: each, and pairs of ideographs."""
    return {*words, *_pairs(words)}


@dataclass(frozen=True, slots=True)
class Term:
    """Words that must be neighbours; the last may be but the beginning of one."""

    words: tuple[str, ...]
    is_prefix: bool = False

    @property
    def index_words(self) -> set[str]:
        """Under what the term is at least to be found; a prefix is not among them."""
        whole = self.words[:-1] if self.is_prefix else self.words
        pairs = {*_pairs(whole)}
        return pairs | ({*whole} - {char for pair in pairs for char in pair})

    def found_in(self, words: Sequence[str]) -> Iterator[range]:
        """Where the term is in a sequence of words."""
        size = len(self.words)
        for start in range(len(words) - size + 1):
            if self._fits(words[start : start + size]):
                yield range(start, start + size)

    def _fits(self, words: Sequence[str]) -> bool:
        *whole, last = self.words
        ends = words[-1].startswith(last) if self.is_prefix else words[-1] == last
        return ends and [*words[:-1]] == whole


@dataclass(frozen=True, slots=True)
class Query:
    """Every term must be in a text, in any order."""

    terms: tuple[Term, ...]

    @classmethod
    def parse(cls, query: str) -> Self:
        """Read what a person typed, or raise `ValidationFailed`.

        What white space keeps apart is a term, and so is what is "in quotes". A star
        at its end makes a prefix of it.
        """
        terms = {*_terms(query)}
        if not terms:
            raise _invalid("Ask for at least one word.")
        if sum(len(term.words) for term in terms) > _MAX_QUERY_WORDS:
            raise _invalid(f"Ask for at most {_MAX_QUERY_WORDS} words.")
        return cls(tuple(sorted(terms, key=lambda term: term.words)))

    @property
    def index_words(self) -> set[str]:
        return set().union(*(term.index_words for term in self.terms))

    @property
    def prefixes(self) -> set[str]:
        return {term.words[-1] for term in self.terms if term.is_prefix}


def _terms(query: str) -> Iterator[Term]:
    for phrase, rest in _PHRASE_OR_REST.findall(query):
        words = words_in(phrase or rest)
        if not words:
            continue
        is_prefix = rest.endswith("*") and not _is_ideograph(words[-1][0])
        if is_prefix and len(words[-1]) < MIN_PREFIX_LENGTH:
            raise _invalid(f"Before a star write at least {MIN_PREFIX_LENGTH} letters.")
        yield Term(words, is_prefix)


def _invalid(detail: str) -> ValidationFailed:
    return ValidationFailed(f"q: {detail}", pointer="/q")


def _folded(text: str) -> str:
    decomposed = normalize("NFKD", text).casefold()
    bare = (char for char in decomposed if not _is_accent(char))
    return normalize("NFKC", "".join(bare))


def _is_accent(char: str) -> bool:
    mark = combining(char)
    return mark >= _FIRST_ACCENT or mark in _POINTS


def _split(folded: str) -> Iterator[str]:
    word = ""
    for char in f"{folded} ":
        if _goes_on(word, char):
            word += char
            continue
        if word:
            yield word
        word = ""
        if _is_ideograph(char) and char.isalnum():
            yield char


def _goes_on(word: str, char: str) -> bool:
    if char.isalnum():
        return not _is_ideograph(char)
    return bool(word) and category(char).startswith("M")


def _pairs(words: Sequence[str]) -> Iterator[str]:
    for one, next_one in pairwise(words):
        if _is_ideograph(one[0]) and _is_ideograph(next_one[0]):
            yield one + next_one


def _is_ideograph(char: str) -> bool:
    return char >= _FIRST_IDEOGRAPH and any(ord(char) in each for each in _IDEOGRAPHS)
