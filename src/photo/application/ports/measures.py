"""What happened, for those who watch the service: counted, and never kept by name."""

from enum import StrEnum
from typing import Protocol

from photo.domain.job import Job
from photo.domain.text import Page
from photo.domain.upload import Upload
from photo.domain.webhook import DeliveryStatus


class Verdict(StrEnum):
    CLEAN = "clean"
    INFECTED = "infected"
    UNSCANNABLE = "unscannable"
    #: The scanner gave none.
    UNAVAILABLE = "unavailable"


class Outcome(StrEnum):
    """How an attempt at a step went."""

    DONE = "done"
    #: A dependency failed: it is tried again.
    UNAVAILABLE = "unavailable"
    #: The photo is to blame, or its job has ended meanwhile.
    REFUSED = "refused"
    #: A process died of the photo.
    CRASHED = "crashed"
    #: A bug.
    BROKE = "broke"
    CANCELLED = "cancelled"
    #: The worker stopped: another one begins anew.
    HANDED_BACK = "handed_back"


class Measures(Protocol):
    """Told of what is certain, thus after a commit. Costs next to nothing, never fails.

    Seconds are those that it took.
    """

    def granted(self, upload: Upload) -> None:
        """A client may send a photo to the bucket."""

    def arrived(self, size_bytes: int) -> None:
        """An uploaded photo of so many bytes was there for its job."""

    def expired(self, count: int) -> None:
        """So many uploads were forgotten that no job had used."""

    def ended(self, job: Job) -> None:
        """A job has ended just now: told once."""

    def scanned(self, verdict: Verdict, seconds: float) -> None:
        """The scanner was sent a photo, and answered or did not."""

    def recognized(self, page: Page, seconds: float) -> None:
        """A page was read."""

    def delivered(self, status: DeliveryStatus, seconds: float | None) -> None:
        """A delivery was attempted, or given up without; it has this status since."""

    def waited(self, queue: str, seconds: float) -> None:
        """An attempt at a step begins, so long after a worker might have taken it."""

    def attempted(self, step: str, outcome: Outcome) -> None:
        """An attempt at a step is over."""
