"""Errors as RFC 9457 problems; the catalogue knows their status codes."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from math import ceil
from secrets import token_hex
from typing import Any
from urllib.parse import quote

from litestar import Request, Response
from litestar.exceptions import HTTPException
from msgspec import UNSET, Struct, UnsetType

from photo.domain.errors import PhotoError
from photo.domain.job import JobId
from photo.entrypoints.http.catalogue import CATALOGUE
from photo.entrypoints.http.faults import Fault
from photo.entrypoints.http.views import job_path

MEDIA_TYPE = "application/problem+json"

#: What comes with a problem of a status.
HEADERS: Mapping[HTTPStatus, Mapping[str, str]] = {
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": "5"},
}
WITH_FAULTS = {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}


class Refused(HTTPException):
    """Its `detail` is meant for the caller, unlike those of the framework."""


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    retryable: bool
    request_id: str
    errors: list[Fault] | UnsetType = UNSET
    #: The job that was made all the same.
    job_id: JobId | UnsetType = UNSET


def problem(
    request: Request[Any, Any, Any],
    status: HTTPStatus,
    code: str,
    detail: str,
    *,
    retryable: bool = False,
    retry_after: timedelta | None = None,
    faults: Sequence[Fault] = (),
    job_id: JobId | UnsetType = UNSET,
) -> Response[Problem]:
    headers = dict(HEADERS.get(status, {}))
    if retry_after is not None:
        headers["Retry-After"] = str(ceil(retry_after.total_seconds()))
    if job_id:
        headers["Location"] = job_path(job_id)
    return Response(
        description(
            status,
            code,
            detail,
            instance=quote(request.scope["path"]),
            request_id=request.state.request_id,
            retryable=retryable,
            faults=faults,
            job_id=job_id,
        ),
        status_code=status.value,
        media_type=MEDIA_TYPE,
        headers=headers,
    )


def description(
    status: HTTPStatus,
    code: str,
    detail: str,
    *,
    instance: str,
    request_id: str,
    retryable: bool,
    faults: Sequence[Fault] = (),
    job_id: JobId | UnsetType = UNSET,
) -> Problem:
    errors = [*faults] or [Fault("", detail)]
    return Problem(
        type=type_of(code),
        title=title_of(code),
        status=status.value,
        detail=detail,
        instance=instance,
        code=code,
        retryable=retryable,
        request_id=request_id,
        errors=errors if status in WITH_FAULTS else UNSET,
        job_id=job_id,
    )


def new_request_id() -> str:
    return f"req_{token_hex(16)}"


def type_of(code: str) -> str:
    """Where the error is explained."""
    return f"/docs/errors#{code}"


def title_of(code: str) -> str:
    return CATALOGUE[code].title


def status_of(kind: type[PhotoError]) -> HTTPStatus:
    return CATALOGUE[kind.code].status


def status_of_code(code: str) -> HTTPStatus:
    """The status of the error with this code; a job's failure is known by it alone."""
    return CATALOGUE[code].status


def narrower(kind: type[PhotoError]) -> Iterator[type[PhotoError]]:
    """Every class of errors below this one."""
    for each in kind.__subclasses__():
        yield each
        yield from narrower(each)
