"""The network to anything else breaks: every call ends in time, and works later."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import aioboto3
import pytest
from botocore.config import Config
from PIL import Image

from drill.proxy import FaultProxy
from drill.shapes import Deed
from photo.adapters.clamav import ClamdScanner
from photo.adapters.limits.redis import redis_rate_limiter
from photo.adapters.oidc.issuer import Issuer
from photo.adapters.textract import TextractRecognizer
from photo.adapters.web.client import GuardedClient, Limits
from photo.adapters.web.fetcher import HttpPhotoFetcher
from photo.adapters.web.sender import HttpWebhookSender
from photo.application.ports import Budget, Limit
from photo.domain.errors import PhotoError, Unavailable, UrlUnreachable
from tests.certificates import Authority
from tests.faults import (
    FAULTS,
    Call,
    all_fail_and_recover,
    in_front_of,
    seconds_to_fail,
    works,
)
from tests.hostile_server import Visit, answer, says, serving
from tests.makers import NOW
from tests.oidc.local_issuer import DISCOVERY, JWKS, signing_key
from tests.scanning import Clamd, chunked
from tests.valkey import Valkey
from tests.web.fetching import LOOPBACK, NAME, TRUSTS_NOBODY, fetched, named

#: Seconds: what is given here is 2, the rest is for machines that are busy.
BOUND = 25.0
WEB = Limits(connect=1, silence=1.5, total=2)


class Away(NamedTuple):
    """Something behind a proxy, what is asked of it, and how that fails."""

    proxy: FaultProxy
    calls: Mapping[str, Call]
    kind: type[PhotoError] = Unavailable


class Surroundings(NamedTuple):
    clamd: Clamd
    authority: Authority
    folder: Path


@asynccontextmanager
async def clamd(surroundings: Surroundings) -> AsyncIterator[Away]:
    async with in_front_of(surroundings.clamd.tcp_url) as proxy:
        scanner = ClamdScanner(
            f"tcp://127.0.0.1:{proxy.port}",
            max_bytes=50_000_000,
            connect_seconds=1,
            silence_seconds=2,
        )
        yield Away(
            proxy,
            {
                "check": scanner.check,
                "version": scanner.signatures_made_at,
                "scan": lambda: scanner.scan(chunked(b"small")),
                "scan of a large file": lambda: scanner.scan(chunked(bytes(10 << 20))),
            },
        )


@asynccontextmanager
async def textract(surroundings: Surroundings) -> AsyncIterator[Away]:
    page = surroundings.folder / "page.jpg"
    Image.new("RGB", (10, 10)).save(page)
    session = aioboto3.Session("key", "secret", region_name="eu-central-1")
    config = Config(connect_timeout=1, retries={"total_max_attempts": 1}, proxies={})
    async with (
        serving(says(answer(b'{"Blocks": []}'))) as server,
        in_front_of(server.url) as proxy,
        session.client(
            "textract", endpoint_url=f"http://127.0.0.1:{proxy.port}", config=config
        ) as client,
    ):
        recognizer = TextractRecognizer(client, seconds=2)
        yield Away(proxy, {"recognize": lambda: recognizer.recognize(page)})


@asynccontextmanager
async def issuer(_: Surroundings) -> AsyncIterator[Away]:
    async def welcome(visit: Visit) -> None:
        said = {"issuer": url, "jwks_uri": url + JWKS}
        keys = {"keys": [signing_key().jwk()]}
        document = {DISCOVERY: said, JWKS: keys}[visit.path]
        await visit.say(answer(json.dumps(document).encode()))

    async with serving(welcome) as server, in_front_of(server.url) as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        yield Away(proxy, {"keys": Issuer(url, seconds=2, tls=TRUSTS_NOBODY).keys})


@asynccontextmanager
async def web(_: Surroundings) -> AsyncIterator[Away]:
    async with (
        serving(says(answer(b"a photo"))) as server,
        in_front_of(server.url) as proxy,
    ):
        client = GuardedClient(LOOPBACK, limits=WEB, tls=TRUSTS_NOBODY)
        yield _of_web(proxy, client, f"http://127.0.0.1:{proxy.port}/")


@asynccontextmanager
async def secure_web(surroundings: Surroundings) -> AsyncIterator[Away]:
    authority = surroundings.authority
    async with (
        serving(says(answer(b"a photo")), tls=authority.server(NAME)) as server,
        in_front_of(server.url) as proxy,
    ):
        client = GuardedClient(
            LOOPBACK,
            limits=WEB,
            resolve=named(["127.0.0.1"]),
            tls=authority.trusting,
        )
        yield _of_web(proxy, client, f"https://{NAME}:{proxy.port}/")


def _of_web(proxy: FaultProxy, client: GuardedClient, url: str) -> Away:
    fetcher, sender = HttpPhotoFetcher(client), HttpWebhookSender(client, lambda: NOW)
    calls = {
        "fetch": lambda: fetched(fetcher, url),
        "send": lambda: sender.send(url, {}, b"{}"),
    }
    return Away(proxy, calls, UrlUnreachable)


Place = Callable[[Surroundings], AbstractAsyncContextManager[Away]]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("place", [clamd, textract, issuer, web, secure_web])
async def test_every_call_ends(
    place: Place, fault: Deed, surroundings: Surroundings
) -> None:
    async with place(surroundings) as away:
        for call in away.calls.values():
            await works(call, away.kind)
        await all_fail_and_recover(
            away.proxy, fault, away.calls, within=BOUND, kind=away.kind
        )


@pytest.fixture
def surroundings(
    clamd: Clamd, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Surroundings:
    authority = Authority(tmp_path_factory.mktemp("certificates"))
    return Surroundings(clamd, authority, tmp_path)


@pytest.mark.parametrize("fault", FAULTS)
async def test_shared_limits_are_given_up_and_found_again(
    fault: Deed, valkey: Valkey
) -> None:
    async with (
        in_front_of(valkey.url) as proxy,
        redis_rate_limiter(
            f"redis://127.0.0.1:{proxy.port}/0", silence_seconds=0.5
        ) as limiter,
    ):
        budget = Budget(Limit("key", 1000, window_seconds=1), "somebody")

        def spend() -> Awaitable[object]:
            return limiter.spend([budget], 1)

        async def until_shared() -> None:
            """A connection is opened when it is asked for, and that takes its time."""
            async with asyncio.timeout(BOUND):
                while True:
                    with suppress(Unavailable):
                        await spend()
                        return
                    await asyncio.sleep(0)

        await until_shared()
        await proxy.set(fault)
        await seconds_to_fail(spend, within=BOUND)
        await proxy.set(None)
        await until_shared()
        await proxy.set(fault)
        async with asyncio.timeout(BOUND):
            await limiter.aclose()
