"""Small photos by number: good ones, each with a word of its own, and bad ones."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from io import BytesIO
from random import Random
from typing import Any

import pillow_heif
from PIL import Image, ImageDraw, ImageFont

from drill.ledger import Kind
from drill.poison import POISON
from hostile.bombs import pixels
from photo.domain.media import MediaType
from photo.entrypoints.scanner_probes import eicar

pillow_heif.register_heif_opener()

_SIZE = (480, 220)
_LINES = ("Harbour Lane Grocers", "Receipt {number}", "{word}", "Grand total 12.50")
_ROW = 50
_FONT = ImageFont.load_default(28)

_SYLLABLES = [consonant + vowel for consonant in "dfhklmnprtv" for vowel in "aeu"]
_SYLLABLES_A_WORD = 5
_WORDS = len(_SYLLABLES) ** _SYLLABLES_A_WORD
#: It has no divisor in common with their number, so that neighbours look different.
_STRIDE = 20_654_323

#: Every format is known by so many.
_HEAD_BYTES = 16

Encode = Callable[[Image.Image], bytes]


@dataclass(frozen=True, slots=True)
class Photo:
    kind: Kind
    content_type: MediaType
    content: bytes
    #: Of a good one: its text has this word, and no other photo's has.
    word: str = ""


@cache
def photo(seed: int, number: int, kind: Kind = Kind.GOOD) -> Photo:
    """Always the same, in every process."""
    chance = Random(f"photo {seed} {number}")
    return _MAKERS[kind](seed, number, chance)


def _good(seed: int, number: int, chance: Random, kind: Kind = Kind.GOOD) -> Photo:
    content_type = chance.choice([*_ENCODERS])
    word = _word(seed, number)
    page = Image.new("RGB", _SIZE, "#f4f1e8")
    pen = ImageDraw.Draw(page)
    for row, line in enumerate(_LINES):
        text = line.format(number=number, word=word)
        pen.text((14, 14 + row * _ROW), text, "#20242c", _FONT)
    return Photo(kind, content_type, _ENCODERS[content_type](page), word)


def _word(seed: int, number: int) -> str:
    index = (Random(seed).randrange(_WORDS) + number * _STRIDE) % _WORDS
    word = ""
    for _ in range(_SYLLABLES_A_WORD):
        index, syllable = divmod(index, len(_SYLLABLES))
        word += _SYLLABLES[syllable]
    return word.capitalize()


def _corrupt(seed: int, number: int, chance: Random) -> Photo:
    """Cut off, or noise after a good beginning.

    Noise further in might be pixels to a decoder that has no checksums.
    """
    good = _good(seed, number, chance)
    whole = good.content
    cut = whole[: len(whole) * chance.randint(20, 70) // 100]
    noisy = whole[:_HEAD_BYTES] + chance.randbytes(len(whole))
    return Photo(Kind.CORRUPT, good.content_type, chance.choice((cut, noisy)))


def _infected(seed: int, number: int, chance: Random) -> Photo:
    """Perfectly readable, with something behind the end."""
    good = _good(seed, number, chance)
    return Photo(Kind.INFECTED, good.content_type, good.content + eicar())


def _poison(seed: int, number: int, chance: Random) -> Photo:
    """Perfectly readable, but whoever reads it dies."""
    good = _good(seed, number, chance)
    return Photo(Kind.POISON, good.content_type, good.content + POISON)


def _bomb(_seed: int, _number: int, chance: Random) -> Photo:
    return Photo(Kind.BOMB, MediaType.PNG, pixels(chance).content)


def _saved(page: Image.Image, name: str, **options: Any) -> bytes:
    file = BytesIO()
    page.save(file, name, **options)
    return file.getvalue()


_ENCODERS: Mapping[MediaType, Encode] = {
    MediaType.JPEG: partial(_saved, name="JPEG", quality=90),
    MediaType.PNG: partial(_saved, name="PNG"),
    MediaType.WEBP: partial(_saved, name="WEBP", quality=85),
    # With more threads it writes other bytes; at its usual speed it takes ten times.
    MediaType.AVIF: partial(_saved, name="AVIF", quality=85, max_threads=1, speed=10),
    MediaType.TIFF: partial(_saved, name="TIFF", compression="tiff_lzw"),
    # At its usual speed it takes ten times.
    MediaType.HEIC: partial(
        _saved, name="HEIF", quality=85, enc_params={"preset": "ultrafast"}
    ),
}

_MAKERS: Mapping[Kind, Callable[[int, int, Random], Photo]] = {
    Kind.GOOD: _good,
    Kind.URL: partial(_good, kind=Kind.URL),
    Kind.UNWANTED: partial(_good, kind=Kind.UNWANTED),
    Kind.CORRUPT: _corrupt,
    Kind.INFECTED: _infected,
    Kind.BOMB: _bomb,
    Kind.POISON: _poison,
}
