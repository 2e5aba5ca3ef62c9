"""One request a connection, and only to where a policy allows."""

import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import httpcore

from photo.adapters.web.network import GuardedNetwork
from photo.adapters.web.resolver import Resolver, SystemResolver
from photo.domain.addresses import WebPolicy, WebUrl
from photo.domain.errors import UrlUnreachable


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds."""

    #: For each of: the name, an address, the TLS handshake.
    connect: float = 5
    #: Between two signs of life.
    silence: float = 10
    #: Waiting in all.
    total: float = 60


class Answer:
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response
        self.status = response.status

    def header(self, name: str) -> str:
        """The header's value, empty if it is missing."""
        wanted = name.lower().encode()
        found = (v for k, v in self._response.headers if k.lower() == wanted)
        return b", ".join(found).decode("latin-1")

    async def chunks(self) -> AsyncIterator[bytes]:
        metered = self._response.extensions["network_stream"]
        async for chunk in self._response.aiter_stream():
            metered.content(len(chunk))
            yield chunk


class GuardedClient:
    """Knows no proxies, no environment, no cookies, no credentials and no redirects."""

    def __init__(
        self,
        policy: WebPolicy,
        *,
        resolve: Resolver | None = None,
        limits: Limits | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.policy = policy
        self.limits = limits or Limits()
        self._network = GuardedNetwork(policy, resolve or SystemResolver())
        self._tls = tls or httpcore.default_ssl_context()

    @asynccontextmanager
    async def request(
        self, method: str, url: WebUrl, headers: Mapping[str, str], body: bytes = b""
    ) -> AsyncIterator[Answer]:
        """Ask on a connection of its own, open as long as the context is."""
        target = httpcore.URL(
            scheme=url.scheme, host=str(url.host), port=url.port, target=url.target
        )
        request = httpcore.Request(
            method,
            target,
            headers=[
                ("Host", url.authority),
                *headers.items(),
                ("Connection", "close"),
            ],
            content=body,
            extensions={"timeout": self._timeouts},
        )
        async with httpcore.AsyncHTTPConnection(
            target.origin, ssl_context=self._tls, network_backend=self._network
        ) as connection:
            yield Answer(await connection.handle_async_request(request))

    @property
    def _timeouts(self) -> dict[str, float]:
        silence = self.limits.silence
        return {"connect": self.limits.connect, "read": silence, "write": silence}


@contextmanager
def translated() -> Iterator[None]:
    """Let no error of the connection out."""
    try:
        yield
    except (TimeoutError, httpcore.TimeoutException) as error:
        raise UrlUnreachable(
            "The other server is too slow. Try again later.",
            reason=type(error).__name__,
            retryable=True,
        ) from error
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        if isinstance(error.__cause__, ssl.SSLCertVerificationError):
            raise UrlUnreachable(
                "The other server's certificate is not valid for this URL.",
                reason="certificate",
                retryable=False,
            ) from error
        raise UrlUnreachable(
            "The other server cannot be reached, or broke off. Try again later.",
            reason=type(error).__name__,
            retryable=True,
        ) from error
