"""Everything that is sent in one run, each file with a name that finds it again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from mimetypes import guess_type
from pathlib import Path
from random import Random
from typing import Literal

from hostile.attempt import Attempt, Kind, a_photo, as_is
from hostile.bombs import BOMBS, endless_scans
from hostile.disguises import DISGUISES
from hostile.lies import FIELDS, PIECES, rearranged, untrue
from hostile.mutations import MUTATIONS, Mutation
from hostile.photos import good_photos
from photo.domain.media import SNIFF_BYTES, MediaType

Source = Literal["good", "variant", "corpus"]


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    source: Source
    kind: str
    attempt: Attempt


def good_cases() -> Iterator[Case]:
    """What must be read without a fault, whatever else is under way."""
    for photo in good_photos():
        yield Case(f"good-{photo.name}", "good", photo.content_type.name, as_is(photo))


def variants(seed: int, count: int) -> Iterator[Case]:
    """The first so many of a seed; each depends on the seed and its number alone."""
    for number in range(count):
        kind = _ROUND[number % len(_ROUND)]
        yield Case(f"{kind}-{number}", "variant", kind, variant(kind, seed, number))


def variant(kind: str, seed: int, number: int) -> Attempt:
    rng = Random(f"{seed}/{number}")  # noqa: S311 - to be repeated, not secret
    return KINDS[kind](rng)


def endless() -> Case:
    """What only a limit ends."""
    return Case("bomb-endless", "variant", "bomb-endless", endless_scans())


def corpus(folder: Path) -> Iterator[Case]:
    """Every file below a folder, sent as what it seems to be."""
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = file.read_bytes()
        found = MediaType.of(content[:SNIFF_BYTES])
        promised = found or MediaType.named(guess_type(file)[0] or "") or MediaType.JPEG
        kind = found.name if found else "other"
        name = str(file.relative_to(folder))
        yield Case(name, "corpus", kind, Attempt(content, promised))


def _damaged(mutate: Mutation, rng: Random) -> Attempt:
    photo = a_photo(rng)
    return Attempt(mutate(rng, photo.content), photo.content_type)


def _lying(content_type: MediaType, rng: Random) -> Attempt:
    photo = a_photo(rng, content_type)
    return Attempt(untrue(rng, photo.content, content_type), content_type)


def _rearranged(rng: Random) -> Attempt:
    photo = a_photo(rng, *PIECES)
    content = rearranged(rng, photo.content, photo.content_type)
    return Attempt(content, photo.content_type)


_DAMAGES: Mapping[str, Kind] = {
    **{name: partial(_damaged, mutate) for name, mutate in MUTATIONS.items()},
    **{f"lie-{kind.name.lower()}": partial(_lying, kind) for kind in FIELDS},
    "rearranged": _rearranged,
}

KINDS: Mapping[str, Kind] = {**_DAMAGES, **DISGUISES, **BOMBS}

# What differs most from one variant to the next comes more often.
_ROUND = (*_DAMAGES, *DISGUISES, *_DAMAGES, *BOMBS, *_DAMAGES)
