"""What an `Accept` header allows, as RFC 9110 has it."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_ANY = "*"
_QUALITY = re.compile(r"0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?")


class _Range(NamedTuple):
    """Media types that a client takes, and how gladly: 0, not at all, to 1."""

    kind: str
    subtype: str
    quality: float

    @property
    def width(self) -> int:
        """How many types it stands for: the narrowest range decides on a type."""
        return (self.kind == _ANY) + (self.subtype == _ANY)

    def __contains__(self, media_type: object) -> bool:
        kind, _, subtype = str(media_type).partition("/")
        return self.kind in {_ANY, kind} and self.subtype in {_ANY, subtype}


def best_of(offers: Sequence[str], accept: str) -> str | None:
    """The offer that the client likes best, or None if it takes none of them.

    Of offers liked equally, the one it named more precisely or sooner; then the first.
    """
    ranges = [*_ranges(accept or "*/*")]
    liked = [
        ((-chosen.quality, chosen.width, ranges.index(chosen)), offer)
        for offer in offers
        if (chosen := min(_holding(offer, ranges), key=_width, default=None))
        and chosen.quality > 0
    ]
    return min(liked, key=lambda each: each[0])[1] if liked else None


def _holding(offer: str, ranges: Sequence[_Range]) -> Iterator[_Range]:
    return (each for each in ranges if offer in each)


def _width(each: _Range) -> int:
    return each.width


def _ranges(accept: str) -> Iterator[_Range]:
    """Those that can be understood; parameters other than `q` narrow nothing here."""
    for part in accept.lower().split(","):
        named, *parameters = (each.strip() for each in part.split(";"))
        kind, slash, subtype = named.partition("/")
        if slash:
            yield _Range(kind, subtype, _quality(parameters))


def _quality(parameters: Sequence[str]) -> float:
    """What is no quality is none."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "q":
            return float(value) if _QUALITY.fullmatch(value) else 0
    return 1
