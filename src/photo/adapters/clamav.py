"""Scanner on clamd, ClamAV's daemon: every file in a connection of its own.

On sockets, not on asyncio's streams: clamd may answer and hang up in the middle of a
file, and a stream whose write fails drops the answer that has already come.
"""

import asyncio
import re
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from socket import AF_UNIX, SOCK_STREAM, AddressFamily, socket
from typing import Any

from photo.application.ports import Scanner
from photo.domain.errors import Unavailable, Unscannable

_LABEL = r"[\w-]{1,63}"
_URL = re.compile(
    rf"unix:(?://)?(?P<path>/[^/].*)"
    rf"|tcp://(?P<host>(?:{_LABEL}\.)*{_LABEL}|\[[0-9a-fA-F:.]+\]):(?P<port>\d{{1,5}})",
    re.ASCII,
)
_HIGHEST_PORT = 65_535

#: A file travels in frames of at least this and less than twice this length.
_FRAME_BYTES = 64 * 1024
_REPLY_BYTES = 4096
_CLEAN = b"stream: OK\0"
_TOO_LONG = b"INSTREAM size limit exceeded. ERROR\0"
_CTIME = "%a %b %d %H:%M:%S %Y"
_FOUND = re.compile(rb"stream: ([ -~]+) FOUND\0")
#: Told like a signature, but it says that clamd did not see all of the file: the last
#: by clamd 0.105, of one over its MaxFileSize.
_UNSEEN = (
    "Heuristics.Limits.Exceeded",
    "Heuristics.Email.ExceedsMax",
    "Heuristics.Encrypted",
    "(null)",
)


def parse_clamd_url(url: str) -> str | tuple[str, int]:
    """The path of a socket, or host and port. The `ValueError` quotes no value."""
    given = _URL.fullmatch(url)
    if given and given["path"]:
        return given["path"]
    if given and 0 < int(given["port"]) <= _HIGHEST_PORT:
        return given["host"].strip("[]"), int(given["port"])
    raise ValueError("must be tcp://host:3310 or unix:/path")


class ClamdScanner(Scanner):
    """Asks the clamd at a URL, with nothing kept between two questions.

    A file longer than `max_bytes` is `Unscannable` whatever clamd would say. Nothing
    waits longer than `connect_seconds` for a connection, and than `silence_seconds`
    in all for clamd to take a file and, when it has it, to answer.
    """

    def __init__(
        self,
        url: str,
        *,
        max_bytes: int,
        connect_seconds: float = 3,
        silence_seconds: float = 60,
    ) -> None:
        self._address = parse_clamd_url(url)
        self._max_bytes = max_bytes
        self._connect_seconds = connect_seconds
        self._silence_seconds = silence_seconds

    async def scan(self, chunks: AsyncIterator[bytes]) -> str | None:
        async with self._connection() as clamd:
            complete = await self._send_file(clamd, chunks)
            reply = await self._receive(clamd)
        return _verdict(reply, complete=complete)

    async def check(self) -> None:
        if await self._ask(b"zPING\0") != b"PONG\0":
            raise _unavailable("odd_reply")

    async def signatures_made_at(self) -> datetime | None:
        """The date of ClamAV's own signatures, if it has any."""
        version = await self._ask(b"zVERSION\0")
        *_, date = version.rstrip(b"\0").decode("ascii", "replace").split("/")
        with suppress(ValueError):
            return datetime.strptime(date, _CTIME).replace(tzinfo=UTC)
        return None

    async def _ask(self, command: bytes) -> bytes:
        async with self._connection() as clamd:
            await self._send(clamd, command, within=self._silence_seconds)
            return await self._receive(clamd)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[socket]:
        with _translated():
            async with asyncio.timeout(self._connect_seconds):
                clamd = await _connect(self._address)
        with clamd:
            yield clamd

    async def _send_file(self, clamd: socket, chunks: AsyncIterator[bytes]) -> bool:
        clock, patience = asyncio.get_running_loop().time, self._silence_seconds
        async with aclosing(_frames(chunks, self._max_bytes)) as frames:
            async for frame in frames:
                since = clock()
                if not await self._send(clamd, frame, within=patience):
                    return False
                patience -= clock() - since
        return True

    async def _send(self, clamd: socket, data: bytes, *, within: float) -> bool:
        """Whether clamd took it. If it hung up instead, its answer says why."""
        try:
            async with asyncio.timeout(within):
                await asyncio.get_running_loop().sock_sendall(clamd, data)
        except TimeoutError as error:
            raise _unavailable("TimeoutError") from error
        except OSError:
            return False
        return True

    async def _receive(self, clamd: socket) -> bytes:
        """One answer up to its zero byte, or what there is of it at the end."""
        loop, reply = asyncio.get_running_loop(), b""
        with _translated():
            async with asyncio.timeout(self._silence_seconds):
                while not reply.endswith(b"\0") and len(reply) < _REPLY_BYTES:
                    part = await loop.sock_recv(clamd, _REPLY_BYTES)
                    if not part:
                        break
                    reply += part
        return reply


async def _connect(address: str | tuple[str, int]) -> socket:
    """To the first place of a host's that takes the connection."""
    loop = asyncio.get_running_loop()
    if isinstance(address, str):
        return await _connect_to(AF_UNIX, address)
    found = await loop.getaddrinfo(*address, type=SOCK_STREAM)
    *others, (family, *_, last) = found
    for family_of_other, *_, place in others:
        with suppress(OSError):
            return await _connect_to(family_of_other, place)
    return await _connect_to(family, last)


async def _connect_to(family: AddressFamily, place: Any) -> socket:
    connection = socket(family, SOCK_STREAM)
    try:
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, place)
    except BaseException:
        connection.close()
        raise
    return connection


async def _frames(
    chunks: AsyncIterator[bytes], max_bytes: int
) -> AsyncGenerator[bytes, None]:
    """The command to scan a file, the file piece by piece, and its end."""
    yield b"zINSTREAM\0"
    size, piece = 0, bytearray()
    async for chunk in chunks:
        size += len(chunk)
        if size > max_bytes:
            raise Unscannable("The file is longer than what is scanned for viruses.")
        for start in range(0, len(chunk), _FRAME_BYTES):
            piece += chunk[start : start + _FRAME_BYTES]
            if len(piece) >= _FRAME_BYTES:
                yield _frame(piece)
                piece.clear()
    if piece:
        yield _frame(piece)
    yield _frame(b"")


def _frame(piece: bytes | bytearray) -> bytes:
    return struct.pack("!I", len(piece)) + piece


def _verdict(reply: bytes, *, complete: bool) -> str | None:
    """What an answer means. Only what is known to be a verdict is taken for one."""
    if reply == _CLEAN and complete:
        return None
    if reply == _TOO_LONG:
        raise Unscannable(
            "The file is longer than what the virus scanner looks at.",
            reason="StreamMaxLength",
        )
    if found := _FOUND.fullmatch(reply):
        name = found[1].decode()
        if name.startswith(_UNSEEN):
            raise Unscannable(
                "The virus scanner cannot look at all of this file.", reason=name
            )
        return name
    raise _unavailable("odd_reply" if reply else "no_reply")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unavailable(type(error).__name__) from error


def _unavailable(reason: str) -> Unavailable:
    return Unavailable(
        "The virus scanner gives no answer at the moment.", reason=reason
    )
