"""A load balancer of the simplest kind, as clients reach a service through it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import httpx

_PROBE_SECONDS = 0.25


class Balancer(httpx.AsyncBaseTransport):
    """Asks every process whether it is ready, and sends requests to those in turn.

    It keeps connections open, and leaves one in that is slow or has troubles: the
    others have the same. What was refused a connection goes to the next; what
    was sent to one process never goes to another.
    """

    def __init__(self, urls: Iterable[str]) -> None:
        self._urls = [httpx.URL(url) for url in urls]
        self._ready: deque[httpx.URL] = deque()
        limits = httpx.Limits(max_connections=None)
        self._upstream = httpx.AsyncHTTPTransport(limits=limits)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        for url in [*self._ready]:
            self._ready.rotate()
            request.url = request.url.copy_with(host=url.host, port=url.port)
            try:
                return await self._upstream.handle_async_request(request)
            except httpx.ConnectError:
                self._take_out(url)
        raise httpx.ConnectError("no process is ready")

    def is_ready(self, url: str) -> bool:
        return httpx.URL(url) in self._ready

    async def probe_for_ever(self) -> None:
        async with httpx.AsyncClient(timeout=60) as client:
            while True:
                await asyncio.gather(*(self._probe(client, url) for url in self._urls))
                await asyncio.sleep(_PROBE_SECONDS)

    async def aclose(self) -> None:
        await self._upstream.aclose()

    async def _probe(self, client: httpx.AsyncClient, url: httpx.URL) -> None:
        try:
            status = (await client.get(url.join("/readyz"))).json()["status"]
        except httpx.TransportError:
            status = "away"
        if status in {"away", "draining"}:
            self._take_out(url)
        elif status == "ok" and url not in self._ready:
            self._ready.append(url)

    def _take_out(self, url: httpx.URL) -> None:
        if url in self._ready:
            self._ready.remove(url)


@asynccontextmanager
async def balanced(urls: Iterable[str]) -> AsyncIterator[Balancer]:
    async with Balancer(urls) as balancer:
        probing = asyncio.create_task(balancer.probe_for_ever())
        try:
            yield balancer
        finally:
            probing.cancel()
