"""Over real sockets: who is waited for, how long, and how many there may be."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import msgspec
import pytest
import uvloop
from litestar.types import ASGIApp

from photo.adapters.memory import MemoryJobFeed
from photo.application.draining import Draining
from photo.application.ports import WorkflowEngine
from photo.entrypoints.http.protocol import GuardedProtocol
from photo.entrypoints.http.server import Server, most_connections
from tests.feeds import Watched
from tests.http.conftest import Run
from tests.http.listening import (
    CHUNKED,
    GET,
    POST,
    Hasty,
    Line,
    Reached,
    http_only,
    listening,
)
from tests.http.service import JPEG, Service
from tests.http.stand_ins import HeldEngine, instead


async def test_who_says_nothing_is_hung_up_on(line: Line) -> None:
    assert await line.rest() == b""


async def test_a_head_that_trickles_is_given_up(line: Line, reached: Reached) -> None:
    await line.say(GET + b"X-Slow: ")
    answer = await line.answer()
    assert answer.status == 408
    assert answer.problem["retryable"]
    assert await line.rest() == b""
    assert not reached.requests


async def test_a_second_head_has_no_more_time_than_the_first(line: Line) -> None:
    await line.say(GET + b"\r\n")
    assert (await line.answer()).status == 200
    await line.say(GET)
    assert (await line.answer()).status == 408


@asynccontextmanager
async def _upload_begun(
    service: Service, head: bytes, begun: bytes
) -> AsyncIterator[Line]:
    key = (await service.key()).encode()
    async with (
        listening(http_only(service.app), protocol=Hasty) as listener,
        listener.line() as line,
    ):
        await line.say(POST + b"Authorization: Bearer " + key + b"\r\n" + head + begun)
        yield line


async def _is_given_up(line: Line) -> None:
    answer = await line.answer()
    assert answer.status == 408
    assert answer.problem["instance"] == "/v1/read"
    assert answer.headers["connection"] == "close"
    assert await line.rest() == b""


@pytest.mark.parametrize(
    ("head", "begun"),
    [
        (b"Content-Length: 5000\r\n\r\n", JPEG[:5]),
        (b"Content-Length: 5000\r\n\r\n", b""),
        (CHUNKED, b"5\r\n" + JPEG[:5]),
        (CHUNKED, b"5\r\n" + JPEG[:5] + b"\r\n"),
    ],
)
async def test_a_body_that_falls_silent_is_given_up(
    service: Service, head: bytes, begun: bytes
) -> None:
    async with _upload_begun(service, head, begun) as line:
        await _is_given_up(line)


async def test_a_body_that_trickles_is_given_up(service: Service) -> None:
    async with _upload_begun(
        service, b"Content-Length: 5000\r\n\r\n", JPEG[:5]
    ) as line:

        async def trickle() -> None:
            while True:
                await line.say(b"a")
                await asyncio.sleep(0.2)

        trickling = asyncio.create_task(trickle())
        await _is_given_up(line)
        trickling.cancel()


async def test_a_body_that_comes_steadily_is_waited_for(service: Service) -> None:
    """For longer than it may be silent."""
    photo = JPEG + bytes(8000)
    head = b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(photo)
    async with _upload_begun(service, head, b"") as line:
        for at in range(0, len(photo), 1024):
            await line.say(photo[at : at + 1024])
            await asyncio.sleep(0.3)
        assert (await line.rest()).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("rest", [b"", b"de"], ids=["stays away", "comes"])
async def test_who_was_answered_early_is_not_waited_for(
    service: Service, rest: bytes
) -> None:
    """Whether the rest of the body comes or not."""
    async with (
        listening(http_only(service.app), protocol=Hasty) as listener,
        listener.line() as line,
    ):
        await line.say(POST + b"Content-Length: 5\r\n\r\nabc")
        assert (await line.answer()).status == 401
        await line.say(rest)
        assert await line.rest() == b""


async def test_one_connection_too_many_is_told_so() -> None:
    app = http_only(Reached().app())
    async with (
        listening(app, connections=2) as listener,
        listener.line() as first,
        listener.line(),
        listener.line() as third,
    ):
        await third.say(GET + b"\r\n")
        answer = await third.answer()
        assert answer.status == 503
        assert answer.problem["code"] == "overloaded"
        assert int(answer.headers["retry-after"]) > 0
        assert await third.rest() == b""
        await first.say(GET + b"\r\n")
        assert (await first.answer()).status == 200
        async with listener.line() as silent, asyncio.timeout(60):
            assert await silent.rest() == b""


async def test_a_busy_process_takes_many_connections_at_a_time() -> None:
    turns = await asyncio.to_thread(uvloop.run, _turns_to_take(connections=64))
    assert turns < 64 / 2


async def _turns_to_take(connections: int) -> int:
    """Of a loop that never has nothing to do, and with it never waits."""
    loop, turns, awaited = asyncio.get_running_loop(), 0, connections + 1
    all_taken = asyncio.Event()

    class Counted(GuardedProtocol):
        def connection_made(self, transport: object) -> None:
            nonlocal awaited
            super().connection_made(transport)
            awaited -= 1
            if not awaited:
                all_taken.set()

    def turn() -> None:
        nonlocal turns
        turns += 1
        loop.call_soon(turn)

    app = http_only(Reached().app())
    async with listening(app, protocol=Counted) as listener, listener.line() as line:
        await line.say(GET + b"\r\n")
        await line.answer()
        address = ("127.0.0.1", listener.port)
        clients = [socket.create_connection(address) for _ in range(connections)]
        turn()
        await all_taken.wait()
        taken = turns
        for client in clients:
            client.close()
    return taken


def test_as_many_connections_are_taken_as_leave_room_for_files() -> None:
    assert 100 <= most_connections() <= 10_000


async def test_a_long_poll_ends_when_the_service_is_told_to_stop(run: Run) -> None:
    feed = Watched()
    service = await run(
        instead(WorkflowEngine, HeldEngine), instead(MemoryJobFeed, lambda: feed)
    )
    draining = await service.container.get(Draining)
    api = await service.client()
    upload_id = await service.upload(api)
    source = {"source": {"type": "upload", "upload_id": upload_id}}
    job = (await api.post("/v1/jobs", json=source)).json()["id"].encode()
    key = api.headers["Authorization"].encode()
    app = http_only(cast("ASGIApp", service.app))
    async with (
        listening(app, draining=draining) as listener,
        listener.line() as line,
    ):
        await line.say(b"GET /v1/jobs/" + job + b"?wait=60 HTTP/1.1\r\nHost: a\r\n")
        await line.say(b"Authorization: " + key + b"\r\n\r\n")
        async with asyncio.timeout(60):
            await feed.heard.wait()
        draining.begin()
        answer = await line.answer()
    assert answer.status == 200
    assert msgspec.json.decode(answer.body)["status"] == "queued"


def test_the_server_believes_no_process_beside_it() -> None:
    server = Server(http_only(Reached().app()), draining=Draining())
    assert not server.config.proxy_headers


async def test_the_server_tells_how_late_it_is() -> None:
    told: list[float] = []
    app = http_only(Reached().app())
    server = Server(app, draining=Draining(), on_lateness=told.append)
    await server.on_tick(1)
    await server.on_tick(2)
    assert told[0] == float("-inf")
    assert -0.1 <= told[1] < 60
