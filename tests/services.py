"""The real servers of the tests, from wheels, and empty places on them."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aioboto3
import asyncpg

from photo.entrypoints.local.children import Children
from photo.entrypoints.local.seaweedfs import S3Server
from photo.entrypoints.local.servers import Servers, start_servers

__all__ = [
    "Servers",
    "fresh_bucket",
    "fresh_database",
    "running_servers",
    "s3_client",
]


@asynccontextmanager
async def running_servers(data_dir: Path) -> AsyncIterator[Servers]:
    async with Children(data_dir) as children:
        yield await start_servers(children, say=print)


@asynccontextmanager
async def fresh_database(servers: Servers) -> AsyncIterator[str]:
    """The URL of an empty database that the service's role owns; dropped at the end."""
    name = f"test_{secrets.token_hex(8)}"
    admin = await asyncpg.connect(servers.admin_database_url.replace("+asyncpg", ""))
    try:
        await admin.execute(f'CREATE DATABASE "{name}" OWNER photo')
        yield servers.database_url.removesuffix("/photo") + f"/{name}"
        await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await admin.close()


@asynccontextmanager
async def s3_client(server: S3Server) -> AsyncIterator[Any]:
    session = aioboto3.Session(
        aws_access_key_id=server.access_key_id,
        aws_secret_access_key=server.secret_access_key,
        region_name=server.region,
    )
    async with session.client("s3", endpoint_url=server.endpoint) as client:
        yield client


@asynccontextmanager
async def fresh_bucket(servers: Servers) -> AsyncIterator[str]:
    """The name of an empty bucket; it and all in it are deleted at the end."""
    name = f"test-{secrets.token_hex(8)}"
    async with s3_client(servers.s3) as s3:
        await s3.create_bucket(Bucket=name)
        try:
            yield name
        finally:
            pages = s3.get_paginator("list_objects_v2").paginate(Bucket=name)
            async for page in pages:
                for item in page.get("Contents", []):
                    await s3.delete_object(Bucket=name, Key=item["Key"])
            await s3.delete_bucket(Bucket=name)
