"""What comes in as JSON."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct, field

from photo.application.keys import LONGEST_LIFE
from photo.application.uploads import PhotoPromise
from photo.domain.access import Scope
from photo.domain.characters import HIDDEN
from photo.domain.errors import UnsupportedMediaType, ValidationFailed
from photo.domain.filename import clean_filename
from photo.domain.media import MediaType
from photo.domain.upload import UploadId
from photo.domain.webhook import Event

_SHA256 = "^[0-9a-fA-F]{64}$"
_UPLOAD_ID = "^upl_[0-9a-z]{26}$"
_METADATA_KEY = r"^(?![\s\S]*[^A-Za-z0-9_.-])"
_NO_CONTROLS = r"^(?![\s\S]*[\u0000-\u001f\u007f-\u009f])"
_NOTHING_HIDDEN = rf"^(?![\s\S]*[{HIDDEN}])"

#: What a pattern asks for, in words.
FORMS: Mapping[str, str] = {
    _SHA256: "64 hexadecimal digits",
    _UPLOAD_ID: "an upload's id, as POST /v1/uploads answered it",
    _METADATA_KEY: "letters, digits, dots, hyphens and underscores",
    _NO_CONTROLS: "text without control characters",
    _NOTHING_HIDDEN: "text without control, direction and invisible characters",
}

# The upper bounds also keep out the line feed that `$` lets through.
Url = Annotated[str, Meta(max_length=2000)]
Sha256 = Annotated[str, Meta(pattern=_SHA256, max_length=64)]
FileName = Annotated[str, Meta(pattern=_NO_CONTROLS, min_length=1, max_length=255)]
MetadataKey = Annotated[str, Meta(pattern=_METADATA_KEY, min_length=1, max_length=64)]
MetadataValue = Annotated[str, Meta(pattern=_NOTHING_HIDDEN, max_length=500)]
Metadata = Annotated[dict[MetadataKey, MetadataValue], Meta(max_length=20)]


class _Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mistyped field is refused by name, never ignored."""


class NewUpload(_Request, frozen=True):
    content_type: Annotated[str, Meta(max_length=100, examples=["image/jpeg"])]
    size_bytes: Annotated[int, Meta(ge=1)] | None = None
    sha256: Sha256 | None = None
    filename: FileName | None = None

    def promise(self) -> PhotoPromise:
        content_type = MediaType.named(self.content_type)
        if content_type is None:
            raise UnsupportedMediaType(
                f"Photos of this type are not read. Accepted: {', '.join(MediaType)}.",
                pointer="/content_type",
            )
        return PhotoPromise(
            content_type=content_type,
            size_bytes=self.size_bytes,
            sha256=self.sha256,
            filename=clean_filename(self.filename or ""),
        )


class NewKey(_Request, frozen=True):
    name: Annotated[str, Meta(pattern=_NOTHING_HIDDEN, min_length=1, max_length=100)]
    scopes: Annotated[frozenset[Scope], Meta(min_length=1)]
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None
    expires_in_days: Annotated[int, Meta(ge=1, le=LONGEST_LIFE.days)] | None = None

    @property
    def expires(self) -> datetime | timedelta | None:
        """When, or after how long; never, if neither is said."""
        if self.expires_in_days is None:
            return self.expires_at
        if self.expires_at is not None:
            raise ValidationFailed(
                "Send expires_at or expires_in_days, not both.",
                pointer="/expires_in_days",
            )
        return timedelta(days=self.expires_in_days)


class UploadSource(_Request, frozen=True, tag_field="type", tag="upload"):
    """A photo that was sent to an upload's url."""

    upload_id: Annotated[UploadId, Meta(pattern=_UPLOAD_ID, max_length=30)]


class UrlSource(_Request, frozen=True, tag_field="type", tag="url"):
    """A photo that the service is to fetch."""

    url: Url


class NewJob(_Request, frozen=True):
    source: UploadSource | UrlSource
    metadata: Metadata = field(default_factory=dict)
    webhook_url: Url | None = None


class NewWebhook(_Request, frozen=True):
    url: Url
    events: Annotated[list[Event], Meta(min_length=1, max_length=len(Event))] = field(
        default_factory=lambda: [*Event]
    )
