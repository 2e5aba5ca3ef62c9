"""`PhotoClient` and a service that comes and goes."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest

from photo.domain.formats import Format
from photo.entrypoints.client import PhotoClient, Refused

QUEUED = {"id": "job_1", "status": "queued", "error": None}
ENDED = QUEUED | {"status": "succeeded"}
AWAY = {"code": "dependency_unavailable", "detail": "Try again.", "retryable": True}
BUSY = {"code": "rate_limited", "detail": "Try again in 7 s.", "retryable": True}
GONE = {"code": "not_found", "detail": "There is no such job.", "retryable": False}

Answer = httpx.Response | httpx.TransportError


class Naps(list[float]):
    """How long a client slept; no time passes."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


@asynccontextmanager
async def a_client(
    *answers: Answer,
    naps: Naps | None = None,
    requests: list[httpx.Request] | None = None,
) -> AsyncIterator[PhotoClient]:
    """Of a service that gives these answers and no others."""
    left: Iterator[Answer] = iter(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        if requests is not None:
            requests.append(request)
        match next(left):
            case httpx.Response() as response:
                return response
            case error:
                raise error

    api = httpx.AsyncClient(
        base_url="http://photo", transport=httpx.MockTransport(answer)
    )
    sleep = Naps() if naps is None else naps
    async with PhotoClient(api, httpx.AsyncClient(), sleep) as client:
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


def put_off(status: int, seconds: str) -> httpx.Response:
    return httpx.Response(status, json=BUSY, headers={"Retry-After": seconds})


@pytest.mark.parametrize("status", [429, 503])
async def test_a_client_that_is_put_off_comes_back_when_it_is_told_to(
    status: int,
) -> None:
    naps = Naps()
    answers = [put_off(status, "7"), put_off(status, "2"), httpx.Response(202, json={})]
    async with a_client(*answers, naps=naps) as client:
        await client.submit_url("https://example.com/a.jpg")
    assert 7 <= naps[0] <= 7 * 1.25
    assert 2 <= naps[1] <= 2 * 1.25


async def test_clients_that_are_put_off_together_do_not_come_back_together() -> None:
    naps = Naps()
    for _ in range(20):
        answers = [put_off(429, "7"), httpx.Response(200, json=ENDED)]
        async with a_client(*answers, naps=naps) as client:
            await client.ended(QUEUED)
    assert len({*naps}) == 20


async def test_what_is_sent_again_is_done_once() -> None:
    requests: list[httpx.Request] = []
    answers = [put_off(503, "1"), httpx.Response(202, json={})] * 2
    async with a_client(*answers, requests=requests) as client:
        await client.submit_url("https://example.com/a.jpg")
        await client.submit_url("https://example.com/a.jpg")
    keys = [request.headers["Idempotency-Key"] for request in requests]
    assert keys[0] == keys[1] != keys[2] == keys[3]


async def test_a_client_does_not_wait_for_ever() -> None:
    naps = Naps()
    async with a_client(*[put_off(429, "100")] * 4, naps=naps) as client:
        with pytest.raises(Refused, match="rate_limited"):
            await client.submit_url("https://example.com/a.jpg")
    assert len(naps) == 3


async def test_a_client_that_would_wait_too_long_says_so_at_once() -> None:
    naps = Naps()
    async with a_client(put_off(503, "301"), naps=naps) as client:
        with pytest.raises(Refused, match=r"Try again in 7 s\."):
            await client.result({"id": "job_1"}, Format.TEXT)
    assert naps == []


@pytest.mark.parametrize("told", ["Wed, 21 Oct 2026 07:28:00 GMT", "-1", "soon"])
async def test_what_is_no_number_of_seconds_is_a_refusal(told: str) -> None:
    async with a_client(put_off(429, told)) as client:
        with pytest.raises(Refused, match="rate_limited"):
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
                assert await client.text({"id": "job_1"}) == "text"
