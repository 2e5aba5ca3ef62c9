from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest

from photo import __version__
from photo.adapters.memory.photos import MemoryPhotoFetcher
from photo.application.ports import PhotoFetcher
from photo.domain.errors import FileTooLarge, UrlRefused, UrlUnreachable
from tests.certificates import Authority
from tests.hostile_server import Visit, answer, serving
from tests.web.fetching import NAME, fetched, fetcher, named

DATA = bytes(range(256)) * 2_000


class Web(NamedTuple):
    fetcher: PhotoFetcher
    #: A file of `DATA` is `photo.jpg` here; there is nothing else.
    root: str


@asynccontextmanager
async def memory(_: Authority) -> AsyncIterator[Web]:
    root = f"https://{NAME}/"
    yield Web(MemoryPhotoFetcher({f"{root}photo.jpg": DATA}), root)


@asynccontextmanager
async def http(authority: Authority) -> AsyncIterator[Web]:
    async def deed(visit: Visit) -> None:
        found = visit.path == "/photo.jpg"
        await visit.say(answer(DATA) if found else answer(status=404))

    async with serving(deed, tls=authority.server(NAME)) as server:
        names = named(["127.0.0.1"])
        yield Web(
            fetcher(resolve=names, tls=authority.trusting),
            f"https://{NAME}:{server.port}/",
        )


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(params=[memory, http])
async def web(
    request: pytest.FixtureRequest, authority: Authority
) -> AsyncIterator[Web]:
    async with request.param(authority) as web:
        yield web


async def test_a_file_is_fetched_as_it_is(web: Web) -> None:
    web.fetcher.check(f"{web.root}photo.jpg")
    assert await fetched(web.fetcher, f"{web.root}photo.jpg") == DATA


async def test_a_file_may_have_just_the_size_allowed(web: Web) -> None:
    url = f"{web.root}photo.jpg"
    assert await fetched(web.fetcher, url, max_bytes=len(DATA)) == DATA
    with pytest.raises(FileTooLarge):
        await fetched(web.fetcher, url, max_bytes=len(DATA) - 1)


async def test_a_missing_file_is_unreachable_for_good(web: Web) -> None:
    with pytest.raises(UrlUnreachable) as failure:
        await fetched(web.fetcher, f"{web.root}missing.jpg")
    assert not failure.value.retryable


@pytest.mark.parametrize("url", ["ftp://photos.example/", "file:///etc/passwd", "x"])
async def test_what_is_no_https_url_is_refused(web: Web, url: str) -> None:
    with pytest.raises(UrlRefused):
        web.fetcher.check(url)
    with pytest.raises(UrlRefused):
        await fetched(web.fetcher, url)


async def test_a_file_may_be_fetched_again(web: Web) -> None:
    url = f"{web.root}photo.jpg"
    assert await fetched(web.fetcher, url) == await fetched(web.fetcher, url)


async def test_the_request_says_who_asks_and_nothing_else(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9/")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9/")

    async def deed(visit: Visit) -> None:
        await visit.say(answer(b"x", "Set-Cookie: a=b"))

    async with serving(deed, tls=authority.server(NAME)) as server:
        names = named(["127.0.0.1"])
        fetching = fetcher(resolve=names, tls=authority.trusting)
        for _ in range(2):
            url = f"https://{NAME}:{server.port}/a%20b?c=d#e"
            assert await fetched(fetching, url) == b"x"
    assert server.connections == 2
    expected = [
        "GET /a%20b?c=d HTTP/1.1",
        f"Host: {NAME}:{server.port}",
        f"User-Agent: photo-api/{__version__}",
        "Accept: image/*",
        "Accept-Encoding: identity",
        "Connection: close",
    ]
    assert server.requests == ["\r\n".join([*expected, "", ""])] * 2
