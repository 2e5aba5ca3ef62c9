"""The files that a job leaves behind, and the manifest that vouches for them."""

from dataclasses import dataclass
from datetime import datetime

from photo.domain.job import JobId
from photo.domain.text import Engine

NORMALIZED = "normalized.jpg"
THUMBNAIL = "thumbnail.webp"
TEXT_JSON = "text.json"
TEXT_PLAIN = "text.txt"
MANIFEST = "manifest.json"
ORIGINAL = "original"

CONTENT_TYPES = {
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
}


def page_name(number: int) -> str:
    """The normalised image of a page, counted from 1."""
    return NORMALIZED if number == 1 else f"normalized-{number}.jpg"


def content_type_of(name: str) -> str:
    return CONTENT_TYPES["." + name.rpartition(".")[2]]


@dataclass(frozen=True, slots=True)
class StoredFile:
    name: str
    content_type: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Every file of a job but the manifest itself, the original first."""

    job_id: JobId
    created_at: datetime
    engine: Engine
    files: tuple[StoredFile, ...]
