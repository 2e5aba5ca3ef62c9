"""What lies in the buckets, byte by byte."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any, NamedTuple

import aioboto3
from botocore.config import Config

from drill.evidence import Artifact
from photo.adapters.documents import JsonDocuments
from photo.domain.files import MANIFEST, TEXT_PLAIN, StoredFile
from photo.entrypoints.local.seaweedfs import S3Server

_AT_ONCE = 16
_CLIENT = Config(
    connect_timeout=5,
    read_timeout=30,
    retries={"total_max_attempts": 3},
    s3={"addressing_style": "path"},
    proxies={},
)


class Objects(NamedTuple):
    artifacts: Mapping[str, Artifact]
    #: By job.
    manifests: Mapping[str, tuple[StoredFile, ...]]
    #: By job.
    texts: Mapping[str, str]


@asynccontextmanager
async def opened(server: S3Server) -> AsyncIterator[Any]:
    """A client of aioboto3, which has no types."""
    session = aioboto3.Session(
        aws_access_key_id=server.access_key_id,
        aws_secret_access_key=server.secret_access_key,
        region_name=server.region,
    )
    async with session.client(
        "s3", endpoint_url=server.endpoint, config=_CLIENT
    ) as client:
        yield client


async def keys_of(client: Any, bucket: str) -> Collection[str]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {item["Key"] async for page in pages for item in page.get("Contents", ())}


async def read_objects(client: Any, bucket: str) -> Objects:
    turns = asyncio.Semaphore(_AT_ONCE)

    async def read(key: str) -> tuple[str, bytes]:
        async with turns:
            answer = await client.get_object(Bucket=bucket, Key=key)
            return key, await answer["Body"].read()

    contents = dict(await asyncio.gather(*map(read, await keys_of(client, bucket))))
    return Objects(
        {key: _artifact(content) for key, content in contents.items()},
        {
            job_id: JsonDocuments().read_manifest(content).files
            for job_id, content in _named(MANIFEST, contents.items())
        },
        {
            job_id: content.decode()
            for job_id, content in _named(TEXT_PLAIN, contents.items())
        },
    )


def _artifact(content: bytes) -> Artifact:
    return Artifact(len(content), sha256(content).hexdigest())


def _named(
    name: str, contents: Iterable[tuple[str, bytes]]
) -> Iterable[tuple[str, bytes]]:
    """Every job's file of this name: keys are `tenant/job/name`."""
    for key, content in contents:
        _, job_id, file = key.split("/", 2)
        if file == name:
            yield job_id, content
