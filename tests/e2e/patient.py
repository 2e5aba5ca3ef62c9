"""Clients that are told 503 try again, as the service asks them to."""

import asyncio

import httpx

_TRIES = 30


class PatientTransport(httpx.AsyncHTTPTransport):
    """A busy machine is no reason to fail; one that is busy for long is."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        for _ in range(_TRIES):
            answer = await super().handle_async_request(request)
            wait = answer.headers.get("Retry-After")
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or wait is None:
                return answer
            await answer.aclose()
            await asyncio.sleep(int(wait))
        return await super().handle_async_request(request)
