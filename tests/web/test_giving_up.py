"""Whoever stops asking leaves no connection behind."""

import asyncio
from collections.abc import Sequence

import pytest

from photo.adapters.web.client import Limits
from photo.domain.addresses import Address
from photo.domain.errors import UrlUnreachable
from tests.certificates import Authority
from tests.hostile_server import HostileServer, answer, says_and_stays, serving
from tests.web.fetching import NAME, fetched, fetcher


async def cancelled(fetching: asyncio.Task[bytes], server: HostileServer) -> None:
    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching
    await asyncio.wait_for(server.gone.wait(), 60)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\n", answer(b"p", length=5)])
async def test_cancelling_closes_the_connection(said: bytes) -> None:
    async with serving(says_and_stays(said)) as server:
        patient = fetcher()
        fetching = asyncio.create_task(fetched(patient, server.url))
        await server.spoken_to.wait()
        await cancelled(fetching, server)


async def test_cancelling_within_the_handshake_closes_the_connection(
    authority: Authority,
) -> None:
    async with serving(says_and_stays(b"")) as server:
        patient = fetcher(tls=authority.trusting)
        url = f"https://127.0.0.1:{server.port}/"
        fetching = asyncio.create_task(fetched(patient, url))
        await server.spoken_to.wait()
        await cancelled(fetching, server)


async def test_a_caller_who_has_enough_closes_the_connection() -> None:
    async with serving(says_and_stays(answer(b"pho", length=5))) as server:
        chunks = fetcher().fetch(server.url, max_bytes=5)
        assert await anext(chunks) == b"pho"
        await chunks.aclose()
        await asyncio.wait_for(server.gone.wait(), 60)


async def test_a_caller_who_forgets_the_rest_closes_the_connection() -> None:
    async with serving(says_and_stays(answer(b"pho", length=5))) as server:
        async for chunk in fetcher().fetch(server.url, max_bytes=5):
            assert chunk == b"pho"
            break
        await asyncio.wait_for(server.gone.wait(), 60)


async def test_a_lookup_without_end_is_given_up() -> None:
    async def never(host: str) -> Sequence[Address]:
        await asyncio.Event().wait()
        return []

    fetching = fetcher(resolve=never, limits=Limits(connect=0.05))
    with pytest.raises(UrlUnreachable) as failure:
        await fetched(fetching, f"http://{NAME}/")
    assert failure.value.retryable
