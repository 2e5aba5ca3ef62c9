"""Errors as RFC 9457 problems: the one place that knows their status codes."""

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import quote

from litestar import Request, Response
from litestar.exceptions import HTTPException
from msgspec import UNSET, Struct, UnsetType

from photo.domain.errors import (
    Conflict,
    Forbidden,
    Internal,
    Invalid,
    NotFound,
    PhotoError,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from photo.domain.job import JobId
from photo.entrypoints.http.faults import Fault
from photo.entrypoints.http.views import job_path

MEDIA_TYPE = "application/problem+json"

STATUS: Mapping[type[PhotoError], HTTPStatus] = {
    Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Unsupported: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    Internal: HTTPStatus.INTERNAL_SERVER_ERROR,
}

_HEADERS: Mapping[HTTPStatus, Mapping[str, str]] = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": 'Bearer realm="photo"'},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": "5"},
}
_WITH_FAULTS = {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}


class Refusal(NamedTuple):
    code: str
    detail: str


#: By status, what is refused before a use case is asked.
REFUSED: Mapping[int, Refusal] = {
    400: Refusal("validation_failed", "The request is malformed."),
    404: Refusal("not_found", "There is nothing at this path. See /docs."),
    405: Refusal("validation_failed", "This path does not answer to this method."),
    406: Refusal("validation_failed", "The answer is not to be had in this form."),
    413: Refusal("file_too_large", "The body is larger than this path takes."),
    415: Refusal("unsupported_media_type", "Bodies of this type are not read here."),
}


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
    faults: Sequence[Fault] = (),
    job_id: JobId | UnsetType = UNSET,
) -> Response[Problem]:
    errors = [*faults] or [Fault("", detail)]
    headers = dict(_HEADERS.get(status, {}))
    if job_id:
        headers["Location"] = job_path(job_id)
    return Response(
        Problem(
            type=type_of(code),
            title=title_of(code),
            status=status.value,
            detail=detail,
            instance=quote(request.scope["path"]),
            code=code,
            retryable=retryable,
            request_id=request.state.request_id,
            errors=errors if status in _WITH_FAULTS else UNSET,
            job_id=job_id,
        ),
        status_code=status.value,
        media_type=MEDIA_TYPE,
        headers=headers,
    )


def type_of(code: str) -> str:
    return f"urn:photo:error:{code}"


def title_of(code: str) -> str:
    return code.replace("_", " ").capitalize()


def status_of(kind: type[PhotoError]) -> HTTPStatus:
    return next(STATUS[base] for base in kind.__mro__ if base in STATUS)


def status_of_code(code: str) -> HTTPStatus:
    """The status of the error with this code; a job's failure is known by it alone."""
    kinds = (kind for kind in narrower(PhotoError) if getattr(kind, "code", "") == code)
    return next(map(status_of, kinds), HTTPStatus.UNPROCESSABLE_ENTITY)


def narrower(kind: type[PhotoError]) -> Iterator[type[PhotoError]]:
    """Every class of errors below this one."""
    for each in kind.__subclasses__():
        yield each
        yield from narrower(each)
