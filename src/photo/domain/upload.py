"""An upload grant: a promise of a photo, and where it may be sent until when."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NewType

from photo.domain.access import Tenant
from photo.domain.media import MediaType

UploadId = NewType("UploadId", str)

#: How long a client may take to send the photo.
GRANT_LIFETIME = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    id: UploadId
    tenant: Tenant
    content_type: MediaType
    created_at: datetime
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
    def max_bytes(self) -> int:
        return self.size_bytes or self.content_type.max_bytes

    @property
    def expires_at(self) -> datetime:
        return self.created_at + GRANT_LIFETIME

    def expired(self, now: datetime) -> bool:
        return now >= self.expires_at
