"""The files that a job leaves behind, and the manifest that vouches for them."""

import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Self

from photo.domain.job import JobId
from photo.domain.text import Engine

NORMALIZED = "normalized.jpg"
THUMBNAIL = "thumbnail.webp"
TEXT_JSON = "text.json"
TEXT_PLAIN = "text.txt"
MANIFEST = "manifest.json"
ORIGINAL = "original"

#: What every job that succeeded has, whatever its photo.
ALWAYS_THERE = frozenset(
    {ORIGINAL, NORMALIZED, THUMBNAIL, TEXT_JSON, TEXT_PLAIN, MANIFEST}
)

#: Keys of the processed bucket.
_ARTIFACT_KEY = re.compile(r"[^/]+/(job_[0-9a-z]{26})/([^/]+)")

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

    @classmethod
    def of(cls, name: str, data: bytes) -> Self:
        """One of those made here."""
        return cls(name, content_type_of(name), len(data), sha256(data).hexdigest())


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Every file of a job but the manifest itself, the original first."""

    job_id: JobId
    created_at: datetime
    engine: Engine
    files: tuple[StoredFile, ...]


def artifact_of(key: str) -> tuple[JobId, str] | None:
    """Whose file a key of the processed bucket names, and its name, if it is ours."""
    found = _ARTIFACT_KEY.fullmatch(key)
    return (JobId(found[1]), found[2]) if found else None


def is_artifact_key(key: str) -> bool:
    """Whether a key of the processed bucket is one that this service makes."""
    return artifact_of(key) is not None
