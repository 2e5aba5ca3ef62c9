"""Which way up a picture is, by its text."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from photo.adapters.imaging.ocr import Box, Models, Pixels, bgr, crop

#: How many of the longest lines are read to decide.
_LINES = 4
#: From this length to height on, the shape of a box tells how its line runs.
_LONG = 1.5
#: Fewer letters and digits than this decide nothing: a sign may hang askew.
_ENOUGH = 12
#: Text that is read with this confidence is upright.
_SURE = 0.9
#: Another way up must be read so much better to be believed.
_CLEARLY = 0.1


class _Evidence(NamedTuple):
    """How well lines can be read one way up, and of how many letters and digits."""

    confidence: float
    characters: int


def upright(image: Image.Image, reader: Models) -> Image.Image:
    """The picture turned so that its text stands upright; in doubt, as it is."""
    turns = quarter_turns(bgr(image), reader)
    return image.rotate(90 * turns, expand=True) if turns else image


def quarter_turns(image: Pixels, reader: Models) -> int:
    """How many counter-clockwise quarter turns bring the text upright."""
    boxes = reader.boxes(image)
    tall = [box for box in boxes if _height(box) >= _LONG * _width(box)]
    wide = [box for box in boxes if _width(box) >= _LONG * _height(box)]
    if sum(map(_height, tall)) > sum(map(_width, wide)):
        lines = [crop(image, box) for box in sorted(tall, key=_height)[-_LINES:]]
        left, right = _evidence(lines, 1, reader), _evidence(lines, 3, reader)
        return 1 if _beats(left, right) else 3 if _beats(right, left) else 0
    lines = [crop(image, box) for box in sorted(wide, key=_width)[-_LINES:]]
    as_is = _evidence(lines, 0, reader)
    if as_is.confidence >= _SURE and as_is.characters >= _ENOUGH:
        return 0
    return 2 if _beats(_evidence(lines, 2, reader), as_is) else 0


def _evidence(lines: Sequence[Pixels], turns: int, reader: Models) -> _Evidence:
    words = [word for line in lines for word in reader.words(np.rot90(line, turns))]
    counts = [sum(map(str.isalnum, word.text)) for word in words]
    total = sum(counts)
    weighted = sum(
        word.confidence * count for word, count in zip(words, counts, strict=True)
    )
    return _Evidence(weighted / max(1, total), total)


def _beats(one: _Evidence, other: _Evidence) -> bool:
    enough = one.characters >= _ENOUGH
    return enough and one.confidence > other.confidence + _CLEARLY


def _width(box: Box) -> float:
    return float(np.linalg.norm(box[1] - box[0]))


def _height(box: Box) -> float:
    return float(np.linalg.norm(box[3] - box[0]))
