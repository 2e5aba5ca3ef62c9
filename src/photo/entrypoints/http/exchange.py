"""One request and its answer, as they pass the edge."""

from collections.abc import Sequence

import structlog
from litestar import Request
from litestar.datastructures import State
from litestar.enums import HttpMethod
from litestar.types import (
    HTTPResponseBodyEvent,
    HTTPResponseStartEvent,
    HTTPScope,
    Message,
    Receive,
    ReceiveMessage,
    Send,
)
from structlog.contextvars import bind_contextvars, clear_contextvars

from photo.adapters.metrics.http import NONE
from photo.entrypoints.http.cors import PREFLIGHT
from photo.entrypoints.http.handlers import allowed, refused
from photo.entrypoints.http.headers import Header, encoded, missing
from photo.entrypoints.http.problems import Refused
from photo.entrypoints.http.refusals import REFUSALS
from photo.entrypoints.http.slowness import Patience

log = structlog.get_logger(__name__)

#: Keys of a request's state: headers for its answer, whatever that will be; and that
#: its body comes too slowly, as the server found.
ANSWER_HEADERS = "answer_headers"
TOO_SLOW = "too_slow"

_STOPPED = "This process stops and could wait no longer. Send the request again."
_HEAD = "HEAD"
_NO_BODY: HTTPResponseBodyEvent = {
    "type": "http.response.body",
    "body": b"",
    "more_body": False,
}


class Exchange:
    """One request and its answer: to HEAD it is that to GET, but for the body."""

    def __init__(
        self,
        scope: HTTPScope,
        receive: Receive,
        send: Send,
        *,
        request_id: str,
        headers: Sequence[Header],
    ) -> None:
        self.scope = _as_get(scope) if scope["method"] == _HEAD else scope
        self._receive = receive
        self._send = send
        self._request_id = request_id
        self._headers = headers
        self._patience = Patience()
        self.method = scope["method"]
        self._body_ended = False
        self._status: int | None = None
        self._bytes_in = 0
        self._bytes_out = 0
        self._answered = False
        self._state = scope["state"]
        self._state["request_id"] = request_id
        self._state[ANSWER_HEADERS] = {}
        clear_contextvars()
        bind_contextvars(request_id=request_id)

    async def receive(self) -> ReceiveMessage:
        with self._patience.sending():
            message = await self._receive()
        if self._status is None and not self._body_ended:
            self._refuse_half_a_body(message)
        if message["type"] == "http.request":
            self._bytes_in += len(message.get("body", b""))
            self._body_ended = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = int(message["status"])
            self._patience.answer_begins()
            self._add_headers(message)
            await self._send(message)
            if self.method == _HEAD:
                # At once: what GET would stream may go on for long.
                self._answered = True
                await self._send(_NO_BODY)
        elif message["type"] == "http.response.body" and self.method != _HEAD:
            self._bytes_out += len(message.get("body", b""))
            self._answered = not message.get("more_body", False)
            await self._send(message)

    async def refuse(self, detail: str, status: int = 400) -> None:
        request: Request[None, None, State] = Request(self.scope)
        response = refused(request, Refused(detail, status_code=status))
        answer = response.to_asgi_response(app=None, request=request)
        await answer(self.scope, self.receive, self.send)

    async def break_off(self) -> None:
        """Say that it was broken off, unless something else was said already."""
        if self._status is None:
            await self.refuse(_STOPPED, status=503)

    async def answer_preflight(self) -> None:
        await self.send(
            {"type": "http.response.start", "status": 204, "headers": PREFLIGHT}
        )
        await self.send({"type": "http.response.body", "body": b"", "more_body": False})

    @property
    def route(self) -> str | None:
        """The path of the route, with names for what differs; None: there is none."""
        template: str | None = self.scope.get("path_template")
        return template

    @property
    def status(self) -> int | None:
        """None: nothing was answered yet."""
        return self._status

    @property
    def own_seconds(self) -> float:
        """What it took until the answer began, but for what the caller took."""
        return self._patience.ours(self._state)

    def log(self) -> None:
        """One line: never a query, a body or a header, for these may hold secrets."""
        # A path that no route knows may be anything, such as a key pasted there.
        route = self.route or NONE
        log.info(
            "request",
            method=self.method,
            route=route,
            status=self._status,
            complete=self._answered,
            bytes_in=self._bytes_in,
            bytes_out=self._bytes_out,
            duration_ms=round(self._patience.elapsed * 1000, 1),
        )
        self._patience.complain(self._state, method=self.method, route=route)

    def _refuse_half_a_body(self, message: ReceiveMessage) -> None:
        if message["type"] != "http.request":
            raise Refused("The connection ended before the body did.", status_code=400)
        if TOO_SLOW in self._state:
            raise Refused(REFUSALS[408].detail, status_code=408)

    def _add_headers(self, message: HTTPResponseStartEvent) -> None:
        headers = [*message["headers"]]
        present = {name for name, _ in headers}
        if b"allow" in present:
            headers = [self._allowing_all(header) for header in headers]
        if said := self._state[ANSWER_HEADERS]:
            headers += missing(encoded(said), present)
        headers += missing(self._headers, present)
        headers.append((b"x-request-id", self._request_id.encode()))
        message["headers"] = headers

    def _allowing_all(self, header: Header) -> Header:
        """Where routes share a path Litestar knows the methods of the first alone."""
        name, _ = header
        if name != b"allow":
            return header
        request: Request[None, None, State] = Request(self.scope)
        return name, ", ".join(allowed(request)).replace("GET", "GET, HEAD").encode()


def _as_get(scope: HTTPScope) -> HTTPScope:
    """A copy: the server still needs to know that it was HEAD."""
    same = scope.copy()
    same["method"] = HttpMethod.GET
    return same
