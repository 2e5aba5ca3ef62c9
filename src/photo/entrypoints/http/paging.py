"""The query of a list of jobs: opaque cursors, filters, moments."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from photo.domain.errors import ValidationFailed
from photo.domain.job import JobId
from photo.entrypoints.http.bodies import Metadata
from photo.entrypoints.http.faults import invalid
from photo.entrypoints.http.identifiers import is_job_id

METADATA = "metadata."

_Moment = Annotated[datetime, Meta(tz=True)]


def cursor_after(job_id: JobId) -> str:
    return urlsafe_b64encode(job_id.encode()).decode().rstrip("=")


def job_before(cursor: str) -> JobId:
    """The last job of the page before."""
    try:
        job_id = urlsafe_b64decode(f"{cursor}==").decode()
    except ValueError:
        job_id = ""
    if not is_job_id(job_id):
        raise ValidationFailed(
            "This is no cursor: send the next_cursor of the page before.",
            pointer="/cursor",
        )
    return JobId(job_id)


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
