"""The network to S3 breaks: every call ends in time, and works again later."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from drill.proxy import FaultProxy
from drill.shapes import Deed
from photo.adapters.s3.buckets import is_public
from photo.adapters.s3.clients import Limits, S3Clients, open_clients
from photo.adapters.s3.store import S3ObjectStore
from photo.domain.errors import Unavailable
from photo.entrypoints.local.servers import Servers
from tests.faults import (
    FAULTS,
    Call,
    all_fail_and_recover,
    in_front_of,
    seconds_to_fail,
    works,
)
from tests.makers import in_chunks

LIMITS = Limits(connect=1, silence=2, slowest=4_000_000)
#: Of an upload in parts, a request and its being taken back.
#: With what a busy machine adds.
BOUND = 30.0
JPEG = "image/jpeg"
SMALL, LARGE = b"x" * 300, b"x" * (9 << 20)


@dataclass
class Away:
    """A bucket, behind a proxy."""

    proxy: FaultProxy
    clients: S3Clients
    bucket: str

    @property
    def store(self) -> S3ObjectStore:
        return S3ObjectStore(self.clients, bucket=self.bucket)

    def calls(self) -> Mapping[str, Call]:
        return {
            "head": lambda: self.store.head("there"),
            "read": self.read,
            "write": lambda: self.write("small", SMALL),
            "write in parts": lambda: self.write("large", LARGE),
            "delete": lambda: self.store.delete("gone"),
            "list": lambda: self.store.list(after="", limit=1),
            "check": self.store.check,
            "probe": lambda: is_public(self.clients, self.bucket),
        }

    async def write(self, key: str, data: bytes) -> None:
        await self.store.write(key, in_chunks(data), content_type=JPEG)

    async def read(self) -> None:
        _ = [chunk async for chunk in self.store.read("there")]


@asynccontextmanager
async def opened(
    servers: Servers, endpoint: str, *, attempts: int = 1
) -> AsyncIterator[S3Clients]:
    async with open_clients(
        region=servers.s3.region,
        endpoint=endpoint,
        access_key_id=servers.s3.access_key_id,
        secret_access_key=servers.s3.secret_access_key,
        attempts=attempts,
        limits=LIMITS,
    ) as clients:
        yield clients


@pytest.fixture
async def away(servers: Servers, bucket: str) -> AsyncIterator[Away]:
    async with (
        in_front_of(servers.s3.endpoint) as proxy,
        opened(servers, f"http://127.0.0.1:{proxy.port}") as clients,
    ):
        away = Away(proxy, clients, bucket)
        await works(lambda: away.write("there", SMALL))
        yield away


@pytest.mark.parametrize("fault", FAULTS)
async def test_with_open_connections_every_call_ends(away: Away, fault: Deed) -> None:
    await asyncio.gather(*map(works, away.calls().values()))
    await all_fail_and_recover(away.proxy, fault, away.calls(), within=BOUND)


@pytest.mark.parametrize("fault", FAULTS)
async def test_in_the_middle_of_an_object_it_ends_as_well(
    away: Away, fault: Deed
) -> None:
    await works(lambda: away.write("large", LARGE))

    async def read_on() -> None:
        chunks = away.store.read("large")
        async for _ in chunks:
            await away.proxy.set(fault)

    await seconds_to_fail(read_on, within=BOUND)
    await away.proxy.set(None)
    await works(away.read)


async def test_who_takes_their_time_with_an_object_is_not_cut_off(away: Away) -> None:
    async for _ in away.store.read("there"):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(LIMITS.of(len(SMALL)) + 0.5):
                await asyncio.Event().wait()


@pytest.mark.parametrize("attempts", [1, 2])
async def test_a_request_is_tried_as_often_as_it_was_said(
    servers: Servers, attempts: int
) -> None:
    tries = 0

    async def refuse(reader: StreamReader, writer: StreamWriter) -> None:
        nonlocal tries
        tries += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        async with opened(
            servers, f"http://{host}:{port}", attempts=attempts
        ) as clients:
            with pytest.raises(Unavailable):
                await S3ObjectStore(clients, bucket="raw").head("photo")
    assert tries == attempts
