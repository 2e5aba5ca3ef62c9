"""Clients of S3, opened once a process: the first takes a while and blocks the loop."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aioboto3
import aiohttp
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from photo.domain.errors import ObjectNotFound, Unavailable


class S3Clients(NamedTuple):
    """Clients of aioboto3, which has no types."""

    own: Any
    #: Signs what others will do, at the address that they see.
    links: Any
    #: Does what anyone may.
    anonymous: Any


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
    config = Config(
        signature_version="s3v4",
        # Not "auto", which signs links for an address that knows no young bucket.
        s3={"addressing_style": "path" if endpoint else "virtual"},
        connect_timeout=3,
        read_timeout=20,
        max_pool_connections=50,
        retries={"total_max_attempts": attempts, "mode": "standard"},
        # None is what the environment says.
        proxies={} if _is_here(endpoint) else None,
    )
    unsigned = config.merge(Config(signature_version=UNSIGNED))
    async with (
        session.client("s3", endpoint_url=endpoint, config=config) as own,
        session.client(
            "s3", endpoint_url=public_endpoint or endpoint, config=config
        ) as links,
        session.client("s3", endpoint_url=endpoint, config=unsigned) as anonymous,
    ):
        yield S3Clients(own, links, anonymous)


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
