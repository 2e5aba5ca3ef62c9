"""What fails: a front of the application, and a store. Who is not troubled by it."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, NamedTuple, cast

import httpx
from aiohttp import web
from litestar.types import ASGIApp, Receive, Scope, Send

from drill.asking import Asker
from photo.application.ports import ObjectStore
from photo.entrypoints.local.ports import HOST
from tests.http.listening import Listener
from tests.makers import in_chunks


class Hasty(Asker):
    """Does not wait as long as it should."""

    def pause(self, failures: int, answer: httpx.Response | None) -> float:
        return super().pause(failures, answer) / 100


class Deed(Enum):
    WELL = auto()
    #: Nothing is done.
    BUSY = auto()
    #: Turned down for good; nothing is done.
    REFUSED = auto()
    #: All is done, but no answer comes; a stream breaks off.
    CUT = auto()
    #: All seems well, but nothing is done.
    LOST = auto()


class Request(NamedTuple):
    method: str
    path: str
    key: str | None
    last_event_id: str | None


@dataclass
class Shaky:
    """In front of an application."""

    app: ASGIApp
    deeds: Iterator[Deed]
    listeners: list[Listener] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.requests.append(_request(scope))
        match next(self.deeds):
            case Deed.BUSY:
                await _say_busy(send)
            case Deed.CUT:
                await self.app(scope, receive, self._cutting(scope, send))
            case _:
                await self.app(scope, receive, send)

    def _cutting(self, scope: Scope, send: Send) -> Send:
        left = 2 if scope["path"].endswith("/events") else 0

        async def cut(message: Any) -> None:
            nonlocal left
            if left:
                left -= 1
                await send(message)
            else:
                self._hang_up(scope["client"])

        return cut

    def _hang_up(self, client: Any) -> None:
        for listener in self.listeners:
            for connection in [*listener.server.server_state.connections]:
                line = cast("Any", connection)
                if line.client == client:
                    line.transport.abort()

    def keys(self, method: str, path: str) -> list[str | None]:
        """The idempotency keys of such requests."""
        return [
            each.key
            for each in self.requests
            if (each.method, each.path) == (method, path)
        ]


def _request(scope: Scope) -> Request:
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    return Request(
        cast("Any", scope)["method"],
        scope["path"],
        headers.get("idempotency-key"),
        headers.get("last-event-id"),
    )


async def _say_busy(send: Send) -> None:
    headers = [(b"retry-after", b"0"), (b"content-length", b"0")]
    answer: list[Any] = [
        {"type": "http.response.start", "status": 503, "headers": headers},
        {"type": "http.response.body", "body": b"", "more_body": False},
    ]
    for message in answer:
        await send(message)


@dataclass
class ShakyStore:
    bucket: ObjectStore
    deeds: Iterator[Deed]
    keys: list[str] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        form: Any = await request.post()
        self.keys.append(form["key"])
        deed = next(self.deeds)
        if deed in {Deed.WELL, Deed.CUT}:
            content = in_chunks(form["file"].file.read())
            content_type = form["Content-Type"]
            await self.bucket.write(form["key"], content, content_type=content_type)
        if deed is Deed.CUT and request.transport:
            request.transport.abort()
        statuses = {Deed.BUSY: 503, Deed.REFUSED: 403}
        return web.Response(status=statuses.get(deed, 204))


@asynccontextmanager
async def listening_store(store: ShakyStore) -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes([web.post("/", store.take)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    yield f"http://{HOST}:{runner.addresses[0][1]}/"
    await runner.cleanup()
