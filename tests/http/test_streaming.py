"""Over a real socket: how bodies travel, and how clients go away."""

import asyncio
import socket
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from structlog.testing import capture_logs
from structlog.typing import EventDict

from photo.adapters.memory import MemoryObjectStore
from photo.application.ports import Buckets
from photo.domain.access import Tenant
from photo.domain.media import MediaType
from tests.http.service import Service, running
from tests.http.stand_ins import CountingStore, instead
from tests.makers import photo_bytes

MEGABYTE = 1_000_000
SIZE = 40 * MEGABYTE
HEAD = photo_bytes(MediaType.TIFF)[:64]


@asynccontextmanager
async def _listening(service: Service) -> AsyncIterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            service.app, access_log=False, lifespan="off", log_config=None, ws="none"
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    host, port = listener.getsockname()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        await serving


async def _photo() -> AsyncIterator[bytes]:
    yield HEAD
    chunk = bytes(64 * 1024)
    left = SIZE - len(HEAD)
    while left:
        piece = chunk[:left]
        left -= len(piece)
        yield piece


async def _form() -> AsyncIterator[bytes]:
    yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    async for chunk in _photo():
        yield chunk
    yield b"\r\n--b--\r\n"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(_photo, "image/tiff"), (_form, "multipart/form-data; boundary=b")],
)
async def test_a_large_photo_is_never_whole_in_memory(
    body: Callable[[], AsyncIterator[bytes]], content_type: str
) -> None:
    raw = CountingStore()
    buckets = Buckets(raw=raw, processed=MemoryObjectStore())
    async with (
        running(instead(Buckets, lambda: buckets)) as service,
        _listening(service) as url,
        httpx.AsyncClient(base_url=url, timeout=60) as client,
    ):
        headers = {
            "Authorization": f"Bearer {await service.key()}",
            "Content-Type": content_type,
        }
        await client.get("/healthz")
        tracemalloc.start()
        answer = await client.post("/v1/read", content=body(), headers=headers)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert answer.status_code == 200
    assert raw.written == SIZE
    assert peak < 8 * MEGABYTE


async def test_a_body_that_breaks_off_leaves_nothing_but_a_line(
    service: Service, tenant: Tenant
) -> None:
    key = await service.key(tenant)
    logged = asyncio.Event()

    def notice(_logger: object, _method: str, event: EventDict) -> EventDict:
        logged.set()
        return event

    with capture_logs(processors=[notice]) as logs:
        async with _listening(service) as url:
            address = urlsplit(url)
            _, writer = await asyncio.open_connection(address.hostname, address.port)
            writer.write(
                b"POST /v1/read HTTP/1.1\r\nHost: photo.test\r\n"
                b"Authorization: Bearer " + key.encode() + b"\r\n"
                b"Content-Type: image/jpeg\r\nContent-Length: 1000\r\n\r\n" + HEAD
            )
            await writer.drain()
            writer.close()
            async with asyncio.timeout(60):
                await logged.wait()
    [line] = logs
    assert line["event"] == "request"
    assert line["status"] == 400
    # The server drops what it has if the end comes before anybody asked for it.
    assert line["bytes_in"] in {0, len(HEAD)}
    api = await service.client(tenant)
    assert (await api.get("/v1/jobs")).json()["items"] == []


async def test_a_large_body_is_refused_before_it_is_sent(service: Service) -> None:
    async with (
        _listening(service) as url,
        httpx.AsyncClient(base_url=url, timeout=60) as client,
    ):
        answer = await client.post("/v1/read", content=_photo())
        assert answer.status_code == 401
        answer = await client.post(
            "/v1/read",
            content=bytes(30 * MEGABYTE),
            headers={
                "Authorization": f"Bearer {await service.key()}",
                "Content-Type": "image/jpeg",
            },
        )
        assert answer.status_code == 413
