"""Hundreds of clients in one process, none of whom takes silence for an answer."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from random import Random
from typing import ClassVar
from uuid import uuid4

import httpx

from drill.asking import Api, Asker, Store
from drill.balancer import Balancer
from drill.client import Client
from drill.following import Follower
from drill.ledger import Ledger
from drill.orders import Order, orders
from drill.photos import photo
from drill.places import Places
from drill.reader import Promise, Reader

_OF_SINGLE_JOBS = "/v1/webhooks/default"


class Clients:
    """The same seed gives the same photos, ways and moments.

    Each key is another tenant's. What they see goes into the ledger.
    """

    #: Longer than any wait that they ask for.
    TIMEOUT: ClassVar = httpx.Timeout(12)

    def __init__(
        self,
        places: Places,
        ledger: Ledger,
        *,
        seed: int,
        receiver_url: str,
        file_server_url: str,
        keys: Sequence[str],
    ) -> None:
        self._ledger = ledger
        self._seed = seed
        self._receiver_url = receiver_url
        self._file_server_url = file_server_url
        self._scanned = places.clamd
        self._chance = Random(f"clients {seed}")
        balancer = Balancer(places.api_urls, self._chance)
        self._http = httpx.AsyncClient(
            transport=balancer, base_url=places.api_urls[0], timeout=self.TIMEOUT
        )
        # Apart: what is sent to the store must not carry a key.
        self._store_http = httpx.AsyncClient(timeout=self.TIMEOUT, trust_env=False)
        self._store = Store(Asker(self._store_http, ledger, self._chance))
        asker = Asker(self._http, ledger, self._chance)
        self._apis = [Api.with_key(key, asker) for key in keys]
        self._promises: list[Promise] = []
        self._sent = 0
        self._followers: list[asyncio.Task[None]] = []
        self._reader = Reader(self._apis, self._promises, ledger, self._chance)

    async def subscribe(self) -> list[str]:
        """Have the end of each job told to the receiver; the secrets that sign it.

        Those of jobs that have a webhook of their own are signed by another one.
        """
        wishes = {"/v1/webhooks": {"url": self._receiver_url}, _OF_SINGLE_JOBS: {}}
        made = [
            await api.ask("POST", route, key=uuid4().hex, json=body)
            for api in self._apis
            for route, body in wishes.items()
        ]
        return [answer.raise_for_status().json()["secret"] for answer in made]

    async def submit(self, jobs: int, *, over_seconds: float) -> None:
        """Until each client was promised its job, or the ledger says why not."""
        dealt = orders(self._seed, self._sent, jobs, scanned=self._scanned)
        self._sent += jobs
        async with self._reader.reading(), asyncio.TaskGroup() as clients:
            for order in dealt:
                clients.create_task(self._serve(order, over_seconds))

    async def follow_to_the_end(self) -> None:
        """Until each job that is followed has ended. Nothing can be sent any more."""
        async with (
            aclosing(self._http),
            aclosing(self._store_http),
            self._reader.reading(),
        ):
            try:
                await asyncio.gather(*self._followers)
            finally:
                for follower in self._followers:
                    follower.cancel()
                await asyncio.gather(*self._followers, return_exceptions=True)

    async def _serve(self, order: Order, over_seconds: float) -> None:
        await asyncio.sleep(order.chance.uniform(0, over_seconds))
        api = self._apis[order.number % len(self._apis)]
        sent = photo(self._seed, order.number, order.kind)
        photo_url = f"{self._file_server_url}/{order.number}"
        webhook_url = self._receiver_url if order.called_back else None
        client = Client(
            api, self._store, self._ledger, order, sent, photo_url, webhook_url
        )
        if job_id := await client.promised():
            self._promises.append(Promise(api, job_id, sent.word))
            follower = Follower(api, self._ledger, job_id, sent.word)
            self._followers.append(asyncio.create_task(follower.go_on(order)))
