"""What every exchange gets, whatever answers it: an id, safe headers, a log line."""

import re
from collections.abc import Collection
from time import perf_counter
from urllib.parse import quote
from uuid import uuid4

import structlog
from litestar import Request
from litestar.datastructures import Headers, MutableScopeHeaders, State
from litestar.enums import HttpMethod, ScopeType
from litestar.types import (
    ASGIApp,
    HTTPScope,
    Message,
    Receive,
    ReceiveMessage,
    Scope,
    Send,
)
from structlog.contextvars import bind_contextvars, clear_contextvars

from photo.entrypoints.http.handlers import refused
from photo.entrypoints.http.problems import Refused

log = structlog.get_logger()

_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::[0-9]+)?")
_ANY_HOST = "*"
_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_HTTPS_HEADERS = {"Strict-Transport-Security": "max-age=31536000"}
_API_HEADERS = {"Cache-Control": "no-store"}
#: Probes come by address, whatever the service is called.
_PROBES = {"/healthz", "/readyz"}
_LONGEST_PATH = 200
_HEAD = "HEAD"


class Edge:
    """The outermost middleware: it also sees what no route answers."""

    def __init__(self, app: ASGIApp, *, allowed_hosts: Collection[str]) -> None:
        self._app = app
        self._allowed_hosts = frozenset(host.lower() for host in allowed_hosts)
        self._any_host = not allowed_hosts or _ANY_HOST in allowed_hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send)
        try:
            if self._knows(scope):
                await self._app(exchange.scope, exchange.receive, exchange.send)
            else:
                await exchange.refuse("The Host header names no host of this service.")
        finally:
            exchange.log()

    def _knows(self, scope: HTTPScope) -> bool:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) > 1:
            return False
        if self._any_host or scope["path"] in _PROBES:
            return True
        return bool(hosts) and _name(hosts[0]) in self._allowed_hosts


class _Exchange:
    """One request and its answer: to HEAD it is that to GET, but for the body."""

    def __init__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        self.scope = _as_get(scope) if scope["method"] == _HEAD else scope
        self._receive = receive
        self._send = send
        self._began = perf_counter()
        self._method = scope["method"]
        self._path = scope["path"]
        self._body_ended = False
        self._status: int | None = None
        self._bytes_in = 0
        self._bytes_out = 0
        self._answered = False
        self._id = _request_id(scope)
        scope["state"]["request_id"] = self._id
        clear_contextvars()
        bind_contextvars(request_id=self._id)

    async def receive(self) -> ReceiveMessage:
        message = await self._receive()
        if message["type"] == "http.request":
            self._bytes_in += len(message.get("body", b""))
            self._body_ended = not message.get("more_body", False)
        elif not self._body_ended and self._status is None:
            raise Refused("The connection ended before the body did.", status_code=400)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._add_headers(message)
        elif message["type"] == "http.response.body":
            if self._method == _HEAD:
                message["body"] = b""
            self._bytes_out += len(message.get("body", b""))
            self._answered = not message.get("more_body", False)
        await self._send(message)

    async def refuse(self, detail: str) -> None:
        request: Request[None, None, State] = Request(self.scope)
        response = refused(request, Refused(detail, status_code=400))
        answer = response.to_asgi_response(app=None, request=request)
        await answer(self.scope, self.receive, self.send)

    def log(self) -> None:
        """One line: never a query, a body or a header, for these may hold secrets."""
        route = self.scope.get("path_template")
        log.info(
            "request",
            method=self._method,
            # A path that no route knows is shown quoted.
            route=route or quote(self._path)[:_LONGEST_PATH],
            status=self._status,
            complete=self._answered,
            bytes_in=self._bytes_in,
            bytes_out=self._bytes_out,
            duration_ms=round((perf_counter() - self._began) * 1000, 1),
        )

    def _add_headers(self, message: Message) -> None:
        headers = MutableScopeHeaders.from_message(message)
        headers["X-Request-Id"] = self._id
        if allowed := headers.get("Allow"):
            headers["Allow"] = allowed.replace("GET", "GET, HEAD")
        safe = dict(_HEADERS)
        if self.scope["scheme"] == "https":
            safe |= _HTTPS_HEADERS
        if self._path.startswith("/v1"):
            safe |= _API_HEADERS
        for name, value in safe.items():
            headers.setdefault(name, value)


def _as_get(scope: HTTPScope) -> HTTPScope:
    """A copy: the server still needs to know that it was HEAD."""
    same = scope.copy()
    same["method"] = HttpMethod.GET
    return same


def _request_id(scope: HTTPScope) -> str:
    sent = Headers.from_scope(scope).get("X-Request-Id", "")
    return sent if _SANE_ID.fullmatch(sent) else f"req_{uuid4().hex}"


def _name(host: bytes) -> str | None:
    """The name in a Host header, without brackets and port."""
    found = _HOST.fullmatch(host.decode("latin-1").lower())
    return found and (found[1] or found[2])
