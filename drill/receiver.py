"""What the service calls by itself: a receiver of webhooks, and a server of photos."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from enum import Enum, auto
from http import HTTPStatus
from random import Random
from time import monotonic
from typing import ClassVar

import msgspec
from aiohttp import web
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from drill.ledger import Kind, Ledger, Received
from drill.photos import photo
from photo.entrypoints.local.ports import HOST


class Mood(Enum):
    """How the first attempt of a delivery fares."""

    WELL = auto()
    FAILING = auto()
    SLOW = auto()
    #: The connection ends when the message has been taken.
    CUT = auto()


#: Of a hundred.
_SHARES: Mapping[Mood, int] = {
    Mood.WELL: 50,
    Mood.FAILING: 30,
    Mood.SLOW: 10,
    Mood.CUT: 10,
}
_STATUSES: Mapping[Mood, int | None] = {
    Mood.WELL: HTTPStatus.OK,
    Mood.FAILING: HTTPStatus.INTERNAL_SERVER_ERROR,
    Mood.SLOW: HTTPStatus.OK,
    Mood.CUT: None,
}
_SLOW_PHOTOS = 0.1


class Receiver:
    SLOW_SECONDS: ClassVar = 3.0

    def __init__(self, ledger: Ledger, *, seed: int) -> None:
        self.url = ""
        #: Photos by their number, as clients with the same seed know them.
        self.files_url = ""
        #: Of all webhooks that lead here.
        self.secrets: list[str] = []
        #: Then whoever comes is told so.
        self.away = False
        self._ledger = ledger
        self._seed = seed
        self._attempts: Counter[str] = Counter()

    @property
    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.post("/hooks", self._take),
                web.get("/photos/{number:[0-9]+}", self._give),
            ]
        )
        return app

    def mood(self, webhook_id: str) -> Mood:
        """That of the first attempt; all others fare well."""
        chance = Random(f"mood {self._seed} {webhook_id}")
        return chance.choices([*_SHARES], [*_SHARES.values()])[0]

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.away:
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
        if not self._is_genuine(request, body):
            self._ledger.forged += 1
            return web.Response(status=400)
        webhook_id = request.headers["webhook-id"]
        mood = Mood.WELL if self._attempts[webhook_id] else self.mood(webhook_id)
        self._attempts[webhook_id] += 1
        if mood is Mood.SLOW:
            await asyncio.sleep(self.SLOW_SECONDS)
        status = _STATUSES[mood]
        self._note(webhook_id, body, status)
        if status is None:
            _hang_up(request)
        return web.Response(status=status or HTTPStatus.OK)

    async def _give(self, request: web.Request) -> web.Response:
        number = int(request.match_info["number"])
        if Random(f"pace {self._seed} {number}").random() < _SLOW_PHOTOS:
            await asyncio.sleep(self.SLOW_SECONDS)
        asked_for = photo(self._seed, number, Kind.URL)
        return web.Response(body=asked_for.content, content_type=asked_for.content_type)

    def _is_genuine(self, request: web.Request, body: bytes) -> bool:
        for secret in self.secrets:
            with suppress(WebhookVerificationError):
                Webhook(secret).verify(body, dict(request.headers))
                return True
        return False

    def _note(self, webhook_id: str, body: bytes, status: int | None) -> None:
        told = msgspec.json.decode(body)
        job_id = told["data"]["id"]
        self._ledger.told[job_id].add(told["data"]["status"])
        self._ledger.received.append(
            Received(
                at=monotonic(),
                webhook_id=webhook_id,
                job_id=job_id,
                event=told["type"],
                status=status,
            )
        )


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


@asynccontextmanager
async def receiving(ledger: Ledger, *, seed: int) -> AsyncIterator[Receiver]:
    receiver = Receiver(ledger, seed=seed)
    runner = web.AppRunner(receiver.app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, HOST, 0)
        await site.start()
        host, port = runner.addresses[0]
        receiver.url = f"http://{host}:{port}/hooks"
        receiver.files_url = f"http://{host}:{port}/photos"
        yield receiver
    finally:
        await runner.cleanup()
