"""The query of a list: opaque cursors, filters, moments."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Annotated

import msgspec
from litestar.params import QueryParameter
from msgspec import Meta

from photo.domain.access import KeyId
from photo.domain.audit import AuditId
from photo.domain.errors import ValidationFailed
from photo.domain.job import JobId
from photo.domain.webhook import DeliveryId, WebhookId
from photo.entrypoints.http.bodies import Metadata
from photo.entrypoints.http.faults import invalid

METADATA = "metadata."
_CURSOR = re.compile(r"[0-9a-z]{26}")
LIMIT = QueryParameter(ge=1, le=200, description="How many items a page has.")
CURSOR = QueryParameter(
    description="The `next_cursor` of the page before.",
    schema_extra={"pattern": f"^{_CURSOR.pattern}$"},
)

_Moment = Annotated[datetime, Meta(tz=True)]


def cursor_after(id: str) -> str:
    return id.rpartition("_")[2]


def job_before(cursor: str) -> JobId:
    """The last job of the page before."""
    return JobId(_last(cursor, "job"))


def key_before(cursor: str) -> KeyId:
    return KeyId(_last(cursor, "key"))


def entry_before(cursor: str) -> AuditId:
    return AuditId(_last(cursor, "aud"))


def webhook_before(cursor: str) -> WebhookId:
    return WebhookId(_last(cursor, "whk"))


def delivery_before(cursor: str) -> DeliveryId:
    return DeliveryId(_last(cursor, "msg"))


def _last(cursor: str, prefix: str) -> str:
    if not _CURSOR.fullmatch(cursor):
        raise ValidationFailed(
            "This is no cursor: send the next_cursor of the page before.",
            pointer="/cursor",
        )
    return f"{prefix}_{cursor}"


def moment(name: str, value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        return msgspec.convert(value, _Moment).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        raise ValidationFailed(
            f"{name}: Expected a moment with its time zone, such as "
            "2026-11-22T10:00:00Z (a + in a URL is written %2B).",
            pointer=f"/{name}",
        ) from None


def day(name: str, value: str | None) -> date | None:
    if value is None:
        return None
    try:
        return msgspec.convert(value, date)
    except msgspec.ValidationError:
        raise ValidationFailed(
            f"{name}: Expected a day such as 2026-11-22.", pointer=f"/{name}"
        ) from None


def metadata_filters(query: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The `metadata.<key>` of a query."""
    wanted = {
        name.removeprefix(METADATA): value
        for name, value in query
        if name.startswith(METADATA)
    }
    try:
        return tuple(msgspec.convert(wanted, Metadata).items())
    except msgspec.ValidationError as error:
        raise invalid(error, Metadata, at="/metadata") from error
