import asyncio
from datetime import timedelta

import pytest

from photo.adapters.web.client import GuardedClient, Limits
from photo.adapters.web.fetcher import HttpPhotoFetcher
from photo.domain.addresses import WebPolicy
from photo.domain.errors import UrlRefused, UrlUnreachable
from tests.certificates import Authority
from tests.hostile_server import HERE, answer, redirects, says, says_and_stays, serving
from tests.web.fetching import LOOPBACK, NAME, fetched, fetcher, named

HTTPS_ONLY = WebPolicy(networks=LOOPBACK.networks)
LOOPED = ["127.0.0.1"]


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("strange-certificates"))


async def test_the_certificate_is_the_names_not_the_addresses(
    authority: Authority,
) -> None:
    async with serving(says(answer(b"photo")), tls=authority.server(NAME)) as server:
        fetching = fetcher(HTTPS_ONLY, resolve=named(LOOPED), tls=authority.trusting)
        assert await fetched(fetching, f"https://{NAME}:{server.port}/") == b"photo"
        with pytest.raises(UrlUnreachable, match="certificate"):
            await fetched(fetching, f"https://127.0.0.1:{server.port}/")


@pytest.mark.parametrize(
    ("host", "age", "known"),
    [
        ("other.example", timedelta(), True),
        ("127.0.0.1", timedelta(), True),
        (NAME, timedelta(days=9), True),
        (NAME, timedelta(), False),
    ],
    ids=["other name", "address", "expired", "unknown authority"],
)
async def test_a_certificate_that_is_not_valid_fails_for_good(
    authority: Authority, stranger: Authority, host: str, age: timedelta, *, known: bool
) -> None:
    signer = authority if known else stranger
    async with serving(
        says(answer(b"secret")), tls=signer.server(host, age=age)
    ) as server:
        fetching = fetcher(HTTPS_ONLY, resolve=named(LOOPED), tls=authority.trusting)
        with pytest.raises(UrlUnreachable, match="certificate") as failure:
            await fetched(fetching, f"https://{NAME}:{server.port}/")
    assert not failure.value.retryable
    assert server.requests == []


async def test_the_systems_authorities_do_not_know_ours(authority: Authority) -> None:
    """The context that is made by default trusts, but not just anyone."""
    async with serving(says(answer(b"secret")), tls=authority.server(NAME)) as server:
        fetching = HttpPhotoFetcher(GuardedClient(HTTPS_ONLY, resolve=named(LOOPED)))
        with pytest.raises(UrlUnreachable, match="certificate"):
            await fetched(fetching, f"https://{NAME}:{server.port}/")


async def test_https_does_not_lead_to_http(authority: Authority) -> None:
    async with serving(says(answer(b"photo"))) as plain:
        deed = redirects(plain.url)
        async with serving(deed, tls=authority.server(NAME)) as server:
            url = f"https://{NAME}:{server.port}/"
            with pytest.raises(UrlRefused, match="https"):
                await fetched(
                    fetcher(HTTPS_ONLY, resolve=named(LOOPED), tls=authority.trusting),
                    url,
                )
            assert plain.connections == 0
            allowing = fetcher(resolve=named(LOOPED), tls=authority.trusting)
            assert await fetched(allowing, url) == b"photo"


async def test_a_server_without_tls_is_unreachable(authority: Authority) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer(b"no such method"))
        writer.close()

    async with await asyncio.start_server(greet, HERE, 0) as plain:
        port = plain.sockets[0].getsockname()[1]
        with pytest.raises(UrlUnreachable, match="cannot be reached"):
            await fetched(fetcher(tls=authority.trusting), f"https://{HERE}:{port}/")


async def test_a_handshake_that_never_ends_is_given_up(authority: Authority) -> None:
    async with serving(says_and_stays(b"")) as mute:
        fetching = fetcher(tls=authority.trusting, limits=Limits(connect=0.1))
        with pytest.raises(UrlUnreachable) as failure:
            await fetched(fetching, f"https://127.0.0.1:{mute.port}/")
        await asyncio.wait_for(mute.gone.wait(), 60)
    assert failure.value.retryable
