"""A client that can be left alone: the same request, until its answer stands."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import ClassVar

import httpx
import pytest

from drill.asking import Api, Asker, GaveUp
from drill.balancer import Balancer
from drill.following import Follower
from drill.ledger import Ledger
from drill.orders import Then, orders
from drill.reader import Promise, Reader
from photo.entrypoints.local.ports import HOST, choose_ports
from tests.drill.shaky import Hasty
from tests.hostile_server import Deed, HostileServer, Visit, answer, says, serving

ROUTE = "/v1/jobs"
PROBLEM = "Content-Type: application/problem+json"
ACCEPTED = says(answer(b'{"id": "job_1"}', status=202))
BUSY = says(answer(b"", "Retry-After: 0", status=503))
CHANCE = Random(7)  # noqa: S311 - no secret


class Impatient(Api):
    PATIENCE_SECONDS: ClassVar = 0.5


async def hang_up(visit: Visit) -> None:
    visit.reset()


async def keep_silent(visit: Visit) -> None:
    await visit.stay()


def header(request: str, name: str) -> str | None:
    lines = (line.partition(": ") for line in request.splitlines())
    return next((value for key, _, value in lines if key.lower() == name), None)


class Script:
    """Meets each request in its turn, and the last one again and again."""

    def __init__(self, *deeds: Deed) -> None:
        self._deeds = [*deeds]
        self.bodies: list[bytes] = []

    async def play(self, visit: Visit) -> None:
        length = int(header(visit.request, "content-length") or 0)
        self.bodies.append(await visit.reader.readexactly(length))
        deed = self._deeds.pop(0) if len(self._deeds) > 1 else self._deeds[0]
        await deed(visit)


@asynccontextmanager
async def asking(*urls: str) -> AsyncIterator[Asker]:
    async with httpx.AsyncClient(
        transport=Balancer(urls, CHANCE), base_url=urls[0], timeout=1
    ) as http:
        yield Hasty(http, Ledger(), CHANCE)


def keys(server: HostileServer) -> Sequence[str | None]:
    return [header(request, "idempotency-key") for request in server.requests]


async def test_whatever_passes_is_answered_by_the_same_request() -> None:
    in_progress = b'{"code": "idempotency_in_progress"}'
    script = Script(
        BUSY,
        hang_up,
        keep_silent,
        says(answer(b"", "Retry-After: 0", status=429)),
        says(answer(in_progress, PROBLEM, status=409)),
        says(b"not HTTP at all\r\n\r\n"),
        says(answer(b"", status=500)),
        ACCEPTED,
    )
    async with serving(script.play) as server, asking(server.url) as asker:
        answered = await Api.with_key("pk", asker).ask(
            "POST", ROUTE, key="mine", json={"number": 1}
        )
    assert answered.status_code == 202
    statuses = [503, None, None, 429, 409, None, 500, 202]
    assert [each.status for each in asker.ledger.answers] == statuses
    assert asker.ledger.answers[0].retry_after == 0
    assert asker.ledger.answers[4].code == "idempotency_in_progress"
    assert {(each.method, each.route) for each in asker.ledger.answers} == {
        ("POST", ROUTE)
    }
    assert keys(server) == ["mine"] * 8
    assert {*script.bodies} == {b'{"number":1}'}


async def test_what_is_turned_down_for_good_is_not_asked_for_again() -> None:
    script = Script(says(answer(b'{"code": "upload_used"}', PROBLEM, status=409)))
    async with serving(script.play) as server, asking(server.url) as asker:
        refused = await Api.with_key("pk", asker).ask("POST", ROUTE)
    assert refused.status_code == 409
    assert len(server.requests) == 1


async def test_patience_ends() -> None:
    async with serving(Script(BUSY).play) as server, asking(server.url) as asker:
        with pytest.raises(GaveUp):
            await Impatient.with_key("pk", asker).ask("POST", ROUTE)
    assert len(server.requests) > 1


def test_pauses_are_those_asked_for_or_become_longer() -> None:
    asker = Asker(httpx.AsyncClient(), Ledger(), CHANCE)
    told = httpx.Response(503, headers={"Retry-After": "7"})
    for _ in range(20):
        assert 7 <= asker.pause(0, told) <= 8
        assert 0.1 <= asker.pause(0, None) <= 0.3
        assert 1 <= asker.pause(3, None) <= 2
        assert 2 <= asker.pause(2000, None) <= 4


async def test_a_process_that_is_away_is_passed_over() -> None:
    nobody = f"http://{HOST}:{choose_ports(['nobody'])['nobody']}"
    async with (
        serving(Script(ACCEPTED).play) as server,
        asking(nobody, server.url) as asker,
    ):
        for _ in range(8):
            await Api.with_key("pk", asker).ask("POST", ROUTE)
    assert [each.status for each in asker.ledger.answers] == [202] * 8


async def test_what_may_have_reached_a_process_is_not_sent_to_another() -> None:
    script = Script(hang_up, ACCEPTED)
    async with (
        serving(script.play) as one,
        serving(script.play) as other,
        asking(one.url, other.url) as asker,
    ):
        assert await asker.once("POST", ROUTE, route=ROUTE) is None
    assert len(one.requests) + len(other.requests) == 1


async def test_without_any_process_there_is_no_answer() -> None:
    ports = choose_ports(["one", "other"]).values()
    async with asking(*(f"http://{HOST}:{port}" for port in ports)) as asker:
        assert await asker.once("GET", ROUTE, route=ROUTE) is None
    assert [each.status for each in asker.ledger.answers] == [None]


def stream(*events: tuple[int, str], then: Deed = hang_up) -> Deed:
    async def deed(visit: Visit) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
        await visit.say(head + b"retry: 3000\n\n:\n\n")
        for number, status in events:
            data = f'{{"status": "{status}"}}'
            await visit.say(f"event: job\nid: {number}\ndata: {data}\n\n".encode())
        await then(visit)

    return deed


class Listener(Follower):
    TIMEOUT: ClassVar = httpx.Timeout(1)


async def test_a_follower_comes_again_with_the_last_event_that_it_had() -> None:
    script = Script(
        BUSY,
        stream((1, "queued"), (2, "running")),
        hang_up,
        stream(then=keep_silent),
        stream((3, "running"), then=keep_silent),
        stream((4, "succeeded")),
    )
    order = next(
        each for each in orders(7, 0, 20, scanned=True) if each.then is Then.FOLLOW
    )
    async with serving(script.play) as server, asking(server.url) as asker:
        api = Api.with_key("pk", asker)
        await Listener(api, asker.ledger, "job_1", "").go_on(order)
    assert asker.ledger.followed == {"job_1": [1, 2, 3, 4]}
    assert asker.ledger.told == {"job_1": {"succeeded"}}
    last = [header(request, "last-event-id") for request in server.requests]
    assert last == [None, None, "2", "2", "2", "3"]


async def test_what_another_tenant_may_not_see_is_noticed() -> None:
    leaking = says(answer(b'{"items": [{"id": "job_1"}]}'))
    async with serving(leaking) as server, asking(server.url) as asker:
        owner, stranger = (Api.with_key(key, asker) for key in ("pk_1", "pk_2"))
        promises = [Promise(owner, "job_1", "word")]
        reader = Reader([owner, stranger], promises, asker.ledger, CHANCE)
        await reader.look(owner)
        assert asker.ledger.leaked == []
        await reader.look(stranger)
    assert asker.ledger.leaked == ["job_1"]
