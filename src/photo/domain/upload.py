"""An upload grant: a promise of a photo, and where it may be sent until when."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NewType

from photo.domain.access import Tenant
from photo.domain.errors import ChecksumMismatch, ContentMismatch
from photo.domain.media import MediaType

UploadId = NewType("UploadId", str)

#: How long a client may take to send the photo.
GRANT_LIFETIME = timedelta(minutes=15)

#: How long a photo waits in the raw bucket for a job, or stays there after one.
RAW_LIFETIME = timedelta(hours=24)

#: Keys of the raw bucket: of an upload, or of a job that fetches its photo itself.
_RAW_KEY = re.compile(r"[^/]+/(?:upl|job)_[0-9a-z]{26}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    id: UploadId
    tenant: Tenant
    content_type: MediaType
    created_at: datetime
    #: The size that was promised, or else the limit of its type at that time.
    max_bytes: int
    size_bytes: int | None = None
    #: Lower-case hex, as the client promised it.
    sha256: str | None = None
    #: The client's name for the file: data, never part of a key.
    filename: str | None = None

    @property
    def key(self) -> str:
        """Where the photo lies in the raw bucket."""
        return f"{self.tenant}/{self.id}"

    @property
    def expires_at(self) -> datetime:
        return self.created_at + GRANT_LIFETIME

    def expired(self, now: datetime) -> bool:
        return now >= self.expires_at

    def outlived(self, now: datetime) -> bool:
        """Whether its photo may be swept from the raw bucket."""
        return now >= self.created_at + RAW_LIFETIME

    def accept(self, head: bytes, *, size_bytes: int, sha256: str) -> MediaType:
        """The type of the file that was sent, or the first promise that it breaks."""
        found = MediaType.accepted(head)
        if not found.promised_by(self.content_type):
            raise ContentMismatch(
                f"The bytes are {found}, but {self.content_type} was promised."
            )
        if self.size_bytes not in {None, size_bytes}:
            raise ContentMismatch(
                f"The file has {size_bytes} bytes, but {self.size_bytes} were promised."
            )
        if self.sha256 not in {None, sha256}:
            raise ChecksumMismatch(
                "The file's SHA-256 is not the promised one. Send the photo again."
            )
        return found


def is_raw_key(key: str) -> bool:
    """Whether a key of the raw bucket is one that this service makes."""
    return _RAW_KEY.fullmatch(key) is not None
