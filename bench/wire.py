"""Requests by bare sockets: what the client costs is not measured with the server."""

import asyncio
from typing import Self

_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Wire:
    """Keeps connections open, as many as are needed at once."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: list[_Connection] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for _reader, writer in self._free:
            writer.close()
            await writer.wait_closed()

    async def ask(self, request: bytes) -> int:
        """The status of the answer, which is read to its end."""
        if not self._free:
            self._free.append(await self._connected())
        reader, writer = self._free.pop()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        fields = head.lower().split(b"content-length: ")
        await reader.readexactly(int(fields[1].split(b"\r\n")[0]))
        self._free.append((reader, writer))
        return int(head.split(b" ", 2)[1])

    async def ask_in_turn(self, request: bytes, times: int) -> None:
        for _ in range(times):
            status = await self.ask(request)
            if status >= 400:  # noqa: PLR2004 # as HTTP has it
                raise RuntimeError(f"the server answered {status}")

    async def _connected(self) -> _Connection:
        while True:
            try:
                return await asyncio.open_connection("127.0.0.1", self._port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)


def get(path: str, key: str) -> bytes:
    return _head("GET", path, key) + b"\r\n"


def post(path: str, key: str, body: bytes) -> bytes:
    described = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return _head("POST", path, key) + described.encode() + body


def _head(method: str, path: str, key: str) -> bytes:
    return (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {key}\r\n"
        "Accept: application/json\r\nUser-Agent: bench\r\n"
    ).encode()
