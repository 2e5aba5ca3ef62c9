"""What travels through Temporal: ids, names, sizes and checksums.

Histories outlive releases: a field is only ever added, and with a default.
"""

from dataclasses import dataclass

from photo.domain.files import StoredFile
from photo.domain.job import Failure, JobId
from photo.domain.text import Engine
from photo.domain.webhook import DeliveryId


@dataclass(frozen=True, slots=True)
class JobRef:
    job_id: JobId
    #: Whether the photo is yet to be fetched from a URL.
    fetch: bool = False


@dataclass(frozen=True, slots=True)
class PageRef:
    """A normalised image by name, and the upright original's size in pixels."""

    name: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Normalized:
    files: list[StoredFile]
    pages: list[PageRef]


@dataclass(frozen=True, slots=True)
class ToRecognize:
    job_id: JobId
    pages: list[PageRef]


@dataclass(frozen=True, slots=True)
class Recognized:
    files: list[StoredFile]
    engine: Engine


@dataclass(frozen=True, slots=True)
class ToPublish:
    job_id: JobId
    files: list[StoredFile]
    engine: Engine


@dataclass(frozen=True, slots=True)
class ToFail:
    job_id: JobId
    failure: Failure


@dataclass(frozen=True, slots=True)
class DeliveryRef:
    delivery_id: DeliveryId


@dataclass(frozen=True, slots=True)
class Pause:
    """Until a delivery's next attempt; None if it has come to its end."""

    seconds: float | None
