"""What S3 promises beyond the port: nothing left behind, buckets in order."""

import asyncio
import json
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any

import httpx
import pytest

from photo.adapters.s3.buckets import (
    create_bucket,
    is_public,
    is_unencrypted,
    is_unversioned,
    reach,
    replaces,
)
from photo.adapters.s3.clients import S3Clients, open_clients
from photo.adapters.s3.store import S3ObjectStore
from photo.domain.errors import FileTooLarge, Unavailable
from photo.entrypoints.local.servers import Servers
from tests.careless_store import careless_store
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
        async for chunk in in_chunks(bytes(17 << 20)):
            yield chunk
        seen.extend(await unfinished_uploads(clients, bucket))
        raise FileTooLarge("on purpose")

    store = S3ObjectStore(clients, bucket=bucket)
    with suppress(FileTooLarge):
        await store.write("photo", failing(), content_type=JPEG)
    assert len(seen) == 1
    assert await unfinished_uploads(clients, bucket) == []


async def test_a_large_write_that_has_lost_leaves_no_parts(
    clients: S3Clients, bucket: str
) -> None:
    store = S3ObjectStore(clients, bucket=bucket)
    await store.write("photo", in_chunks(b"first"), content_type=JPEG)
    body = in_chunks(bytes(17 << 20))
    assert not await store.write("photo", body, content_type=JPEG)
    assert await unfinished_uploads(clients, bucket) == []


CONFLICT = b"<Error><Code>ConditionalRequestConflict</Code></Error>"


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (b"412 Precondition Failed", b"", None),
        (b"409 Conflict", CONFLICT, "ConditionalRequestConflict"),
        (b"409 Conflict", b"", "409"),
    ],
)
async def test_a_store_that_cannot_tell_who_was_first_is_asked_again(
    status: bytes, body: bytes, reason: str | None
) -> None:
    """SeaweedFS always can, so a server that says so is made here."""

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        assert b"\r\nif-none-match: *\r\n" in request.lower()
        writer.write(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n" % (status, len(body)))
        writer.write(b"Connection: close\r\n\r\n" + body)
        writer.close()

    async with (
        await asyncio.start_server(answer, "127.0.0.1", 0) as server,
        open_clients(
            region="us-east-1",
            endpoint=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}",
            access_key_id="somebody",
            secret_access_key="hush",
            attempts=1,
        ) as clients,
    ):
        write = S3ObjectStore(clients, bucket="raw").write(
            "photo", in_chunks(b"x"), content_type=JPEG
        )
        if reason is None:
            assert not await write
            return
        with pytest.raises(Unavailable) as failure:
            await write
    assert failure.value.reason == reason


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
    # As clients do by their forms: they may send a photo again.
    for key in ("acme/upl_1", "acme/upl_1", "acme/upl_10", "acme/upl_1"):
        await clients.own.put_object(Bucket=bucket, Key=key, Body=b"a photo")
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
    for size in (1, 17 << 20):
        with pytest.raises(Unavailable):
            await store.write("photo", in_chunks(bytes(size)), content_type=JPEG)
    with pytest.raises(Unavailable):
        await is_public(clients, "no-such-bucket")


async def test_a_dead_server_is_unavailable() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{held.getsockname()[1]}"
        async with clients_of(endpoint) as clients:
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
    async with careless_store() as endpoint, clients_of(endpoint) as clients:
        assert await is_public(clients, "raw") is True


def clients_of(endpoint: str) -> AbstractAsyncContextManager[S3Clients]:
    return open_clients(
        region="us-east-1",
        endpoint=endpoint,
        access_key_id="somebody",
        secret_access_key="hush",
        attempts=1,
    )


async def test_a_store_that_lets_the_first_write_win_is_known_by_it(
    clients: S3Clients, bucket: str
) -> None:
    assert await replaces(clients, bucket) is False
    listed = await clients.own.list_objects_v2(Bucket=bucket)
    assert listed["KeyCount"] == 0


async def test_a_bucket_that_keeps_versions_is_known_by_it(
    clients: S3Clients, bucket: str
) -> None:
    assert await is_unversioned(clients, bucket) is True
    for status, is_kept in (("Enabled", True), ("Suspended", False)):
        await clients.own.put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration={"Status": status}
        )
        assert await is_unversioned(clients, bucket) is not is_kept
    left = await clients.own.list_object_versions(Bucket=bucket)
    assert not left.get("Versions")


async def test_a_bucket_that_encrypts_is_known_by_it(
    clients: S3Clients, bucket: str
) -> None:
    assert await is_unencrypted(clients, bucket) is True
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    await clients.own.put_bucket_encryption(
        Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]}
    )
    assert await is_unencrypted(clients, bucket) is False


async def test_looking_leaves_nothing_in_a_bucket_with_versions(
    clients: S3Clients, bucket: str
) -> None:
    await clients.own.put_bucket_versioning(
        Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    assert await replaces(clients, bucket) is False
    assert await is_public(clients, bucket) is False
    left = await clients.own.list_object_versions(Bucket=bucket)
    assert not left.get("Versions")
    assert not left.get("DeleteMarkers")


@pytest.mark.parametrize("answer", [b"200 OK", b"501 Not Implemented"])
async def test_a_store_that_heeds_no_conditions_is_known_by_it(answer: bytes) -> None:
    async with careless_store(answer) as endpoint, clients_of(endpoint) as clients:
        assert await replaces(clients, "raw") is True


async def test_a_store_that_only_fails_is_not_told_to_heed_no_conditions() -> None:
    async with (
        careless_store(b"500 Broken") as endpoint,
        clients_of(endpoint) as clients,
    ):
        with pytest.raises(Unavailable):
            await replaces(clients, "raw")


async def test_a_store_is_there_whatever_it_says_of_a_bucket(
    clients: S3Clients, bucket: str
) -> None:
    await reach(clients, bucket)
    await reach(clients, "no-such-bucket")
    async with careless_store() as endpoint, clients_of(endpoint) as refused:
        await reach(refused, bucket)


async def test_a_store_that_cannot_be_reached_is_not_there() -> None:
    async with clients_of("http://127.0.0.1:1") as clients:
        with pytest.raises(Unavailable):
            await reach(clients, "raw")


async def test_pages_of_the_given_origins_may_use_a_bucket(
    clients: S3Clients, bucket: str
) -> None:
    await create_bucket(clients, bucket, origins=["http://localhost:8000"])
    url = f"{clients.own.meta.endpoint_url}/{bucket}/"

    async def allowed_origin(origin: str) -> str | None:
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        async with httpx.AsyncClient(timeout=60) as client:
            answer = await client.options(url, headers=asked)
        allowed: str | None = answer.headers.get("access-control-allow-origin")
        return allowed

    assert await allowed_origin("http://localhost:8000") == "http://localhost:8000"
    assert await allowed_origin("https://elsewhere.example") is None
