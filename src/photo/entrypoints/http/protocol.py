"""What is asked of a connection before a request of it is anybody's business.

uvicorn's protocol on httptools parses strictly, but takes anything and waits for ever.
"""

from http import HTTPStatus
from typing import Any, ClassVar, Never

import httptools
import msgspec
import structlog
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from photo.entrypoints.http.exchange import TOO_SLOW
from photo.entrypoints.http.headers import encoded, safe_headers
from photo.entrypoints.http.problems import (
    HEADERS,
    MEDIA_TYPE,
    description,
    new_request_id,
)
from photo.entrypoints.http.refusals import REFUSALS

log = structlog.get_logger(__name__)


class GuardedProtocol(HttpToolsProtocol):
    """Limits of size as they are passed; those of time whenever `enforce` is called.

    Whatever is refused here reaches no route; the connection is closed.
    """

    MOST_HEADERS: ClassVar = 100
    MOST_HEAD_BYTES: ClassVar = 32 * 1024
    HEAD_SECONDS: ClassVar[float] = 15
    #: How long a body may be silent, and what it is to bring in a second otherwise.
    SILENT_SECONDS: ClassVar[float] = 30
    LEAST_BODY_BYTES: ClassVar = 1024

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # uvicorn's own refusal is no problem+json.
        self._most_connections, self.limit_concurrency = self.limit_concurrency, None
        self._is_one_too_many = False
        self._fault = HTTPStatus.BAD_REQUEST
        self._head_since: float | None = None
        self._head_bytes = 0
        self._is_in_body = False
        self._patience = self.SILENT_SECONDS
        self._body_bytes = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        most = self._most_connections
        self._is_one_too_many = most is not None and len(self.connections) > most
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        if self._is_one_too_many:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
            return
        if self._head_since is None and not self._is_in_body:
            self._expect_head()
        awaited = self._head_since
        super().data_received(data)
        if awaited is not None and awaited == self._head_since:
            self._head_bytes += len(data)
            if self._head_bytes > self.MOST_HEAD_BYTES:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_in_body:
            return  # a trailer: no header, whatever it is called
        if len(self.headers) >= self.MOST_HEADERS:
            self._stop_parsing(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        size = len(self.url) + sum(
            len(name) + len(value) for name, value in self.headers
        )
        if size > self.MOST_HEAD_BYTES:
            self._stop_parsing(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        if not self.url.startswith(b"/") and self._names_another_host():
            self._stop_parsing(HTTPStatus.BAD_REQUEST)
        super().on_headers_complete()
        self._head_since = None
        self._is_in_body = True
        self._patience = self.SILENT_SECONDS
        self._body_bytes = 0

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_in_body = False
        super().on_message_complete()
        if self.cycle.response_complete:
            # uvicorn no longer waits for the connection to be idle too long.
            self._expect_head()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 # said otherwise
        """What uvicorn does with whatever cannot be parsed."""
        self._refuse(self._fault)

    def finish(self) -> None:
        """Close with the answer to the request under way, if there is one."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None:
            cycle.keep_alive = False

    def shutdown(self) -> None:
        """Close now, unless a request is under way or arriving."""
        if self._head_since is None or not self._head_bytes:
            super().shutdown()

    def enforce(self, now: float) -> None:
        """To be called every second."""
        if self._is_one_too_many:
            self.transport.close()
        elif self._is_in_body:
            self._enforce_pace()
        elif (
            self._head_since is not None and now > self._head_since + self.HEAD_SECONDS
        ):
            self._give_up_on_head()

    def _enforce_pace(self) -> None:
        """Silence uses patience up; bytes earn it back, and waiting for us is free."""
        if self.flow.read_paused:
            return
        earned = self._body_bytes / self.LEAST_BODY_BYTES
        self._body_bytes = 0
        self._patience = min(self.SILENT_SECONDS, self._patience + earned - 1)
        if self._patience > 0:
            return
        if self.cycle.response_started:
            self.transport.close()
        else:
            # The application is waiting for it, and says so to the client.
            self.scope["state"][TOO_SLOW] = True
            self.cycle.keep_alive = False
            self.cycle.message_event.set()

    def _give_up_on_head(self) -> None:
        if self._head_bytes:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _expect_head(self) -> None:
        self._head_since = self.loop.time()
        self._head_bytes = 0

    def _names_another_host(self) -> bool:
        """Of a target that is a whole URL; the path alone is what routes see."""
        authority = self.url.partition(b"://")[2].partition(b"/")[0].lower()
        hosts = [value.lower() for name, value in self.headers if name == b"host"]
        return self.url != b"*" and hosts != [authority]

    def _stop_parsing(self, status: HTTPStatus) -> Never:
        self._fault = status
        raise httptools.HttpParserError(status.phrase)

    def _refuse(self, status: HTTPStatus) -> None:
        request_id = new_request_id()
        log.info("request_refused", status=status.value, request_id=request_id)
        if self._may_answer():
            self.transport.write(_answer(status, request_id))
        self.transport.close()

    def _may_answer(self) -> bool:
        """Whether what is written now is taken for the answer to what is refused."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:
            return True
        is_its_own = self._is_in_body and not self.pipeline
        return is_its_own and not cycle.response_started


def _answer(status: HTTPStatus, request_id: str) -> bytes:
    code, detail, retryable = REFUSALS[status]
    problem = description(
        status, code, detail, instance="/", request_id=request_id, retryable=retryable
    )
    body = msgspec.json.encode(problem)
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        (b"x-request-id", request_id.encode()),
        *encoded(HEADERS.get(status, {})),
        *safe_headers("http"),
    ]
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    return STATUS_LINE[status] + lines + b"\r\n" + body
