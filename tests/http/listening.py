"""The real server on a socket, and a client that says whatever it is told to."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar, NamedTuple, cast

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from photo.application.draining import Draining
from photo.entrypoints.http.cors import Cors
from photo.entrypoints.http.edge import Edge
from photo.entrypoints.http.hosts import Hosts
from photo.entrypoints.http.protocol import GuardedProtocol
from photo.entrypoints.http.proxies import Proxies
from photo.entrypoints.http.server import Server
from photo.entrypoints.in_memory import memory_container

GET = b"GET /healthz HTTP/1.1\r\nHost: photo.test\r\n"
POST = b"POST /v1/read HTTP/1.1\r\nHost: photo.test\r\nContent-Type: image/jpeg\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


class Hasty(GuardedProtocol):
    """Gives up in a second or two."""

    HEAD_SECONDS: ClassVar[float] = 0.5
    SILENT_SECONDS: ClassVar[float] = 1


class Abrupt(Server):
    """Stops as soon as it can."""

    async def linger(self) -> None:
        """Not at all."""


class Reached:
    """An application behind the edge that notes what gets through to it."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, bytes]] = []
        self.headers: list[tuple[bytes, bytes]] = []

    def app(self) -> ASGIApp:
        return Edge(
            cast("ASGIApp", self),
            hosts=Hosts(()),
            cors=Cors(()),
            proxies=Proxies(()),
            https_only=False,
            container=memory_container(),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == ScopeType.HTTP
        body = b""
        while True:
            message: Any = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.requests.append((scope["path"], body))
        self.headers = [*scope["headers"]]
        answer: list[Any] = [
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-length", b"2")],
            },
            {"type": "http.response.body", "body": b"ok", "more_body": False},
        ]
        for message in answer:
            await send(message)


def http_only(app: ASGIApp) -> ASGIApp:
    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if cast("str", scope["type"]) == "http":
            await app(scope, receive, send)

    return serve


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        assert self.headers["content-type"] == "application/problem+json"
        problem: dict[str, Any] = msgspec.json.decode(self.body)
        assert problem["status"] == self.status
        assert problem["request_id"] == self.headers["x-request-id"]
        return problem


class Line:
    """One connection."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader = reader
        self._writer = writer

    async def say(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self) -> Answer:
        """The next answer, which has a Content-Length."""
        async with asyncio.timeout(60):
            head = await self._reader.readuntil(b"\r\n\r\n")
            status, *lines = head.decode().splitlines()[:-1]
            headers = {
                name.lower(): value
                for name, _, value in (line.partition(": ") for line in lines)
            }
            body = await self._reader.readexactly(int(headers["content-length"]))
        return Answer(int(status.split()[1]), headers, body)

    async def rest(self) -> bytes:
        """Whatever comes until the other side hangs up."""
        async with asyncio.timeout(60):
            try:
                return await self._reader.read()
            except ConnectionResetError:
                return b""

    def hang_up(self) -> None:
        self._writer.close()


class Listener(NamedTuple):
    server: Server
    port: int

    @asynccontextmanager
    async def line(self) -> AsyncIterator[Line]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        line = Line(reader, writer)
        try:
            yield line
        finally:
            line.hang_up()


@asynccontextmanager
async def listening(
    app: ASGIApp,
    *,
    protocol: type[GuardedProtocol] = GuardedProtocol,
    connections: int | None = None,
    draining: Draining | None = None,
    kind: type[Server] = Abrupt,
) -> AsyncIterator[Listener]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = kind(
        app,
        protocol=protocol,
        connections=connections,
        draining=draining or Draining(),
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield Listener(server, listener.getsockname()[1])
    finally:
        server.should_exit = True
        await serving
