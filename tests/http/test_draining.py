"""Over real sockets: what clients see of a server that stops."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar, cast

import httpx
import pytest
from litestar.types import ASGIApp, Receive, Scope, Send

from photo.application.draining import Draining
from photo.application.ports import Buckets, WorkflowEngine
from photo.entrypoints.http.server import Server
from tests.http.conftest import Run
from tests.http.listening import (
    GET,
    POST,
    Answer,
    Line,
    Listener,
    Reached,
    http_only,
    listening,
)
from tests.http.service import JPEG, Service
from tests.http.stand_ins import HeldEngine, instead

REQUEST = GET + b"\r\n"


class Held(Reached):
    """Answers when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.set()
        await self.may_answer.wait()
        await super().__call__(scope, receive, send)


class LameDuck(Server):
    """Takes what comes until it is told that it has been long enough.

    Then it waits for what is under way, and on no machine in vain.
    """

    REQUEST_SECONDS: ClassVar = 60

    def __init__(self, app: ASGIApp, **options: Any) -> None:
        super().__init__(app, **options)
        self.config.timeout_graceful_shutdown = self.REQUEST_SECONDS
        self.lingers = asyncio.Event()
        self.long_enough = asyncio.Event()

    async def linger(self) -> None:
        self.lingers.set()
        await self.long_enough.wait()


class Hurried(LameDuck):
    REQUEST_SECONDS: ClassVar = 1


class Stopping:
    """A server, and what a test does with it."""

    def __init__(self, listener: Listener, draining: Draining) -> None:
        self.listener = listener
        self._draining = draining
        self._server = cast("LameDuck", listener.server)

    async def tell(self) -> None:
        self._draining.begin()
        async with asyncio.timeout(60):
            await self._server.lingers.wait()

    def close(self) -> None:
        self._draining.begin()
        self._server.long_enough.set()

    async def closed(self) -> None:
        async with asyncio.timeout(60):
            while any(  # noqa: ASYNC110 a socket tells nobody
                door.is_serving() for door in self._server.servers
            ):
                await asyncio.sleep(0)


@asynccontextmanager
async def serving(
    app: ASGIApp,
    draining: Draining | None = None,
    kind: type[LameDuck] = LameDuck,
) -> AsyncIterator[Stopping]:
    draining = draining or Draining()
    async with listening(http_only(app), draining=draining, kind=kind) as listener:
        stopping = Stopping(listener, draining)
        try:
            yield stopping
        finally:
            stopping.close()


async def last_answer(line: Line) -> Answer:
    answer = await line.answer()
    assert answer.headers["connection"] == "close"
    assert await line.rest() == b""
    return answer


async def test_who_comes_while_it_stops_is_answered_and_told_not_to_come_again() -> (
    None
):
    async with serving(Reached().app()) as stopping, stopping.listener.line() as kept:
        await kept.say(REQUEST)
        assert "connection" not in (await kept.answer()).headers
        await stopping.tell()
        async with stopping.listener.line() as new:
            for line in (kept, new):
                await line.say(REQUEST)
                assert (await last_answer(line)).body == b"ok"


async def test_a_request_under_way_is_answered_after_the_door_is_closed() -> None:
    held = Held()
    async with serving(held.app()) as stopping, stopping.listener.line() as line:
        await line.say(REQUEST)
        await held.asked.wait()
        stopping.close()
        await stopping.closed()
        held.may_answer.set()
        assert (await last_answer(line)).status == 200


@pytest.mark.parametrize("at", [4, len(GET)])
async def test_a_request_that_is_just_arriving_is_answered(at: int) -> None:
    async with serving(Reached().app()) as stopping, stopping.listener.line() as line:
        await line.say(REQUEST)
        await line.answer()
        await line.say(REQUEST[:at])
        stopping.close()
        await stopping.closed()
        await line.say(REQUEST[at:])
        assert (await last_answer(line)).body == b"ok"


async def test_a_client_that_had_just_come_is_answered() -> None:
    async with serving(Reached().app()) as stopping:
        lines = [stopping.listener.line() for _ in range(50)]
        opened = [await line.__aenter__() for line in lines]
        await stopping.tell()
        stopping.close()
        for line in opened:
            await line.say(REQUEST)
        for line in opened:
            assert (await last_answer(line)).body == b"ok"
            line.hang_up()


async def test_who_says_nothing_is_hung_up_on_when_it_ends() -> None:
    async with serving(Reached().app()) as stopping, stopping.listener.line() as line:
        stopping.close()
        assert await line.rest() == b""


async def test_a_stream_ends_by_itself_and_says_when_to_come_again(run: Run) -> None:
    service = await run(instead(WorkflowEngine, HeldEngine))
    api = await service.client()
    source = {"type": "upload", "upload_id": await service.upload(api)}
    job = (await api.post("/v1/jobs", json={"source": source})).json()
    async with (
        serving(service.app, await service.container.get(Draining)) as stopping,
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{stopping.listener.port}",
            headers=api.headers,
            timeout=120,
        ) as client,
        client.stream("GET", job["links"]["events"]) as answer,
    ):
        lines = answer.aiter_lines()
        while not (await anext(lines)).startswith("data: "):
            pass
        stopping.close()
        assert [line async for line in lines if line][-1].startswith("retry: ")


async def test_what_takes_too_long_is_told_to_be_sent_again() -> None:
    held = Held()
    async with (
        serving(held.app(), kind=Hurried) as stopping,
        stopping.listener.line() as line,
    ):
        await line.say(REQUEST)
        await held.asked.wait()
        stopping.close()
        answer = await last_answer(line)
        assert answer.problem["status"] == 503
        assert answer.problem["retryable"]
        assert int(answer.headers["retry-after"]) > 0
    assert not held.requests


async def test_a_photo_that_comes_too_slowly_for_the_end_has_not_been_sent(
    service: Service,
) -> None:
    api = await service.client("slow")
    key = api.headers["Authorization"].encode()
    buckets = await service.container.get(Buckets)
    before = await buckets.raw.list(after="", limit=1000)
    async with (
        serving(service.app, kind=Hurried) as stopping,
        stopping.listener.line() as line,
    ):
        await line.say(
            POST
            + b"Authorization: " + key + b"\r\nIdempotency-Key: k\r\n"
            + b"Content-Length: 5000\r\n\r\n" + JPEG[:100]
        )  # fmt: skip
        await stopping.tell()
        stopping.close()
        assert (await last_answer(line)).problem["status"] == 503
    assert (await api.get("/v1/jobs")).json()["items"] == []
    assert await buckets.raw.list(after="", limit=1000) == before
    # The key is free.
    headers = {"Content-Type": "image/jpeg", "Idempotency-Key": "k"}
    again = await api.post("/v1/read?wait=10", content=JPEG, headers=headers)
    assert again.status_code == 200
