"""`PhotoClient` and a service that comes and goes."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest

from photo.entrypoints.client import PhotoClient, Refused

QUEUED = {"id": "job_1", "status": "queued", "error": None}
ENDED = QUEUED | {"status": "succeeded"}
AWAY = {"code": "dependency_unavailable", "detail": "Try again.", "retryable": True}
GONE = {"code": "not_found", "detail": "There is no such job.", "retryable": False}

Answer = httpx.Response | httpx.TransportError


@asynccontextmanager
async def a_client(*answers: Answer) -> AsyncIterator[PhotoClient]:
    """Of a service that gives these answers and no others."""
    left: Iterator[Answer] = iter(answers)

    def answer(_: httpx.Request) -> httpx.Response:
        match next(left):
            case httpx.Response() as response:
                return response
            case error:
                raise error

    api = httpx.AsyncClient(
        base_url="http://photo", transport=httpx.MockTransport(answer)
    )
    async with PhotoClient(api, httpx.AsyncClient()) as client:
        yield client
    assert not [*left]


async def test_a_job_is_followed_through_an_absence_of_the_service() -> None:
    answers: list[Answer] = [
        httpx.Response(503, json=AWAY),
        httpx.ConnectError("refused"),
        httpx.Response(200, json=ENDED),
    ]
    async with a_client(*answers) as client:
        assert await client.ended(QUEUED) == ENDED


async def test_a_gateway_that_misses_the_service_is_asked_again() -> None:
    answers = [httpx.Response(502, text="<html>"), httpx.Response(200, json=ENDED)]
    async with a_client(*answers) as client:
        assert await client.ended(QUEUED) == ENDED


async def test_a_final_refusal_is_taken_at_once() -> None:
    async with a_client(httpx.Response(404, json=GONE)) as client:
        with pytest.raises(Refused, match="not_found"):
            await client.ended(QUEUED)


async def test_a_service_that_is_not_there_is_a_refusal() -> None:
    async with a_client(httpx.ConnectError("refused")) as client:
        with pytest.raises(Refused, match="dependency_unavailable"):
            await client.submit_url("https://example.com/a.jpg")


async def test_no_proxy_leads_to_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntext")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        for host in ("127.0.0.1", "localhost"):
            async with PhotoClient.connect(f"http://{host}:{port}", "key") as client:
                assert await client.result({"id": "job_1"}, "text") == "text"
