import asyncio
from collections.abc import AsyncIterator

import pytest

from photo.application.ports import ObjectStore
from photo.domain.errors import FileTooLarge, ObjectNotFound
from tests.makers import in_chunks, new_id

MEBIBYTE = 1 << 20
JPEG = "image/jpeg"


@pytest.fixture
def key() -> str:
    return f"acme/{new_id('upl')}"


async def contents(store: ObjectStore, key: str) -> bytes:
    return b"".join([chunk async for chunk in store.read(key)])


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
        await chunks.aclose()  # type: ignore[attr-defined] # every adapter's is a generator
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


async def test_a_bucket_that_answers_passes_the_check(store: ObjectStore) -> None:
    await store.check()
