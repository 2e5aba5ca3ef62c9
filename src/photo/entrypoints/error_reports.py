"""Bugs, told to Sentry. Nothing of a user's leaves with them.

What is logged as an error with its exception is what is told: there is no second way.
"""

import sys
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, cast

from litestar.exceptions import HTTPException
from sentry_sdk import Client
from sentry_sdk.transport import HttpTransport
from sentry_sdk.types import Event, Hint
from sentry_sdk.utils import capture_internal_exceptions, event_from_exception
from structlog.typing import EventDict, WrappedLogger

from photo import __version__
from photo.domain.errors import Internal, PhotoError
from photo.entrypoints.outages import Outage

#: An API has 5 seconds to end in, and needs 4.5 of them if all else is silent as well.
FLUSH_SECONDS = 0.3

_CONTEXT = ("request_id", "trace_id", "tenant", "job_id", "step", "route")
_EVENT = frozenset(
    {"event_id", "timestamp", "level", "platform", "sdk", "release", "environment"}
)
_EXCEPTION = frozenset({"type", "module"})
_MECHANISM = frozenset(
    {"type", "handled", "exception_id", "parent_id", "is_exception_group"}
)
_FRAME = frozenset({"filename", "module", "function", "lineno", "in_app"})
_TOLD = "__told_to_sentry__"


class _Transport(HttpTransport):
    """Its own log has lines for every attempt, and is not listened to."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(options)
        self._outage = Outage("error_reports")

    def _request(self, *args: Any, **kwargs: Any) -> Any:
        answer = super()._request(*args, **kwargs)
        if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            self._outage.sent()
        return answer

    def on_dropped_event(self, _: str) -> None:
        self._outage.lost()


class ErrorReports:
    """A processor of log events that passes them on unchanged."""

    def __init__(self, dsn: str, environment: str) -> None:
        # Not the SDK's global one, which libraries would add to.
        self._client = Client(
            dsn,
            release=__version__,
            environment=environment,
            server_name="",
            transport=_Transport,
            before_send=_scrubbed,
            default_integrations=False,
            auto_enabling_integrations=False,
            in_app_include=["photo"],
            include_local_variables=False,
            include_source_context=False,
            max_breadcrumbs=0,
            max_request_body_size="never",
            send_client_reports=False,
            auto_session_tracking=False,
            enable_backpressure_handling=False,
            # Else variables of the SDK's own could turn these on.
            debug=False,
            spotlight=False,
        )

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        if event.get("level") in {"error", "critical"}:
            self.tell(_exception(event.get("exc_info")), event)
        return event

    def tell(self, error: BaseException | None, about: Mapping[str, Any]) -> None:
        """Tell of a bug, once; of nothing that is expected to happen."""
        # Telling must never break what broke already.
        with capture_internal_exceptions():
            if not isinstance(error, Exception) or _is_expected(error):
                return
            if _TOLD in vars(error):
                return
            vars(error)[_TOLD] = True
            event, hint = event_from_exception(
                error,
                client_options=self._client.options,
                mechanism={"type": "log", "handled": True},
            )
            event["tags"] = {
                name: str(about[name]) for name in _CONTEXT if about.get(name)
            }
            self._client.capture_event(event, hint)

    def close(self) -> None:
        """Send what waits, if that can be done soon."""
        self._client.close(timeout=FLUSH_SECONDS)


@contextmanager
def reporting_errors(dsn: str, environment: str) -> Iterator[ErrorReports]:
    """Tell meanwhile of bugs that are logged."""
    reports = ErrorReports(dsn, environment)
    try:
        yield reports
    finally:
        reports.close()


def _exception(given: Any) -> BaseException | None:
    """The exception of a log event, in each of the forms it may be given in."""
    match given:
        case BaseException():
            return given
        case (_, BaseException() as error, _):
            return error
        case True:
            return sys.exception()
    return None


def _is_expected(error: Exception) -> bool:
    match error:
        case ExceptionGroup(exceptions=all_):
            return all(map(_is_expected, all_))
        case PhotoError():
            return not isinstance(error, Internal)
        case HTTPException():
            return error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
    return False


def _scrubbed(event: Event, _: Hint) -> Event:
    """Only what is known to be harmless: no message, for it may hold anything."""
    told: dict[str, Any] = {**event}
    raised = told.get("exception", {}).get("values", ())
    kept = _only(_EVENT, told)
    kept["tags"] = _only(_CONTEXT, told.get("tags", {}))
    kept["exception"] = {"values": [*map(_scrubbed_exception, raised)]}
    return cast("Event", kept)


def _scrubbed_exception(raised: Mapping[str, Any]) -> dict[str, Any]:
    frames = (raised.get("stacktrace") or {}).get("frames", ())
    return {
        **_only(_EXCEPTION, raised),
        "mechanism": _only(_MECHANISM, raised.get("mechanism") or {}),
        "stacktrace": {"frames": [_only(_FRAME, frame) for frame in frames]},
    }


def _only(names: Container[str], given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name in names}
