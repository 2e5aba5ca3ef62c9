"""Use case: read a photo once more, without its being sent again."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from hashlib import sha256

from photo.application.jobs import SubmitJob
from photo.application.ports import (
    Buckets,
    Clock,
    InfectedFiles,
    JobRepository,
    NewId,
    ObjectStore,
)
from photo.domain.access import Tenant
from photo.domain.errors import (
    ChecksumMismatch,
    NotFound,
    ObjectNotFound,
    Overloaded,
    RateLimited,
    UploadMissing,
)
from photo.domain.files import ORIGINAL
from photo.domain.job import Job, JobId

_UNKNOWN = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class RetryJob:
    """Accept a new job on the photo of the tenant's job, which has ended.

    The photo is copied before the row is stored, so that the two jobs have nothing to
    do with each other from then on. A copy that no row follows is swept like every
    photo that nobody came back for.
    """

    jobs: JobRepository
    infected: InfectedFiles
    buckets: Buckets
    submit: SubmitJob
    new_id: NewId
    now: Clock

    async def __call__(self, tenant: Tenant, job_id: JobId) -> Job:
        original = await self.jobs.get_for(tenant, job_id)
        again = original.again(id=JobId(self.new_id("job")), now=self.now())
        await self._must_be_harmless(original)
        await self.submit.admit()
        size_bytes = await self._copy(original, to=again.raw_key)
        if again.source_url:  # counted like any other that is read from a URL
            size_bytes = 0
        try:
            return await self.submit.accept(again, size_bytes=size_bytes)
        except (NotFound, Overloaded, RateLimited):
            await self.buckets.raw.delete(again.raw_key)
            raise

    async def _must_be_harmless(self, job: Job) -> None:
        """What was found harmful since then goes no further."""
        if job.photo and (known := await self.infected.find(job.photo.sha256)):
            raise known.refusal()

    async def _copy(self, job: Job, *, to: str) -> int:
        """Copy the photo from where it is still to be had; its size.

        What has a URL and is nowhere any more is fetched again.
        """
        places = [(self.buckets.raw, job.raw_key)]
        if job.photo:
            places.append((self.buckets.processed, job.artifact_key(ORIGINAL)))
        for store, key in places:
            copying = _Copying(store, key, job)
            try:
                await self.buckets.raw.write(
                    to, copying.chunks(), content_type=_UNKNOWN
                )
            except (ChecksumMismatch, ObjectNotFound):
                continue
            return copying.size_bytes
        if job.source_url:
            return 0
        raise UploadMissing(
            "The photo is not there any more. Send it as a new upload, and start a job "
            "on that."
        )


class _Copying:
    """The photo on its way, if it is still the one that was verified."""

    def __init__(self, store: ObjectStore, key: str, job: Job) -> None:
        self.size_bytes = 0
        self._store = store
        self._key = key
        self._wanted = job.photo and job.photo.sha256

    async def chunks(self) -> AsyncIterator[bytes]:
        digest = sha256()
        async with aclosing(self._store.read(self._key)) as stored:
            async for chunk in stored:
                digest.update(chunk)
                self.size_bytes += len(chunk)
                yield chunk
        if self._wanted not in {None, digest.hexdigest()}:
            raise ChecksumMismatch("The photo was changed after it had been verified.")
