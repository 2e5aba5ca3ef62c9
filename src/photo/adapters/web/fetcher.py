"""PhotoFetcher over HTTP."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus

from photo import __version__
from photo.adapters.web.client import Answer, GuardedClient, translated
from photo.application.ports import PhotoFetcher
from photo.domain.addresses import WebUrl
from photo.domain.errors import FileTooLarge, UrlUnreachable

MAX_REDIRECTS = 3

_REDIRECTS = {
    HTTPStatus.MOVED_PERMANENTLY,
    HTTPStatus.FOUND,
    HTTPStatus.SEE_OTHER,
    HTTPStatus.TEMPORARY_REDIRECT,
    HTTPStatus.PERMANENT_REDIRECT,
}
#: Unencoded: nothing is ever decompressed here, so nothing can swell.
_HEADERS: Mapping[str, str] = {
    "User-Agent": f"photo-api/{__version__}",
    "Accept": "image/*",
    "Accept-Encoding": "identity",
}


class HttpPhotoFetcher(PhotoFetcher):
    def __init__(self, client: GuardedClient) -> None:
        self._client = client

    def check(self, url: str) -> None:
        self._client.policy.check(url)

    async def fetch(self, url: str, *, max_bytes: int) -> AsyncGenerator[bytes, None]:
        patience = _Patience(self._client.limits.total)
        async with AsyncExitStack() as connections:
            async with patience.waiting():
                answer = await self._ask(url, connections)
            _check(answer, max_bytes)
            chunks = answer.chunks()
            size = 0
            while True:
                async with patience.waiting():
                    chunk = await anext(chunks, b"")
                if not chunk:
                    break
                size += len(chunk)
                if size > max_bytes:
                    raise _too_large(max_bytes)
                yield chunk
            if not size:
                raise UrlUnreachable("The file at the URL is empty.", reason="empty")

    async def _ask(self, url: str, connections: AsyncExitStack) -> Answer:
        """The answer at the end of the redirects; its connection stays open."""
        place: WebUrl = self._client.policy.check(url)
        for _ in range(1 + MAX_REDIRECTS):
            answer = await connections.enter_async_context(
                self._client.request("GET", place, _HEADERS)
            )
            if answer.status not in _REDIRECTS:
                return answer
            await connections.aclose()
            location = answer.header("Location")
            if not location:
                raise UrlUnreachable("The URL redirects to nowhere.", reason="redirect")
            place = self._client.policy.follow(place, location)
        raise UrlUnreachable(
            f"The URL redirects more than {MAX_REDIRECTS} times.", reason="redirects"
        )


class _Patience:
    """How long a server may be waited for in all, whatever else takes time."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds

    @asynccontextmanager
    async def waiting(self) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        since = loop.time()
        with translated():
            async with asyncio.timeout(self._left):
                yield
        self._left -= loop.time() - since


def _check(answer: Answer, max_bytes: int) -> None:
    """Raise unless a file follows that may be read."""
    status = answer.status
    if (
        status == HTTPStatus.TOO_MANY_REQUESTS
        or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    ):
        raise UrlUnreachable(
            "The other server is busy or broken. Try again later.",
            reason=f"http_{status}",
            retryable=True,
        )
    if status != HTTPStatus.OK:
        raise UrlUnreachable(
            "The other server gives out no file at this URL.", reason=f"http_{status}"
        )
    if answer.header("Content-Encoding").lower() not in {"", "identity"}:
        raise UrlUnreachable(
            "The other server sends the file compressed only, which is not accepted.",
            reason="content_encoding",
        )
    if int(answer.header("Content-Length") or 0) > max_bytes:
        raise _too_large(max_bytes)


def _too_large(max_bytes: int) -> FileTooLarge:
    return FileTooLarge(f"The file is larger than the {max_bytes} bytes allowed.")
