"""What is sent to the service, and what may come of it."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from hostile.photos import Photo, good_photos
from photo.domain.media import MediaType

SUCCEEDED = "succeeded"


@dataclass(frozen=True, slots=True)
class Attempt:
    """Bytes and what is promised of them. The type need not be one that is read."""

    content: bytes
    content_type: str
    size_bytes: int | None = None
    sha256: str | None = None
    #: The only verdicts that are right, where that is known: codes, or `succeeded`.
    verdicts: frozenset[str] = frozenset()
    #: What the photo says, where it must be read without a fault.
    text: str | None = None


Kind = Callable[[Random], Attempt]


def a_photo(rng: Random, *content_types: MediaType) -> Photo:
    """A good one, of any of these types or of any at all."""
    fitting = [
        photo
        for photo in good_photos()
        if not content_types or photo.content_type in content_types
    ]
    return rng.choice(fitting)


def as_is(photo: Photo) -> Attempt:
    verdicts = frozenset({SUCCEEDED})
    return Attempt(
        photo.content, photo.content_type, verdicts=verdicts, text=photo.text
    )
