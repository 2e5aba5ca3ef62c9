"""An object store that takes whatever it is sent, from anyone."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_TAKEN = (b"PUT", b"DELETE")


@asynccontextmanager
async def careless_store(
    conditional: bytes = b"200 OK", *, says: bytes = b""
) -> AsyncIterator[str]:
    """Its address. Real servers cannot be that careless.

    What it says to conditional writes can be set, and further headers of its answers
    to writes.
    """

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        status = b"200 OK" if request.startswith(_TAKEN) else b"403 No"
        if b"if-none-match" in request.lower():
            status = conditional
        more = says if request.startswith(b"PUT") else b""
        writer.write(b"HTTP/1.1 %b\r\nContent-Length: 0\r\n%b" % (status, more))
        writer.write(b"Connection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}"
