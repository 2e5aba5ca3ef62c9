"""Clients that make themselves busy, and note whatever goes wrong."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx

from tests.e2e.streams import follow
from tests.pictures import a_text, encoded

#: So many are under way at most, however slow the workers.
JOBS = 5
SUBMIT_SECONDS = 0.5
READ_SECONDS = 0.2

_ENDED = {"succeeded", "failed", "cancelled"}


@dataclass
class Load:
    """Clients that know of nothing and try nothing twice."""

    client: httpx.AsyncClient
    failures: list[str] = field(default_factory=list)
    requests: int = 0
    jobs: list[str] = field(default_factory=list)
    #: How often a stream ended before its job, and was gone on with.
    resumed: int = 0
    #: Set when the first stream has shown its first event.
    follows: asyncio.Event = field(default_factory=asyncio.Event)
    _over: bool = False
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(JOBS))

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """Meanwhile, and until every job has ended."""
        async with asyncio.TaskGroup() as clients:
            clients.create_task(self._submit(clients))
            clients.create_task(self._read())
            yield
            self._over = True

    async def _submit(self, clients: asyncio.TaskGroup) -> None:
        for number in count():
            await self._places.acquire()
            if self._over:
                return
            photo = encoded(a_text([f"photo {number}"], size=(300, 120)))
            headers = {"Content-Type": "image/png"}
            answer = await self._ask(
                "POST", "/v1/read?wait=0", content=photo, headers=headers
            )
            if answer:
                links = answer.json()["links"]
                self.jobs.append(links["self"])
                clients.create_task(self._follow(links["events"]))
                clients.create_task(self._wait(links["self"]))
            else:
                self._places.release()
            await asyncio.sleep(SUBMIT_SECONDS)

    async def _read(self) -> None:
        while not self._over:
            await self._ask("GET", "/v1/jobs?limit=5")
            await asyncio.sleep(READ_SECONDS)

    async def _wait(self, job: str) -> None:
        """A long poll after the other, as the `photo` command does."""
        while answer := await self._ask("GET", f"{job}?wait=60"):
            if answer.json()["finished_at"]:
                break
            await asyncio.sleep(READ_SECONDS)
        self._places.release()

    async def _follow(self, events: str) -> None:
        """Every event of a job, as browsers do."""
        seen: list[int] = []
        while True:
            try:
                stream = await follow(
                    self.client, events, after=len(seen), follows=self.follows
                )
            except httpx.HTTPError as error:
                self.failures.append(f"{events}: {error!r}")
                return
            self.requests += 1
            seen += stream.versions
            if stream.last_status in _ENDED:
                break
            self.resumed += 1
            await asyncio.sleep(stream.retry)
        if seen != [*range(1, len(seen) + 1)]:
            self.failures.append(f"{events}: {seen}")

    async def _ask(self, method: str, path: str, **rest: Any) -> httpx.Response | None:
        try:
            answer = await self.client.request(method, path, **rest)
        except httpx.TransportError as error:
            self.failures.append(f"{method} {path}: {error!r}")
            return None
        self.requests += 1
        if not answer.is_success:
            self.failures.append(f"{method} {path}: {answer.status_code}")
            return None
        return answer
