"""Bytes in and out of a bucket, with their checksums."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from photo.application.ports import ObjectStore
from photo.domain.errors import ChecksumMismatch, ObjectNotFound, UploadMissing
from photo.domain.files import ORIGINAL, StoredFile, content_type_of
from photo.domain.job import Job

_CHUNK_BYTES = 1 << 20


@contextmanager
def must_be_there() -> Iterator[None]:
    """A photo that has vanished is the client's to send again; its key stays ours."""
    try:
        yield
    except ObjectNotFound:
        raise UploadMissing(
            "The photo is no longer there. Send it as a new upload."
        ) from None


async def collect(store: ObjectStore, key: str) -> bytes:
    """A small object, whole."""
    return b"".join([chunk async for chunk in store.read(key)])


async def download(store: ObjectStore, key: str, to: Path) -> str:
    """Copy an object into a file; the SHA-256 of what was written, in hex."""
    digest = sha256()
    file = await asyncio.to_thread(to.open, "wb")
    try:
        async for chunk in store.read(key):
            digest.update(chunk)
            await asyncio.to_thread(file.write, chunk)
    finally:
        file.close()
    return digest.hexdigest()


async def keep(store: ObjectStore, job: Job, name: str, data: bytes) -> bytes:
    """Store one of a job's files unless it is there; what lies there from now on.

    A step that is tried again, or at work twice, finds what the other attempt has
    made, and goes on with that: what a manifest vouches for never changes.
    """
    key = job.artifact_key(name)
    if await store.write(key, _once(data), content_type=content_type_of(name)):
        return data
    return await collect(store, key)


async def keep_original(store: ObjectStore, job: Job, original: Path) -> StoredFile:
    """Store the photo itself, as it was verified, unless it is there.

    Decoders have had the file in the meantime. Raises `ChecksumMismatch`, and stores
    nothing, if it is another now; or if another is what is there.
    """
    photo, key = job.verified_photo, job.artifact_key(ORIGINAL)
    if not await store.write(
        key, _chunks(original, photo.sha256), content_type=photo.content_type
    ):
        digest = sha256()
        async for chunk in store.read(key):
            digest.update(chunk)
        _must_match(digest.hexdigest(), photo.sha256)
    return StoredFile(ORIGINAL, photo.content_type, photo.size_bytes, photo.sha256)


async def _chunks(path: Path, checksum: str) -> AsyncIterator[bytes]:
    digest = sha256()
    file = await asyncio.to_thread(path.open, "rb")
    try:
        while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
            digest.update(chunk)
            yield chunk
    finally:
        file.close()
    _must_match(digest.hexdigest(), checksum)


def _must_match(found: str, verified: str) -> None:
    if found != verified:
        raise ChecksumMismatch("The photo was changed while it was decoded.")


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
