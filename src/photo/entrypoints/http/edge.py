"""What every exchange gets, whatever answers it: an id, safe headers, a log line."""

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext

from dishka import AsyncContainer
from litestar.enums import HttpMethod, ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from photo.adapters.metrics.http import RequestMetrics
from photo.entrypoints.http.cors import Cors
from photo.entrypoints.http.exchange import Exchange
from photo.entrypoints.http.headers import safe_headers
from photo.entrypoints.http.hosts import Hosts
from photo.entrypoints.http.problems import new_request_id
from photo.entrypoints.http.proxies import HEADERS, Proxies

_HOST = b"host"
_ORIGIN = b"origin"
_REQUEST_ID = b"x-request-id"
_ASKED_METHOD = b"access-control-request-method"
_TRACE = b"traceparent"
_READ = frozenset({_HOST, _ORIGIN, _REQUEST_ID, _ASKED_METHOD, _TRACE, *HEADERS})
_SANE_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
#: Probes come by address and without TLS, whatever the service is called.
_PROBES = {"/healthz", "/readyz"}

#: Around the work on a request, by the headers that matter here.
Trace = Callable[[Exchange, Mapping[bytes, bytes]], AbstractContextManager[None]]


def untraced(*_: object) -> AbstractContextManager[None]:
    return nullcontext()


class Edge:
    """The outermost middleware: it also sees what no route answers."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Hosts,
        cors: Cors,
        proxies: Proxies,
        https_only: bool,
        container: AsyncContainer,
        trace: Trace = untraced,
    ) -> None:
        self._app = app
        self._container = container
        self._requests: RequestMetrics | None = None
        self._hosts = hosts
        self._cors = cors
        self._proxies = proxies
        self._https_only = https_only
        self._trace = trace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        requests = self._requests = self._requests or await self._counter()
        sent = _sent(scope)
        self._believe_proxies(scope, sent)
        origin = sent.get(_ORIGIN)
        exchange = Exchange(
            scope,
            receive,
            send,
            request_id=_request_id(sent),
            headers=[*self._cors.headers(origin), *safe_headers(scope["scheme"])],
        )
        requests.begun()
        trace = untraced if scope["path"] in _PROBES else self._trace
        with trace(exchange, sent):
            try:
                if fault := self._fault(scope, sent):
                    await exchange.refuse(fault)
                elif _is_preflight(scope, sent) and self._cors.allows(origin):
                    await exchange.answer_preflight()
                else:
                    await self._app(exchange.scope, exchange.receive, exchange.send)
            except asyncio.CancelledError:  # the edge of the task: the process ends
                await exchange.break_off()
            finally:
                requests.ended(
                    exchange.method,
                    exchange.route,
                    exchange.status,
                    exchange.own_seconds,
                )
                exchange.log()

    async def _counter(self) -> RequestMetrics:
        return await self._container.get(RequestMetrics)

    def _believe_proxies(self, scope: HTTPScope, sent: Mapping[bytes, bytes]) -> None:
        peer = scope["client"]
        address, scheme = self._proxies.client(peer[0] if peer else None, sent)
        if address:
            scope["client"] = (address, 0)
        if scheme:
            scope["scheme"] = scheme

    def _fault(self, scope: HTTPScope, sent: Mapping[bytes, bytes]) -> str | None:
        host = sent.get(_HOST, b"")
        is_probe = scope["path"] in _PROBES
        may_lack_host = is_probe and scope["http_version"] == "1.0"
        if b"," in host or not (host or may_lack_host):
            return "Send one Host header."
        if is_probe:
            return None
        if not self._hosts.knows(host):
            return "The Host header names no host of this service."
        if self._https_only and scope["scheme"] != "https":
            return "Use https. What was sent without may have been seen by others."
        return None


def _sent(scope: HTTPScope) -> dict[bytes, bytes]:
    """What matters here of the request's headers; what came twice holds a comma."""
    sent: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in _READ:
            sent[name] = b", ".join((sent[name], value)) if name in sent else value
    return sent


def _is_preflight(scope: HTTPScope, sent: Mapping[bytes, bytes]) -> bool:
    return scope["method"] == HttpMethod.OPTIONS and _ASKED_METHOD in sent


def _request_id(sent: Mapping[bytes, bytes]) -> str:
    given = sent.get(_REQUEST_ID, b"")
    return given.decode() if _SANE_ID.fullmatch(given) else new_request_id()
