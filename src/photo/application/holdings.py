"""All that the buckets hold of a job."""

from collections.abc import AsyncIterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256

from photo.application.artifacts import collect
from photo.application.ports import Buckets, Documents, ListedObject, ObjectStore
from photo.domain.erasure import Bucket, ErasedObject, Erasure
from photo.domain.errors import ObjectNotFound
from photo.domain.files import MANIFEST, Manifest
from photo.domain.job import Job

_PAGE = 100


@dataclass(frozen=True, slots=True)
class Holdings:
    buckets: Buckets
    documents: Documents

    async def of(self, job: Job) -> tuple[ErasedObject, ...]:
        """What is there, each with its size and SHA-256.

        Of the files that the manifest vouches for the sum is taken from there; what
        lies there besides is read.
        """
        found = []
        with suppress(ObjectNotFound):
            found.append(await _hashed(self.buckets.raw, Bucket.RAW, job.raw_key))
        vouched_for = await self._vouched_for(job)
        async for item in _under(self.buckets.processed, job.artifact_key("")):
            if checksum := vouched_for.get(item.key):
                found.append(
                    ErasedObject(
                        bucket=Bucket.PROCESSED,
                        key=item.key,
                        size_bytes=item.size_bytes,
                        sha256=checksum,
                    )
                )
                continue
            with suppress(ObjectNotFound):
                found.append(
                    await _hashed(self.buckets.processed, Bucket.PROCESSED, item.key)
                )
        return tuple(found)

    async def destroy(self, erasure: Erasure) -> None:
        """Delete what the receipt names, and whatever else has come to lie there."""
        await self.buckets.raw.delete(erasure.raw_key)
        named = {
            each.key for each in erasure.objects if each.bucket is Bucket.PROCESSED
        }
        await self._delete(erasure.processed_prefix, named)

    async def discard(self, job: Job) -> None:
        """Delete the files of a job that is no success, but not the photo itself."""
        await self._delete(job.artifact_key(""))

    async def _delete(self, prefix: str, named: AbstractSet[str] = frozenset()) -> None:
        found = {item.key async for item in _under(self.buckets.processed, prefix)}
        for key in sorted(found | named):
            await self.buckets.processed.delete(key)

    async def manifest(self, job: Job) -> Manifest | None:
        """The job's manifest, if it is there and the one that the row vouches for."""
        try:
            data = await collect(self.buckets.processed, job.artifact_key(MANIFEST))
        except ObjectNotFound:
            return None
        if sha256(data).hexdigest() != job.manifest_sha256:
            return None
        return self.documents.read_manifest(data)

    async def _vouched_for(self, job: Job) -> Mapping[str, str]:
        if job.manifest_sha256 is None or not (manifest := await self.manifest(job)):
            return {}
        files = {job.artifact_key(file.name): file.sha256 for file in manifest.files}
        return files | {job.artifact_key(MANIFEST): job.manifest_sha256}


async def _under(store: ObjectStore, prefix: str) -> AsyncIterator[ListedObject]:
    """The objects whose keys begin like this."""
    after = prefix
    while page := await store.list(after=after, limit=_PAGE):
        for item in page:
            if not item.key.startswith(prefix):
                return
            yield item
        after = page[-1].key


async def _hashed(store: ObjectStore, bucket: Bucket, key: str) -> ErasedObject:
    digest, size = sha256(), 0
    async for chunk in store.read(key):
        digest.update(chunk)
        size += len(chunk)
    return ErasedObject(
        bucket=bucket, key=key, size_bytes=size, sha256=digest.hexdigest()
    )
