import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from photo.adapters.memory import MemoryObjectStore
from photo.adapters.s3.clients import S3Clients
from photo.adapters.s3.store import S3ObjectStore
from photo.application.ports import ListedObject, ObjectStore
from photo.domain.errors import FileTooLarge, ObjectNotFound
from photo.entrypoints.local.servers import Servers
from tests.makers import in_chunks, new_id
from tests.services import fresh_bucket

MEBIBYTE = 1 << 20
JPEG = "image/jpeg"


@pytest.fixture
def key() -> str:
    return f"acme/{new_id('upl')}"


@pytest.fixture(params=["memory", "s3"])
async def empty_store(
    request: pytest.FixtureRequest, clients: S3Clients, servers: Servers
) -> AsyncIterator[ObjectStore]:
    if request.param == "memory":
        yield MemoryObjectStore()
        return
    async with fresh_bucket(servers) as name:
        yield S3ObjectStore(clients, bucket=name)


async def contents(store: ObjectStore, key: str) -> bytes:
    return b"".join([chunk async for chunk in store.read(key)])


async def put(store: ObjectStore, *keys: str) -> None:
    for key in keys:
        await store.write(key, in_chunks(key.encode()), content_type=JPEG)


async def walked(store: ObjectStore, *, limit: int) -> list[ListedObject]:
    """All there is, page by page."""
    found: list[ListedObject] = []
    while page := await store.list(after=found[-1].key if found else "", limit=limit):
        assert len(page) <= limit
        found += page
    return found


