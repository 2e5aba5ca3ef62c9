"""What becomes of every error that leaves a route or the router."""

import re
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPMethod, HTTPStatus
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap
from litestar.utils import normalize_path

from photo.domain.errors import (
    Internal,
    PhotoError,
    Unavailable,
    ValidationFailed,
)
from photo.entrypoints.http.challenges import challenge
from photo.entrypoints.http.faults import Fault, fault_of, missing_parameter
from photo.entrypoints.http.problems import Problem, Refused, problem, status_of
from photo.entrypoints.http.refusals import REFUSALS

log = structlog.get_logger(__name__)

#: How Litestar says it.
_MISSING = re.compile(r"Missing required query parameter '(\w+)' ")

_BROKEN = "Something broke here. Send the request_id to whoever runs this service."


def expected(request: Request[Any, Any, Any], error: PhotoError) -> Response[Problem]:
    if isinstance(error, Unavailable):
        log.warning("dependency_failed", code=error.code, reason=error.reason)
    response = problem(
        request,
        status_of(type(error)),
        error.code,
        error.detail,
        retryable=error.retryable,
        retry_after=error.retry_after,
        faults=[Fault(error.pointer or "", error.detail)],
    )
    response.headers.update(challenge(request, error))
    return response


def unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """Log a bug, and tell the outside nothing of it."""
    route = request.scope.get("path_template")
    log.error("unexpected_error", route=route, exc_info=error)
    return problem(request, status_of(Internal), Internal.code, _BROKEN)


def refused(request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """What was refused before a use case was asked."""
    if error.status_code not in REFUSALS:
        return unexpected(request, error)
    code, detail, retryable = REFUSALS[error.status_code]
    if isinstance(error, Refused):
        detail = error.detail
    status = HTTPStatus(error.status_code)
    response = problem(request, status, code, detail, retryable=retryable)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        response.headers["Allow"] = ", ".join(allowed(request))
    return response


def invalid_parameters(
    request: Request[Any, Any, Any], error: ValidationException
) -> Response[Problem]:
    """Say which parameters are missing or do not fit, as Litestar found out."""
    if missing := _MISSING.match(error.detail):
        return expected(request, missing_parameter(missing[1]))
    found = error.extra if isinstance(error.extra, list) else []
    if any(each["key"] == "data" for each in found):
        empty = Refused("The body is empty. Send JSON.", status_code=400)
        return refused(request, empty)
    parameters = request.route_handler.parsed_fn_signature.parameters
    faults = [
        fault_of(message, parameters[name].annotation, at=f"/{name}")
        for name, message in ((each["key"], each["message"]) for each in found)
    ]
    return problem(
        request,
        status_of(ValidationFailed),
        ValidationFailed.code,
        " ".join(fault.detail for fault in faults) or REFUSALS[400].detail,
        faults=faults,
    )


def allowed(request: Request[Any, Any, Any]) -> Iterator[str]:
    """The methods that the path answers to."""
    path = normalize_path(request.scope["path"])
    for method in HTTPMethod:
        with suppress(HTTPException):
            request.app.asgi_router.handle_routing(path=path, method=method.value)
            yield method.value


HANDLERS: ExceptionHandlersMap = {
    PhotoError: expected,
    Internal: unexpected,
    ValidationException: invalid_parameters,
    HTTPException: refused,
    Exception: unexpected,
}
