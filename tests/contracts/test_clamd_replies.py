"""A server that is no clamd, or a broken one, is never taken for a verdict."""

import asyncio
import socket
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import pytest

from photo.adapters.clamav import ClamdScanner
from photo.domain.errors import Unavailable, Unscannable
from tests.scanning import LARGEST, chunked

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
FILE = bytes(20_000_000)
END = bytes(4)


#: Seconds: of a busy machine, and less than a scanner has by default.
PATIENCE = 25


def scanner_at(url: str, patience: float = 30) -> ClamdScanner:
    return ClamdScanner(
        url, max_bytes=LARGEST, connect_seconds=patience, silence_seconds=patience
    )


@asynccontextmanager
async def a_server(serve: Serve, patience: float = 30) -> AsyncIterator[ClamdScanner]:
    """A scanner that asks a server like this one."""

    async def handle(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await serve(reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield scanner_at(f"tcp://127.0.0.1:{port}", patience)


def says(reply: bytes) -> Serve:
    """Reads a whole file, answers and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\0")
        while length := int.from_bytes(await reader.readexactly(4), "big"):
            await reader.readexactly(length)
        writer.write(reply)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    return serve


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"\0",
        b"OK\0",
        b"stream: O",
        b"stream: OK",
        b"stream: OK\n",
        b"stream: OK\0stream: Virus FOUND\0",
        b"stream: ok\0",
        b"fstream: OK\0",
        b"1: stream: OK\0",
        b"stream: FOUND\0",
        b"stream: Virus FOUND",
        b"stream: Virus FOUND\0stream: OK\0",
        b"stream: Vir\xffus FOUND\0",
        b"stream: Vir\nus FOUND\0",
        b"stream: Can't allocate memory ERROR\0",
        b"INSTREAM: Can't write to temporary file. ERROR\0",
        b"COMMAND READ TIMED OUT\0",
        b"UNKNOWN COMMAND\0",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x16",
        b"A" * 1_000_000,
    ],
    ids=repr,
)
async def test_an_answer_that_is_no_verdict_is_none(reply: bytes) -> None:
    async with a_server(says(reply)) as scanner:
        with pytest.raises(Unavailable) as raised:
            await scanner.scan(chunked(b"photo"))
    assert raised.value.reason in {"odd_reply", "no_reply", "ConnectionResetError"}


@pytest.mark.parametrize(
    ("version", "made_at"),
    [
        (
            b"ClamAV 1.4.6/27812/Fri Nov  7 08:35:57 2025\0",
            datetime(2025, 11, 7, 8, 35, 57, tzinfo=UTC),
        ),
        (b"ClamAV 1.4.6\0", None),
        (b"ClamAV 1.4.6/27812/yesterday\0", None),
        (b"\xff\0", None),
        (b"", None),
    ],
)
async def test_the_version_dates_the_signatures(
    version: bytes, made_at: datetime | None
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readuntil(b"\0") == b"zVERSION\0"
        writer.write(version)
        await writer.drain()
        writer.write_eof()

    async with a_server(serve) as scanner:
        assert await scanner.signatures_made_at() == made_at


@pytest.mark.parametrize(
    "name",
    [
        "Heuristics.Limits.Exceeded",
        "Heuristics.Limits.Exceeded.MaxFiles",
        "Heuristics.Limits.Exceeded.MaxScanTime.UNOFFICIAL",
        "Heuristics.Email.ExceedsMax.Recursion",
        "Heuristics.Encrypted.PDF",
        "(null)",
    ],
)
async def test_what_clamd_gave_up_is_not_called_infected(name: str) -> None:
    async with a_server(says(f"stream: {name} FOUND\0".encode())) as scanner:
        with pytest.raises(Unscannable) as raised:
            await scanner.scan(chunked(b"photo"))
    assert raised.value.reason == name


@pytest.mark.parametrize(
    "name",
    [
        "Win.Test.EICAR_HDB-1",
        "Eicar-Test-Signature(69630e4574ec6798239b091cda43dca0:69)",
        "Heuristics.Phishing.Email.SpoofedDomain",
        "A name of our own (signed)",
    ],
)
async def test_any_other_name_is_that_of_something_harmful(name: str) -> None:
    async with a_server(says(f"stream: {name} FOUND\0".encode())) as scanner:
        assert await scanner.scan(chunked(b"photo")) == name


async def test_an_answer_may_come_byte_by_byte() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(END)
        for byte in b"stream: Some.Virus-1 FOUND\0":
            writer.write(bytes([byte]))
            await writer.drain()
        await reader.read()

    async with a_server(serve) as scanner:
        assert await scanner.scan(chunked(b"photo")) == "Some.Virus-1"


@pytest.mark.parametrize("reply", [b"", b"\0", b"PONG", b"PING\0", b"stream: OK\0"])
async def test_only_a_pong_is_a_sign_of_life(reply: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readuntil(b"\0") == b"zPING\0"
        writer.write(reply)
        await writer.drain()

    async with a_server(serve) as scanner:
        with pytest.raises(Unavailable):
            await scanner.check()


async def test_an_answer_without_bounds_is_not_read() -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"A" * 65_536)
            await writer.drain()

    async with a_server(serve) as scanner:
        with pytest.raises(Unavailable) as raised:
            await scanner.scan(chunked(b"photo"))
    assert raised.value.reason == "odd_reply"


async def test_an_answer_that_never_ends_is_none() -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not writer.transport.is_closing():
            writer.write(b".")
            await asyncio.sleep(0.05)

    since = monotonic()
    async with a_server(serve, patience=0.3) as scanner:
        with pytest.raises(Unavailable) as raised:
            await scanner.scan(chunked(b"photo"))
    assert raised.value.reason == "TimeoutError"
    assert monotonic() - since < PATIENCE


@pytest.mark.parametrize("file", [b"photo", FILE], ids=["short", "long"])
async def test_who_hangs_up_at_once_gives_no_verdict(file: bytes) -> None:
    async def serve(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        """Nothing."""

    async with a_server(serve) as scanner:
        with pytest.raises(Unavailable):
            await scanner.scan(chunked(file))
        with pytest.raises(Unavailable):
            await scanner.check()


@pytest.mark.parametrize("file", [b"photo", FILE], ids=["short", "long"])
async def test_who_never_reads_gives_no_verdict_in_time(file: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        scanner = scanner_at(f"tcp://127.0.0.1:{server.getsockname()[1]}", 0.3)
        since = monotonic()
        with pytest.raises(Unavailable) as raised:
            await scanner.scan(chunked(file))
    assert raised.value.reason == "TimeoutError"
    assert monotonic() - since < PATIENCE


async def test_who_lets_nobody_in_is_unavailable_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        place = server.getsockname()
        with socket.create_connection(place):
            since = monotonic()
            with pytest.raises(Unavailable) as raised:
                await scanner_at(f"tcp://127.0.0.1:{place[1]}", 0.3).check()
    assert raised.value.reason == "TimeoutError"
    assert monotonic() - since < PATIENCE


async def test_a_socket_that_is_missing_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as raised:
        await scanner_at(f"unix:{tmp_path}/clamd.sock").scan(chunked(b"photo"))
    assert raised.value.reason == "FileNotFoundError"
    assert str(tmp_path) not in str(raised.value)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX])
async def test_an_answer_before_the_end_is_heard(
    family: socket.AddressFamily, tmp_path: Path
) -> None:
    reply = b"INSTREAM size limit exceeded. ERROR\0"
    with hanging_up(family, tmp_path, reply) as scanner:
        for _ in range(100):
            with pytest.raises(Unscannable):
                await scanner.scan(chunked(FILE))


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX])
async def test_clean_before_the_end_is_no_verdict(
    family: socket.AddressFamily, tmp_path: Path
) -> None:
    with (
        hanging_up(family, tmp_path, b"stream: OK\0") as scanner,
        pytest.raises(Unavailable),
    ):
        await scanner.scan(chunked(FILE))


async def test_memory_stays_flat() -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(45):
            yield bytes(1 << 20)

    async with a_server(says(b"stream: OK\0")) as scanner:
        tracemalloc.start()
        assert await scanner.scan(endless()) is None
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 5 << 20


@contextmanager
def hanging_up(
    family: socket.AddressFamily, folder: Path, reply: bytes
) -> Iterator[ClamdScanner]:
    """A server of another thread, so at any moment: reads a part, answers, hangs up."""
    path = str(folder / "clamd.sock")
    with (
        socket.socket(family) as server,
        ThreadPoolExecutor(1) as thread,
    ):
        server.bind(("127.0.0.1", 0) if family == socket.AF_INET else path)
        server.listen()
        thread.submit(_answer_early, server, reply)
        name = server.getsockname()
        yield scanner_at(
            f"tcp://127.0.0.1:{name[1]}" if family == socket.AF_INET else f"unix:{path}"
        )
        server.shutdown(socket.SHUT_RDWR)


def _answer_early(server: socket.socket, reply: bytes) -> None:
    while True:
        client, _ = server.accept()
        with client:
            read = 0
            while read < 100_000:
                read += len(client.recv(1 << 16))
            client.sendall(reply)


async def test_a_clamd_that_takes_a_file_in_sips_is_given_up() -> None:
    async def sip(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        taken = 1
        while taken:
            taken = len(await reader.read(64 * 1024))
            await asyncio.sleep(0.02)

    async with a_server(sip, patience=3) as scanner:
        with pytest.raises(Unavailable) as raised:
            await scanner.scan(chunked(bytes(45_000_000)))
    # Who waits to the end is hung up on: that is another reason.
    assert raised.value.reason == "TimeoutError"
