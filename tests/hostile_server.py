"""A server on loopback that does to its visitors whatever a test says."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

HERE = "127.0.0.1"


@dataclass
class Visit:
    """One connection, after its request came."""

    request: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def path(self) -> str:
        return self.request.split(" ")[1]

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def stay(self) -> None:
        """Until the visitor leaves."""
        while await self.reader.read(1 << 16):
            pass

    def reset(self) -> None:
        linger = struct.pack("ii", 1, 0)
        connection = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()


Deed = Callable[[Visit], Awaitable[None]]


@dataclass
class HostileServer:
    """`gone` is set when a visitor left, or was sent away."""

    deed: Deed
    host: str = HERE
    port: int = 0
    connections: int = 0
    requests: list[str] = field(default_factory=list)
    spoken_to: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/"

    async def receive(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            first = await reader.readexactly(1)
            self.spoken_to.set()
            request = (first + await reader.readuntil(b"\r\n\r\n")).decode()
            self.requests.append(request)
            await self.deed(Visit(request, reader, writer))
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()
        self.gone.set()


@asynccontextmanager
async def serving(
    deed: Deed, *, host: str = HERE, port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[HostileServer]:
    server = HostileServer(deed, host)
    visits: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}

    def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits[writer] = asyncio.create_task(server.receive(reader, writer))

    async with await asyncio.start_server(welcome, host, port, ssl=tls) as listening:
        server.port = listening.sockets[0].getsockname()[1]
        yield server
    for writer, visit in visits.items():
        visit.cancel()
        writer.transport.abort()
    await asyncio.gather(*visits.values(), return_exceptions=True)


def answer(
    body: bytes = b"", *headers: str, status: int = 200, length: int | None = None
) -> bytes:
    """A proper answer, unless its length is a lie."""
    size = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status} -", f"Content-Length: {size}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def says(data: bytes) -> Deed:
    async def deed(visit: Visit) -> None:
        await visit.say(data)

    return deed


def says_and_stays(data: bytes) -> Deed:
    async def deed(visit: Visit) -> None:
        await visit.say(data)
        await visit.stay()

    return deed


def says_for_ever(head: bytes, piece: bytes) -> Deed:
    async def deed(visit: Visit) -> None:
        await visit.say(head)
        while True:
            await visit.say(piece)

    return deed


def drips(head: bytes, byte: bytes, *, every: float) -> Deed:
    async def deed(visit: Visit) -> None:
        await visit.say(head)
        while True:
            await visit.say(byte)
            await asyncio.sleep(every)

    return deed


def redirects(location: str, status: int = 302) -> Deed:
    return says(answer(b"", f"Location: {location}", status=status))
