"""How clients reach the API: by one of its processes, and past one that is away."""

from collections.abc import Sequence
from random import Random
from time import monotonic
from typing import ClassVar

import httpx


class Balancer(httpx.AsyncBaseTransport):
    """Each request goes to a process by chance; if that refuses it, to the next.

    A process that failed gets nothing for a while, unless all have failed. What may
    have reached one is not sent to another: that is for the client to decide.
    """

    REST_SECONDS: ClassVar = 2.0

    def __init__(self, urls: Sequence[str], chance: Random) -> None:
        self._rests_until = dict.fromkeys(map(httpx.URL, urls), 0.0)
        self._chance = chance
        # Followers hold connections for as long as their jobs take.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
        self._transport = httpx.AsyncHTTPTransport(limits=limits)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        refusal: httpx.TransportError | None = None
        for process in self._by_turns():
            request.url = request.url.copy_with(host=process.host, port=process.port)
            try:
                return await self._transport.handle_async_request(request)
            except httpx.TransportError as error:
                self._rests_until[process] = monotonic() + self.REST_SECONDS
                if not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
                    raise
                refusal = error
        raise refusal or httpx.ConnectError("there is no process")

    async def aclose(self) -> None:
        await self._transport.aclose()

    def _by_turns(self) -> list[httpx.URL]:
        now, processes = monotonic(), [*self._rests_until]
        self._chance.shuffle(processes)
        return sorted(processes, key=lambda each: self._rests_until[each] > now)
