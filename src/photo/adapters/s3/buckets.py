"""Making buckets, and seeing whether they are in order."""

from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from photo.adapters.s3.clients import S3Clients, translated
from photo.adapters.s3.store import S3ObjectStore

_MINE = "BucketAlreadyOwnedByYou"
_HOUR = 3600
# The version of what is written while there are no versions.
_UNVERSIONED = "null"
_REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


async def create_bucket(
    clients: S3Clients, bucket: str, *, origins: Sequence[str]
) -> None:
    """Make a bucket, unless there is one, that web pages from `origins` may use."""
    s3 = clients.own
    with translated():
        try:
            await s3.create_bucket(Bucket=bucket, **_location(s3.meta.region_name))
        except ClientError as error:
            if error.response["Error"]["Code"] != _MINE:
                raise
        rule = {
            "AllowedOrigins": list(origins),
            "AllowedMethods": ["GET", "POST"],
            "AllowedHeaders": ["*"],
            "MaxAgeSeconds": _HOUR,
        }
        await s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})


async def reach(clients: S3Clients, bucket: str) -> None:
    """Have the store answer, be it that there is no such bucket, or not for us.

    Raises `Unavailable`.
    """
    with translated():
        try:
            await clients.own.head_bucket(Bucket=bucket)
        except ClientError as error:
            if _status(error) >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise


async def is_public(clients: S3Clients, bucket: str) -> bool:
    """Whether anyone may list, read or write here.

    Raises `Unavailable` if the bucket is missing or cannot be written to by us.
    """
    anyone = clients.anonymous
    with translated():
        async with _probe(clients, bucket) as probe:
            return (
                await _allowed(anyone.list_objects_v2(Bucket=bucket, MaxKeys=1))
                or await _allowed(anyone.head_object(**probe))
                or await _allowed(anyone.put_object(**probe, Body=b""))
            )


async def replaces(clients: S3Clients, bucket: str) -> bool:
    """Whether a second write takes the place of the first, though it must not.

    Raises `Unavailable` as `is_public` does.
    """
    with translated():
        async with _probe(clients, bucket) as probe:
            try:
                await clients.own.put_object(**probe, Body=b"", IfNoneMatch="*")
            except ClientError as error:
                if _status(error) == HTTPStatus.PRECONDITION_FAILED:
                    return False
                if _status(error) == HTTPStatus.NOT_IMPLEMENTED:
                    return True
                raise
    return True


async def is_unencrypted(clients: S3Clients, bucket: str) -> bool:
    """Whether what is written here lies there as it came.

    Tried, which needs no right to see how the bucket is set up. Raises `Unavailable`
    as `is_public` does.
    """
    return not (await _tried(clients, bucket)).get("ServerSideEncryption")


async def is_unversioned(clients: S3Clients, bucket: str) -> bool:
    """Whether what is replaced or deleted here is gone.

    Tried. Raises `Unavailable` as `is_public` does.
    """
    version = (await _tried(clients, bucket)).get("VersionId")
    return version in {None, _UNVERSIONED}


async def _tried(clients: S3Clients, bucket: str) -> Mapping[str, Any]:
    """What the store says to a write."""
    with translated():
        async with _probe(clients, bucket) as probe:
            said: Mapping[str, Any] = await clients.own.put_object(**probe, Body=b"")
            return said


def _location(region: str) -> dict[str, Any]:
    """Amazon's first region is the default, and must not be named."""
    if region == "us-east-1":
        return {}
    return {"CreateBucketConfiguration": {"LocationConstraint": region}}


@asynccontextmanager
async def _probe(clients: S3Clients, bucket: str) -> AsyncIterator[dict[str, str]]:
    """An empty object that is there for a moment."""
    probe = {"Bucket": bucket, "Key": f"probes/{uuid4()}"}
    await clients.own.put_object(**probe, Body=b"")
    try:
        yield probe
    finally:
        await S3ObjectStore(clients, bucket=bucket).delete(probe["Key"])


async def _allowed(request: Awaitable[object]) -> bool:
    try:
        await request
    except ClientError as error:
        if _status(error) in _REFUSED:
            return False
        raise
    return True


def _status(error: ClientError) -> int:
    status: int = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return status
