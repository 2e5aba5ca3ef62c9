"""One bucket of S3's."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, suppress
from typing import Any

from photo.adapters.s3.clients import S3Clients, translated
from photo.application.ports import ListedObject, ObjectStore, StoredObject
from photo.domain.errors import Unavailable

_CHUNK_BYTES = 1 << 20
_PART_BYTES = 8 << 20


class S3ObjectStore(ObjectStore):
    """S3 checks every write against the checksum that botocore sends along."""

    def __init__(self, clients: S3Clients, *, bucket: str) -> None:
        self._s3 = clients.own
        self._bucket = bucket

    async def head(self, key: str) -> StoredObject:
        with translated(key):
            found = await self._s3.head_object(Bucket=self._bucket, Key=key)
        return StoredObject(found["ContentLength"], found["ContentType"])

    async def read(self, key: str) -> AsyncGenerator[bytes, None]:
        with translated(key):
            found = await self._s3.get_object(Bucket=self._bucket, Key=key)
            body = found["Body"]
            async with body:
                async for chunk in body.iter_chunks(_CHUNK_BYTES):
                    yield chunk

    async def write(
        self, key: str, chunks: AsyncIterator[bytes], *, content_type: str
    ) -> None:
        target = {"Bucket": self._bucket, "Key": key}
        async with aclosing(_in_parts(chunks)) as parts:
            first = await anext(parts, b"")
            if len(first) < _PART_BYTES:
                with translated():
                    await self._s3.put_object(
                        **target, Body=first, ContentType=content_type
                    )
                return
            with translated():
                begun = await self._s3.create_multipart_upload(
                    **target, ContentType=content_type
                )
            await self._write_parts(
                first, parts, target | {"UploadId": begun["UploadId"]}
            )

    async def _write_parts(
        self, first: bytes, rest: AsyncIterator[bytes], upload: dict[str, Any]
    ) -> None:
        try:
            done = [await self._write_part(first, 1, upload)]
            async for part in rest:
                done.append(await self._write_part(part, len(done) + 1, upload))
            with translated():
                await self._s3.complete_multipart_upload(
                    **upload, MultipartUpload={"Parts": done}
                )
        except BaseException:
            with suppress(Unavailable), translated():
                await self._s3.abort_multipart_upload(**upload)
            raise

    async def _write_part(
        self, part: bytes, number: int, upload: dict[str, Any]
    ) -> dict[str, Any]:
        with translated():
            written = await self._s3.upload_part(**upload, PartNumber=number, Body=part)
        return {"PartNumber": number, "ETag": written["ETag"]}

    async def delete(self, key: str) -> None:
        with translated():
            gone = await self._s3.delete_object(Bucket=self._bucket, Key=key)
            if "VersionId" in gone:
                await self._delete_versions(key)

    async def _delete_versions(self, key: str) -> None:
        """In a bucket with versions a plain deletion only hides an object."""
        pages = self._s3.get_paginator("list_object_versions").paginate(
            Bucket=self._bucket, Prefix=key
        )
        async for page in pages:
            for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                if version["Key"] == key:
                    await self._s3.delete_object(
                        Bucket=self._bucket, Key=key, VersionId=version["VersionId"]
                    )

    async def list(self, *, after: str, limit: int) -> Sequence[ListedObject]:
        with translated():
            page = await self._s3.list_objects_v2(
                Bucket=self._bucket, StartAfter=after, MaxKeys=limit
            )
        return [
            ListedObject(item["Key"], item["Size"], item["LastModified"])
            for item in page.get("Contents", ())
        ]

    async def check(self) -> None:
        with translated():
            await self._s3.head_bucket(Bucket=self._bucket)


async def _in_parts(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The same bytes in full parts, then what is left over."""
    pending = bytearray()
    async for chunk in chunks:
        pending += chunk
        while len(pending) >= _PART_BYTES:
            part = bytes(pending[:_PART_BYTES])
            del pending[:_PART_BYTES]
            yield part
    if pending:
        yield bytes(pending)