def pattern(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


@pytest.mark.parametrize(
    "size",
    [0, 1, MEBIBYTE + 1, 8 * MEBIBYTE - 1, 8 * MEBIBYTE, 8 * MEBIBYTE + 1, 21_000_000],
)
async def test_what_was_written_is_read(
    store: ObjectStore, key: str, size: int
) -> None:
    data = pattern(size)
    await store.write(key, in_chunks(data, size=300_000), content_type=JPEG)
    assert await store.head(key) == (size, JPEG)
    assert await contents(store, key) == data


async def test_no_chunk_is_larger_than_a_mebibyte(store: ObjectStore, key: str) -> None:
    data = pattern(9 * MEBIBYTE)
    await store.write(key, in_chunks(data, size=len(data)), content_type=JPEG)
    assert max([len(chunk) async for chunk in store.read(key)]) <= MEBIBYTE


async def test_a_read_may_be_given_up(store: ObjectStore, key: str) -> None:
    data = pattern(3 * MEBIBYTE)
    await store.write(key, in_chunks(data), content_type=JPEG)
    for _ in range(60):
        chunks = store.read(key)
        assert data.startswith(await anext(chunks))
        await chunks.aclose()
    assert await contents(store, key) == data


async def test_a_write_replaces_what_was_there(store: ObjectStore, key: str) -> None:
    await store.write(key, in_chunks(pattern(9 * MEBIBYTE)), content_type=JPEG)
    await store.write(key, in_chunks(b"new"), content_type="image/png")
    assert await store.head(key) == (3, "image/png")
    assert await contents(store, key) == b"new"


async def test_a_missing_object_is_not_found(store: ObjectStore, key: str) -> None:
    with pytest.raises(ObjectNotFound):
        await store.head(key)
    with pytest.raises(ObjectNotFound):
        await contents(store, key)


async def test_a_deleted_object_is_gone_and_may_be_deleted_again(
    store: ObjectStore, key: str
) -> None:
    await store.write(key, in_chunks(b"x"), content_type=JPEG)
    await store.delete(key)
    await store.delete(key)
    with pytest.raises(ObjectNotFound):
        await store.head(key)


@pytest.mark.parametrize("size", [1, 9 * MEBIBYTE])
async def test_a_source_that_fails_leaves_everything_as_it_was(
    store: ObjectStore, key: str, size: int
) -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield pattern(size)
        raise FileTooLarge("on purpose")

    await store.write(f"{key}.old", in_chunks(b"old"), content_type=JPEG)
    for target in (f"{key}.new", f"{key}.old"):
        with pytest.raises(FileTooLarge, match="on purpose"):
            await store.write(target, failing(), content_type=JPEG)
    assert await contents(store, f"{key}.old") == b"old"
    with pytest.raises(ObjectNotFound):
        await store.head(f"{key}.new")


async def test_a_cancelled_write_leaves_nothing(store: ObjectStore, key: str) -> None:
    sent = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield pattern(9 * MEBIBYTE)
        sent.set()
        await asyncio.Event().wait()

    writing = asyncio.create_task(store.write(key, endless(), content_type=JPEG))
    await sent.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    with pytest.raises(ObjectNotFound):
        await store.head(key)


async def test_many_writes_at_once_do_not_mix(store: ObjectStore, key: str) -> None:
    keys = [f"{key}/{number}" for number in range(30)]
    await asyncio.gather(
        *(store.write(k, in_chunks(k.encode()), content_type=JPEG) for k in keys)
    )
    found = await asyncio.gather(*(contents(store, k) for k in keys))
    assert found == [k.encode() for k in keys]


async def test_an_empty_bucket_lists_nothing(empty_store: ObjectStore) -> None:
    assert await empty_store.list(after="", limit=1) == []
    assert await empty_store.list(after="acme/upl_1", limit=1000) == []


async def test_objects_are_listed_in_the_order_of_their_keys(
    empty_store: ObjectStore,
) -> None:
    await put(empty_store, "acme/upl_2", "zeta/job_1", "acme/upl_10", "acme/job_9")

    async def listed(*, after: str, limit: int) -> list[str]:
        return [item.key for item in await empty_store.list(after=after, limit=limit)]

    ordered = ["acme/job_9", "acme/upl_10", "acme/upl_2", "zeta/job_1"]
    assert await listed(after="", limit=1000) == ordered
    assert await listed(after="", limit=2) == ordered[:2]
    assert await listed(after="acme/upl_10", limit=1) == ["acme/upl_2"]
    assert await listed(after="acme/upl_11", limit=1) == ["acme/upl_2"]
    assert await listed(after="zeta/job_1", limit=1) == []


async def test_a_listing_knows_size_and_time(empty_store: ObjectStore) -> None:
    since = datetime.now(UTC).replace(microsecond=0)
    for size in (9, 0, 9 * MEBIBYTE):
        await empty_store.write(
            f"acme/{size}", in_chunks(pattern(size)), content_type=JPEG
        )
    listed = await empty_store.list(after="", limit=10)
    sizes = {item.key: item.size_bytes for item in listed}
    assert sizes == {"acme/9": 9, "acme/0": 0, f"acme/{9 * MEBIBYTE}": 9 * MEBIBYTE}
    for item in listed:
        assert since <= item.written_at <= datetime.now(UTC)


async def test_an_object_that_was_overwritten_or_deleted_is_listed_as_it_is(
    empty_store: ObjectStore,
) -> None:
    await put(empty_store, "acme/upl_1", "acme/upl_2")
    await empty_store.write("acme/upl_1", in_chunks(b"new"), content_type=JPEG)
    await empty_store.delete("acme/upl_2")
    listed = await empty_store.list(after="", limit=10)
    assert [item[:2] for item in listed] == [("acme/upl_1", 3)]


@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
async def test_page_by_page_every_object_is_listed_once_whatever_its_key(
    empty_store: ObjectStore, limit: int
) -> None:
    # Some stores put folders before "-", others after it: pages must follow suit.
    keys = {
        "acme/upl_1",
        "acme-2/upl_1",
        "acme0/upl_1",
        "acme/upl_1.part",
        "Beleg „März“ 📷/ü",
        "a b+c/%20&<x>",
        "q?x=1#y",
        "\"'/tab\t",
    }
    await put(empty_store, *keys)
    listed = [item.key for item in await walked(empty_store, limit=limit)]
    assert sorted(listed) == sorted(keys)


async def test_a_bucket_that_answers_passes_the_check(store: ObjectStore) -> None:
    await store.check()
