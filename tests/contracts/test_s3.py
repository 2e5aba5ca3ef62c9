"""What S3 promises beyond the port: nothing left behind, buckets in order."""

import asyncio
import json
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from photo.adapters.s3.buckets import create_bucket, is_public
from photo.adapters.s3.clients import S3Clients, open_clients
from photo.adapters.s3.store import S3ObjectStore
from photo.domain.errors import FileTooLarge, Unavailable
from photo.entrypoints.local.servers import Servers
from tests.makers import in_chunks

JPEG = "image/jpeg"


async def unfinished_uploads(clients: S3Clients, bucket: str) -> list[object]:
    listed = await clients.own.list_multipart_uploads(Bucket=bucket)
    return list(listed.get("Uploads", []))


async def test_a_large_write_that_fails_leaves_no_parts(
    clients: S3Clients, bucket: str
) -> None:
    seen = []

    async def failing() -> AsyncIterator[bytes]:
        yield bytes(9 << 20)
        seen.extend(await unfinished_uploads(clients, bucket))
        raise FileTooLarge("on purpose")

    store = S3ObjectStore(clients, bucket=bucket)
    with suppress(FileTooLarge):
        await store.write("photo", failing(), content_type=JPEG)
    assert len(seen) == 1
    assert await unfinished_uploads(clients, bucket) == []


async def versions(clients: S3Clients, bucket: str) -> list[Any]:
    """Everything that a bucket with versions still holds, deleted or not."""
    listed = await clients.own.list_object_versions(Bucket=bucket)
    return [*listed.get("Versions", ()), *listed.get("DeleteMarkers", ())]


async def test_deleting_leaves_no_version_of_that_object_and_all_of_others(
    clients: S3Clients, bucket: str
) -> None:
    enabled = {"Status": "Enabled"}
    await clients.own.put_bucket_versioning(
        Bucket=bucket, VersioningConfiguration=enabled
    )
    store = S3ObjectStore(clients, bucket=bucket)
    for key in ("acme/upl_1", "acme/upl_1", "acme/upl_10", "acme/upl_1"):
        await store.write(key, in_chunks(b"a photo"), content_type=JPEG)
    await clients.own.delete_object(Bucket=bucket, Key="acme/upl_1")
    assert len(await versions(clients, bucket)) == 5

    await store.delete("acme/upl_1")
    left = await versions(clients, bucket)
    assert [(version["Key"], version["Size"]) for version in left] == [
        ("acme/upl_10", 7)
    ]
    await store.delete("acme/upl_10")
    await store.delete("acme/upl_unknown")
    assert await versions(clients, bucket) == []


async def test_a_missing_bucket_is_unavailable_not_a_missing_object(
    clients: S3Clients,
) -> None:
    store = S3ObjectStore(clients, bucket="no-such-bucket")
    with pytest.raises(Unavailable):
        await store.check()
    with pytest.raises(Unavailable) as failure:
        await anext(store.read("photo"))
    assert failure.value.reason == "NoSuchBucket"
    with pytest.raises(Unavailable):
        await store.list(after="", limit=1)
    for size in (1, 9 << 20):
        with pytest.raises(Unavailable):
            await store.write("photo", in_chunks(bytes(size)), content_type=JPEG)
    with pytest.raises(Unavailable):
        await is_public(clients, "no-such-bucket")


async def test_a_dead_server_is_unavailable() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        async with open_clients(
            region="us-east-1",
            endpoint=f"http://127.0.0.1:{held.getsockname()[1]}",
            access_key_id="somebody",
            secret_access_key="hush",
            attempts=1,
        ) as clients:
            store = S3ObjectStore(clients, bucket="raw")
            for attempt in (
                store.head("photo"),
                anext(store.read("photo")),
                store.write("photo", in_chunks(b"x"), content_type=JPEG),
                store.delete("photo"),
                store.list(after="", limit=1),
                store.check(),
            ):
                with pytest.raises(Unavailable) as failure:
                    await attempt
                assert "127.0.0.1" not in str(failure.value)
                assert failure.value.reason == "EndpointConnectionError"


async def test_a_wrong_secret_is_unavailable(servers: Servers, bucket: str) -> None:
    async with open_clients(
        region=servers.s3.region,
        endpoint=servers.s3.endpoint,
        access_key_id=servers.s3.access_key_id,
        secret_access_key="wrong",
        attempts=1,
    ) as clients:
        store = S3ObjectStore(clients, bucket=bucket)
        for attempt in (store.check(), store.head("photo"), anext(store.read("photo"))):
            with pytest.raises(Unavailable):
                await attempt


async def test_a_new_bucket_is_private_and_can_be_made_again(
    clients: S3Clients, bucket: str
) -> None:
    await create_bucket(clients, bucket, origins=["http://localhost:8000"])
    assert await is_public(clients, bucket) is False
    listed = await clients.own.list_objects_v2(Bucket=bucket)
    assert listed["KeyCount"] == 0


@pytest.mark.parametrize("action", ["s3:GetObject", "s3:ListBucket"])
async def test_a_bucket_that_anyone_may_use_is_public(
    clients: S3Clients, bucket: str, action: str
) -> None:
    arn = f"arn:aws:s3:::{bucket}"
    rule = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": [action],
        "Resource": [arn, f"{arn}/*"],
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [rule]})
    await clients.own.put_bucket_policy(Bucket=bucket, Policy=policy)
    assert await is_public(clients, bucket) is True


async def test_a_bucket_that_anyone_may_write_to_is_public() -> None:
    """SeaweedFS cannot be that careless, so a server that only takes is made here."""

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        status = b"200 OK" if request.startswith((b"PUT", b"DELETE")) else b"403 No"
        writer.write(b"HTTP/1.1 %b\r\nContent-Length: 0\r\n" % status)
        writer.write(b"Connection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        async with open_clients(
            region="us-east-1",
            endpoint=f"http://{host}:{port}",
            access_key_id="somebody",
            secret_access_key="hush",
            attempts=1,
        ) as clients:
            assert await is_public(clients, "raw") is True


async def test_pages_of_the_given_origins_may_use_a_bucket(
    clients: S3Clients, bucket: str
) -> None:
    await create_bucket(clients, bucket, origins=["http://localhost:8000"])
    url = f"{clients.own.meta.endpoint_url}/{bucket}/"

    async def allowed_origin(origin: str) -> str | None:
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        async with httpx.AsyncClient() as client:
            answer = await client.options(url, headers=asked)
        allowed: str | None = answer.headers.get("access-control-allow-origin")
        return allowed

    assert await allowed_origin("http://localhost:8000") == "http://localhost:8000"
    assert await allowed_origin("https://elsewhere.example") is None
