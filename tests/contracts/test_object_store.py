import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

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


@pytest.mark.parametrize("first", [0, 3, 17 * MEBIBYTE])
@pytest.mark.parametrize("second", [0, 4, 18 * MEBIBYTE])
async def test_what_is_written_first_stays(
    store: ObjectStore, key: str, first: int, second: int
) -> None:
    data, other = pattern(first), b"x" * second
    assert await store.write(key, in_chunks(data), content_type=JPEG)
    for _ in range(2):
        assert not await store.write(key, in_chunks(other), content_type="image/png")
    assert await store.head(key) == (first, JPEG)
    assert await contents(store, key) == data


async def test_where_an_object_was_deleted_another_may_be_written(
    store: ObjectStore, key: str
) -> None:
    await put(store, key)
    await store.delete(key)
    assert await store.write(key, in_chunks(b"new"), content_type="image/png")
    assert await store.head(key) == (3, "image/png")
    assert await contents(store, key) == b"new"


@pytest.mark.parametrize("size", [1, 300_000, 9 * MEBIBYTE])
async def test_of_writers_at_once_exactly_one_wins_and_the_others_learn_it(
    store: ObjectStore, key: str, size: int
) -> None:
    """What comes in one chunk, as everything does that is made here."""
    for turn in range(5):
        bodies = [bytes([writer]) * size for writer in range(6)]
        won = await asyncio.gather(
            *(
                store.write(
                    f"{key}/{turn}", in_chunks(body, size=size), content_type=JPEG
                )
                for body in bodies
            )
        )
        assert sorted(won) == [False] * 5 + [True]
        assert await contents(store, f"{key}/{turn}") == bodies[won.index(True)]


async def test_of_long_writes_at_once_one_is_there_whole(
    store: ObjectStore, key: str
) -> None:
    """SeaweedFS may let two win that are completed within the same milliseconds."""
    bodies = [bytes([writer]) * (17 * MEBIBYTE) for writer in range(3)]
    won = await asyncio.gather(
        *(store.write(key, in_chunks(body), content_type=JPEG) for body in bodies)
    )
    found = await contents(store, key)
    assert found in [body for body, has in zip(bodies, won, strict=True) if has]


@pytest.mark.parametrize("size", [1, 17 * MEBIBYTE])
@pytest.mark.parametrize("overtaken_by", [1, 17 * MEBIBYTE])
async def test_a_writer_that_was_overtaken_has_lost(
    store: ObjectStore, key: str, size: int, overtaken_by: int
) -> None:
    winner = b"w" * overtaken_by

    async def slow() -> AsyncIterator[bytes]:
        yield pattern(size)
        assert await store.write(key, in_chunks(winner), content_type=JPEG)
        yield b"."

    assert not await store.write(key, slow(), content_type="image/png")
    assert await store.head(key) == (overtaken_by, JPEG)
    assert await contents(store, key) == winner


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


@pytest.mark.parametrize("size", [1, 9 * MEBIBYTE, 17 * MEBIBYTE])
async def test_a_source_that_fails_leaves_everything_as_it_was(
    store: ObjectStore, key: str, size: int
) -> None:
    async def failing() -> AsyncIterator[bytes]:
        async for chunk in in_chunks(pattern(size)):
            yield chunk
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
        async for chunk in in_chunks(pattern(17 * MEBIBYTE)):
            yield chunk
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


async def test_an_object_that_was_written_again_or_deleted_is_listed_as_it_is(
    empty_store: ObjectStore,
) -> None:
    await put(empty_store, "acme/upl_1", "acme/upl_2")
    for key in ("acme/upl_1", "acme/upl_2"):
        await empty_store.delete(key)
    await empty_store.write("acme/upl_1", in_chunks(b"new"), content_type=JPEG)
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


async def test_a_finished_write_is_not_given_up(store: ObjectStore, key: str) -> None:
    await store.write(key, in_chunks(pattern(9 * MEBIBYTE)), content_type=JPEG)
    now = datetime.now(UTC)
    assert await store.abandon_writes(to=lambda _: True, begun_before=now) == 0
    assert (await store.head(key)).size_bytes == 9 * MEBIBYTE


async def test_writes_to_such_keys_that_never_ended_are_given_up_once_they_are_old(
    clients: S3Clients, servers: Servers, key: str
) -> None:
    async with fresh_bucket(servers) as bucket:
        store = S3ObjectStore(clients, bucket=bucket)
        begun = await asyncio.gather(
            *(
                clients.own.create_multipart_upload(Bucket=bucket, Key=f"{key}/{n}")
                for n in range(3)
            )
        )
        for upload in begun:
            await clients.own.upload_part(
                Bucket=bucket,
                Key=upload["Key"],
                UploadId=upload["UploadId"],
                PartNumber=1,
                Body=b"x",
            )
        yesterday, soon = (datetime.now(UTC) + timedelta(hours=n) for n in (-24, 1))
        given_up = [
            await store.abandon_writes(
                to=lambda key: not key.endswith("/2"), begun_before=before
            )
            for before in (yesterday, soon, soon)
        ]
        assert given_up == [0, 2, 0]
        left = await clients.own.list_multipart_uploads(Bucket=bucket)
        assert [upload["Key"] for upload in left["Uploads"]] == [f"{key}/2"]
