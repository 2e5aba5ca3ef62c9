"""One bucket of S3's."""

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Sequence,
)
from contextlib import aclosing, suppress
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from photo.adapters.s3.clients import S3Clients, in_time, translated
from photo.application.ports import ListedObject, ObjectStore, StoredObject
from photo.domain.errors import Unavailable

_CHUNK_BYTES = 1 << 20
_PART_BYTES = 8 << 20
_TAKEN = {"PreconditionFailed", "412"}


class S3ObjectStore(ObjectStore):
    """S3 checks every write against the checksum that botocore sends along."""

    def __init__(self, clients: S3Clients, *, bucket: str) -> None:
        self._s3 = clients.own
        self._limits = clients.limits
        self._bucket = bucket

    async def head(self, key: str) -> StoredObject:
        with translated(key):
            found = await self._s3.head_object(Bucket=self._bucket, Key=key)
        return StoredObject(found["ContentLength"], found["ContentType"])

    async def read(self, key: str) -> AsyncGenerator[bytes, None]:
        with translated(key):
            found = await self._s3.get_object(Bucket=self._bucket, Key=key)
            body = found["Body"]
            async with (
                body,
                aclosing(
                    in_time(
                        body.iter_chunks(_CHUNK_BYTES),
                        size=found["ContentLength"],
                        limits=self._limits,
                    )
                ) as chunks,
            ):
                async for chunk in chunks:
                    yield chunk

    async def write(
        self, key: str, chunks: AsyncIterator[bytes], *, content_type: str
    ) -> bool:
        target = {"Bucket": self._bucket, "Key": key}
        async with aclosing(_in_parts(chunks)) as parts:
            first, second = await anext(parts, b""), await anext(parts, None)
            if second is None:
                return await self._write_once(
                    self._s3.put_object, target, Body=first, ContentType=content_type
                )
            with translated():
                begun = await self._s3.create_multipart_upload(
                    **target, ContentType=content_type
                )
            return await self._write_parts(
                (first, second), parts, target | {"UploadId": begun["UploadId"]}
            )

    async def _write_parts(
        self,
        first: Sequence[bytes],
        rest: AsyncIterator[bytes],
        upload: dict[str, Any],
    ) -> bool:
        written = False
        try:
            done = [
                await self._write_part(part, number, upload)
                for number, part in enumerate(first, 1)
            ]
            async for part in rest:
                done.append(await self._write_part(part, len(done) + 1, upload))
            written = await self._write_once(
                self._s3.complete_multipart_upload,
                upload,
                MultipartUpload={"Parts": done},
            )
        finally:
            if not written:
                with suppress(Unavailable), translated():
                    await self._s3.abort_multipart_upload(**upload)
        return written

    async def _write_once(
        self, write: Callable[..., Awaitable[object]], target: Any, **what: Any
    ) -> bool:
        """Write unless something lies there: the store sees to it.

        It answers with a conflict where it cannot tell, because that changes at this
        moment. As after every failure of the store's, the caller may try again.
        """
        with translated():
            try:
                await write(**target, **what, IfNoneMatch="*")
            except ClientError as error:
                if error.response["Error"]["Code"] not in _TAKEN:
                    raise
                return False
        return True

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

    async def abandon_writes(
        self, *, to: Callable[[str], bool], begun_before: datetime
    ) -> int:
        """Abort uploads in parts: until then S3 keeps, and bills, their parts."""
        abandoned = 0
        pages = self._s3.get_paginator("list_multipart_uploads").paginate(
            Bucket=self._bucket
        )
        with translated():
            async for page in pages:
                for begun in page.get("Uploads", ()):
                    if begun["Initiated"] < begun_before and to(begun["Key"]):
                        await self._s3.abort_multipart_upload(
                            Bucket=self._bucket,
                            Key=begun["Key"],
                            UploadId=begun["UploadId"],
                        )
                        abandoned += 1
        return abandoned

    async def check(self) -> None:
        with translated():
            await self._s3.head_bucket(Bucket=self._bucket)


async def _in_parts(chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The same bytes in parts that S3 takes; what comes in one chunk stays in one."""
    pending = bytearray()
    async for chunk in chunks:
        pending += chunk
        if len(pending) >= _PART_BYTES:
            yield bytes(pending)
            pending.clear()
    if pending:
        yield bytes(pending)
