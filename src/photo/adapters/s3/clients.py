"""Clients of S3, opened once a process: the first takes a while and blocks the loop."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aioboto3
import aiohttp
from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from botocore import UNSIGNED
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from photo.application.ports import Pace
from photo.domain.errors import ObjectNotFound, Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits(Pace):
    connect: float = 3


LIMITS = Limits()


class S3Clients(NamedTuple):
    """Clients of aioboto3, which has no types."""

    own: Any
    #: Signs what others will do, at the address that they see.
    links: Any
    #: Does what anyone may.
    anonymous: Any
    limits: Limits


@asynccontextmanager
async def open_clients(
    *,
    region: str,
    attempts: int,
    endpoint: str | None = None,
    public_endpoint: str | None = None,
    access_key_id: str | None = None,
    secret_access_key: str | None = None,
    session_token: str | None = None,
    limits: Limits = LIMITS,
) -> AsyncIterator[S3Clients]:
    """Open the clients, by default with the credentials that AWS's own tools would use.

    `attempts` is 1 where the caller is retried as a whole. An `endpoint` is a server
    other than Amazon's, which has one address for all buckets.
    """
    session = aioboto3.Session(
        aws_access_key_id=access_key_id,
        aws_secret_access_key=secret_access_key,
        aws_session_token=session_token,
        region_name=region,
    )
    config = partial(
        AioConfig,
        # Not "auto", which signs links for an address that knows no young bucket.
        s3={"addressing_style": "path" if endpoint else "virtual"},
        connect_timeout=limits.connect,
        read_timeout=limits.silence,
        http_session_cls=partial(_BoundedSession, limits),
        max_pool_connections=50,
        retries={"total_max_attempts": attempts, "mode": "standard"},
        # None is what the environment says.
        proxies={} if _is_here(endpoint) else None,
    )
    signed, unsigned = (
        config(signature_version=version) for version in ("s3v4", UNSIGNED)
    )
    async with (
        session.client("s3", endpoint_url=endpoint, config=signed) as own,
        session.client(
            "s3", endpoint_url=public_endpoint or endpoint, config=signed
        ) as links,
        session.client("s3", endpoint_url=endpoint, config=unsigned) as anonymous,
    ):
        yield S3Clients(own, links, anonymous, limits)


class _BoundedSession(AIOHTTPSession):  # type: ignore[misc] # it has no types
    """Ends each try of a request, and of all that is read at once of its answer.

    aiohttp itself would wait for ever for leave to send a body, and for an answer that
    comes in drips.
    """

    def __init__(self, limits: Limits, **settings: Any) -> None:
        super().__init__(**settings)
        self._limits = limits

    async def send(self, request: Any) -> Any:
        try:
            async with asyncio.timeout(self._limits.of(_size(request))):
                return await super().send(request)
        except TimeoutError as error:
            raise ReadTimeoutError(endpoint_url=request.url, error=error) from error


def _size(request: Any) -> int:
    """How many bytes it sends."""
    lengths = ("Content-Length", "X-Amz-Decoded-Content-Length")
    return max(int(request.headers.get(name) or 0) for name in lengths)


async def in_time(
    chunks: AsyncIterator[bytes], *, size: int, limits: Limits
) -> AsyncGenerator[bytes, None]:
    """An object's bytes, unless they keep one waiting for too long in all."""
    loop = asyncio.get_running_loop()
    left = limits.of(size)
    while True:
        since = loop.time()
        async with asyncio.timeout(left):
            chunk = await anext(chunks, b"")
        if not chunk:
            return
        left -= loop.time() - since
        yield chunk


def _is_here(endpoint: str | None) -> bool:
    """Whether it is on this machine, where no proxy leads."""
    host = urlsplit(endpoint).hostname if endpoint else None
    return host in {"127.0.0.1", "::1", "localhost"}


@contextmanager
def translated(key: str | None = None) -> Iterator[None]:
    """Let no error of the client's out."""
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        # HEAD has no body, so S3 can only say "404" there.
        if key is not None and code in {"NoSuchKey", "404"}:
            raise ObjectNotFound(f"There is no object {key}.") from error
        raise _unavailable(code) from error
    except (BotoCoreError, aiohttp.ClientError, OSError) as error:
        raise _unavailable(type(error).__name__) from error


def _unavailable(reason: str) -> Unavailable:
    return Unavailable(
        "The object store cannot be reached at the moment. Try again.", reason=reason
    )
