"""Use cases: let a client send a photo."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import NamedTuple

from photo.application.measuring import when_certain
from photo.application.ports import (
    Buckets,
    Clock,
    InfectedFiles,
    JobRepository,
    Measures,
    NewId,
    ObjectLinks,
    Transactions,
    UploadForm,
    UploadRepository,
)
from photo.domain.access import Tenant
from photo.domain.errors import (
    FileTooLarge,
    Infected,
    ObjectNotFound,
    ValidationFailed,
)
from photo.domain.job import JobId
from photo.domain.media import ByteLimits, MediaType
from photo.domain.upload import Upload, UploadId

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoPromise:
    """What a client says of the photo that it is about to send."""

    content_type: MediaType
    size_bytes: int | None = None
    sha256: str | None = None
    filename: str | None = None


class UploadState(StrEnum):
    PENDING = "pending"
    ARRIVED = "arrived"
    USED = "used"
    EXPIRED = "expired"


class UploadReport(NamedTuple):
    upload: Upload
    state: UploadState
    job_id: JobId | None


@dataclass(frozen=True, slots=True)
class GrantUpload:
    """Let a client send one photo of the promised type straight to the raw bucket.

    The row comes first: whatever arrives later belongs to an upload that is known.
    """

    transactions: Transactions
    uploads: UploadRepository
    infected: InfectedFiles
    links: ObjectLinks
    limits: ByteLimits
    measures: Measures
    new_id: NewId
    now: Clock

    async def __call__(
        self, tenant: Tenant, promise: PhotoPromise
    ) -> tuple[Upload, UploadForm]:
        upload = _promised(tenant, promise, self.limits, self.new_id, self.now)
        if upload.sha256 and (known := await self.infected.find(upload.sha256)):
            raise Infected(
                "The file with this SHA-256 is known to be harmful. Do not send it.",
                pointer="/sha256",
                reason=known.signature,
            )
        await self.uploads.add(upload)
        form = await self.links.grant_upload(upload)
        await when_certain(self.transactions, partial(self.measures.granted, upload))
        return upload, form


@dataclass(frozen=True, slots=True)
class ReceivePhoto:
    """Take a photo in through the service itself, piece by piece, never whole.

    If the process dies midway, an upload without a job is left, as when a client
    never comes back.
    """

    uploads: UploadRepository
    buckets: Buckets
    limits: ByteLimits
    new_id: NewId
    now: Clock

    async def __call__(
        self, tenant: Tenant, promise: PhotoPromise, body: AsyncIterator[bytes]
    ) -> Upload:
        upload = _promised(tenant, promise, self.limits, self.new_id, self.now)
        await self.uploads.add(upload)
        await self.buckets.raw.write(
            upload.key, _bounded(body, upload), content_type=upload.content_type
        )
        return upload


@dataclass(frozen=True, slots=True)
class LookUpUpload:
    """Say whether an upload has arrived and which job used it."""

    uploads: UploadRepository
    jobs: JobRepository
    buckets: Buckets
    now: Clock

    async def __call__(self, tenant: Tenant, upload_id: UploadId) -> UploadReport:
        upload = await self.uploads.get(upload_id, tenant=tenant)
        if job := await self.jobs.for_upload(upload_id):
            return UploadReport(upload, UploadState.USED, job.id)
        return UploadReport(upload, await self._state(upload), None)

    async def _state(self, upload: Upload) -> UploadState:
        try:
            await self.buckets.raw.head(upload.key)
        except ObjectNotFound:
            late = upload.expired(self.now())
            return UploadState.EXPIRED if late else UploadState.PENDING
        return UploadState.ARRIVED


def _promised(
    tenant: Tenant,
    promise: PhotoPromise,
    limits: ByteLimits,
    new_id: NewId,
    now: Clock,
) -> Upload:
    limit = limits.of(promise.content_type)
    _must_be_possible(promise, limit)
    return Upload(
        id=UploadId(new_id("upl")),
        tenant=tenant,
        content_type=promise.content_type,
        max_bytes=promise.size_bytes or limit,
        size_bytes=promise.size_bytes,
        sha256=promise.sha256 and promise.sha256.lower(),
        filename=promise.filename,
        created_at=now(),
    )


def _must_be_possible(promise: PhotoPromise, limit: int) -> None:
    if promise.size_bytes is not None and promise.size_bytes > limit:
        raise FileTooLarge(
            f"{promise.content_type} files may have up to {limit} bytes.",
            pointer="/size_bytes",
        )
    if promise.size_bytes is not None and promise.size_bytes < 1:
        raise ValidationFailed("The photo has no bytes.", pointer="/size_bytes")
    if promise.sha256 is not None and not _SHA256.fullmatch(promise.sha256):
        raise ValidationFailed(
            "A SHA-256 is written as 64 hexadecimal digits.", pointer="/sha256"
        )


async def _bounded(body: AsyncIterator[bytes], upload: Upload) -> AsyncIterator[bytes]:
    """Pass the body on until it is longer than it may be."""
    size = 0
    async for chunk in body:
        size += len(chunk)
        if size > upload.max_bytes:
            raise FileTooLarge(
                f"The body is longer than the {upload.max_bytes} bytes it may have."
            )
        yield chunk
    if not size:
        raise ValidationFailed("The body is empty. Send the photo's bytes.")
