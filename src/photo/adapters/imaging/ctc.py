"""From the columns of a recognised line to characters, words and their places."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

_BLANK = 0
#: The model rarely prefers a space to a blank, but where one belongs it hesitates.
_SPACE_PROBABILITY = 0.05
#: By how many columns the model sees a word begin too late.
_DELAY = 1


@dataclass(frozen=True, slots=True)
class Glyph:
    text: str
    confidence: float
    #: The middle of its columns, as a share of the line's width.
    at: float


@dataclass(frozen=True, slots=True)
class Span:
    """A word and where it lies on its line: shares of the line's width."""

    text: str
    confidence: float
    start: float
    end: float


def words(columns: NDArray[np.float32], alphabet: Sequence[str]) -> list[Span]:
    """Decode the columns of a line into words."""
    groups = _glyph_groups(columns, alphabet)
    advance, delay = _advance(groups), _DELAY / len(columns)
    return [_span(group, advance, delay) for group in groups]


def certainty(spans: Sequence[Span]) -> float:
    """The mean over the characters of a line."""
    total = sum(len(span.text) for span in spans)
    return sum(span.confidence * len(span.text) for span in spans) / max(1, total)


def _glyph_groups(
    columns: NDArray[np.float32], alphabet: Sequence[str]
) -> list[list[Glyph]]:
    best = columns.argmax(axis=1)
    spaces = [i for i, character in enumerate(alphabet) if character.isspace()]
    space = columns[:, spaces].sum(axis=1) > _SPACE_PROBABILITY
    groups: list[list[Glyph]] = [[]]
    start = 0
    for end in range(1, len(best) + 1):
        if end < len(best) and best[end] == best[start]:
            continue
        index = best[start]
        if index in spaces or (index == _BLANK and space[start:end].any()):
            groups.append([])
        elif index != _BLANK:
            probability = float(columns[start:end, index].max())
            middle = (start + end) / 2 / len(best)
            groups[-1].append(Glyph(alphabet[index], probability, middle))
        start = end
    return [group for group in groups if group]


def _advance(groups: Sequence[Sequence[Glyph]]) -> float:
    """The typical distance between neighbouring characters."""
    steps = sorted(
        right.at - left.at for group in groups for left, right in pairwise(group)
    )
    return steps[len(steps) // 2] if steps else 1.0


def _span(group: Sequence[Glyph], advance: float, delay: float) -> Span:
    return Span(
        "".join(glyph.text for glyph in group),
        fmean(glyph.confidence for glyph in group),
        max(0.0, group[0].at - advance / 2 - delay),
        min(1.0, group[-1].at + advance / 2),
    )
