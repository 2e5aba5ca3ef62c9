"""Use cases: take in a photo that may be anything, before anybody looks at it.

Nothing links to a photo before these have passed it, and they read it piece by piece,
never whole. As all steps they may run twice.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from hashlib import sha256

from photo.application.artifacts import must_be_there
from photo.application.endings import FinishJob
from photo.application.ports import (
    Buckets,
    Clock,
    InfectedFiles,
    JobRepository,
    Measures,
    PhotoFetcher,
    Scanner,
    Stopwatch,
    UploadRepository,
    Verdict,
)
from photo.application.usage import DescribePhoto
from photo.domain.errors import (
    FileTooLarge,
    Infected,
    Internal,
    JobFinished,
    ObjectNotFound,
    Unavailable,
    Unscannable,
)
from photo.domain.infected import InfectedFile
from photo.domain.job import Failure, Job, JobId, Photo, Step
from photo.domain.media import SNIFF_BYTES, ByteLimits, MediaType
from photo.domain.upload import Upload

_UNKNOWN = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class FetchPhoto:
    """Copy the file behind a job's URL into the raw bucket, if it may be a photo.

    What is there once stays, whatever a later attempt fetches, or a belated one.
    """

    jobs: JobRepository
    buckets: Buckets
    fetcher: PhotoFetcher
    limits: ByteLimits
    now: Clock

    async def __call__(self, job_id: JobId) -> None:
        at = self.now()
        job = await self.jobs.update(job_id, lambda job: job.enter(Step.FETCH, at=at))
        if job.source_url is None:
            raise ValueError(f"{job_id} has no URL")
        # What the URL leads to by now may be another.
        if job.photo or await self._is_there(job):
            return
        async with aclosing(
            self.fetcher.fetch(job.source_url, max_bytes=self.limits.largest)
        ) as fetched:
            await self.buckets.raw.write(
                job.raw_key, self._acceptable(fetched), content_type=_UNKNOWN
            )

    async def _is_there(self, job: Job) -> bool:
        """Whether an attempt before this one has fetched it, or a job before this."""
        try:
            await self.buckets.raw.head(job.raw_key)
        except ObjectNotFound:
            return False
        return True

    async def _acceptable(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Pass a file on; end it when it turns out to be no photo, or too large."""
        reading = _Reading(self.limits.largest)
        async for chunk in reading.through(chunks):
            if len(reading.head) == SNIFF_BYTES:
                reading.must_fit(self.limits.of(MediaType.accepted(reading.head)))
            yield chunk
        MediaType.accepted(reading.head)


@dataclass(frozen=True, slots=True)
class VerifyPhoto:
    """Find out what a photo is, hold it against its promise, and have it scanned.

    All in one pass over the object. What fails without the scanner fails at once;
    otherwise no verdict means no way on. An infected file is remembered, its job
    fails, and the file is deleted; every step of that can be repeated.
    """

    uploads: UploadRepository
    jobs: JobRepository
    infected: InfectedFiles
    buckets: Buckets
    scanner: Scanner | None
    limits: ByteLimits
    describe: DescribePhoto
    finish: FinishJob
    measures: Measures
    stopwatch: Stopwatch
    now: Clock

    async def __call__(self, job_id: JobId) -> None:
        job = await self._enter(job_id)
        upload = None
        if job.upload_id:
            upload = await self.uploads.get(job.upload_id, tenant=job.tenant)
        reading = _Reading(upload.max_bytes if upload else self.limits.largest)
        verdict = await self._read(job, reading)
        if found := await self._harmful(job, reading, verdict):
            await self._destroy(job, found)
            raise found.refusal()
        photo = reading.photo(upload)
        await self.describe(job_id, photo)
        if self.scanner:
            at = self.now()
            await self.jobs.update(job_id, lambda job: job.enter(Step.SCAN, at=at))
        if verdict.failure:
            raise verdict.failure

    async def _enter(self, job_id: JobId) -> Job:
        at = self.now()
        try:
            return await self.jobs.update(
                job_id, lambda job: job.enter(Step.VERIFY, at=at)
            )
        except JobFinished:
            job = await self.jobs.get(job_id)
            if job.error and job.error.code == Infected.code:
                await self.buckets.raw.delete(job.raw_key)
            raise

    async def _read(self, job: Job, reading: "_Reading") -> "_Verdict":
        with must_be_there():
            async with (
                aclosing(self.buckets.raw.read(job.raw_key)) as stored,
                aclosing(reading.through(stored)) as chunks,
            ):
                verdict = await self._scan(chunks, reading)
                if job.photo and isinstance(verdict.failure, Unavailable):
                    raise verdict.failure  # verified before: it only waits
                async for _ in chunks:  # what the scanner did not need to see
                    pass
        if not reading.complete:
            raise verdict.failure or Internal("The photo was not read to its end.")
        return verdict

    async def _scan(
        self, chunks: AsyncIterator[bytes], reading: "_Reading"
    ) -> "_Verdict":
        if self.scanner is None:
            return _Verdict()
        since = self.stopwatch()
        try:
            verdict = _Verdict(signature=await self.scanner.scan(chunks))
        except (Unavailable, Unscannable) as error:
            verdict = _Verdict(failure=error)
        if verdict.failure is None or verdict.failure is not reading.failure:
            self.measures.scanned(verdict.kind, self.stopwatch() - since)
        return verdict

    async def _harmful(
        self, job: Job, reading: "_Reading", verdict: "_Verdict"
    ) -> InfectedFile | None:
        if known := await self.infected.find(reading.sha256):
            return known
        if verdict.signature is None:
            return None
        return InfectedFile(
            sha256=reading.sha256,
            signature=verdict.signature,
            found_at=self.now(),
            job_id=job.id,
        )

    async def _destroy(self, job: Job, found: InfectedFile) -> None:
        """Remember, end the job, delete: `_enter` deletes if this dies before."""
        await self.infected.add(found)
        with suppress(JobFinished):
            await self.finish.fail(job.id, Failure.of(found.refusal()))
        await self.buckets.raw.delete(job.raw_key)


@dataclass(frozen=True, slots=True)
class _Verdict:
    signature: str | None = None
    #: Why there is no verdict.
    failure: Unavailable | Unscannable | None = None

    @property
    def kind(self) -> Verdict:
        match self.failure:
            case None:
                return Verdict.INFECTED if self.signature else Verdict.CLEAN
            case Unscannable():
                return Verdict.UNSCANNABLE
            case Unavailable():
                return Verdict.UNAVAILABLE


class _Reading:
    """What is learnt of a file while its bytes pass by."""

    def __init__(self, max_bytes: int) -> None:
        self.head = b""
        self.complete = False
        #: Why no more bytes came: no fault of whoever reads them.
        self.failure: Exception | None = None
        self._max_bytes = max_bytes
        self._size = 0
        self._digest = sha256()

    async def through(
        self, chunks: AsyncIterator[bytes]
    ) -> AsyncGenerator[bytes, None]:
        async for chunk in self._noting_failure(chunks):
            self.head += chunk[: SNIFF_BYTES - len(self.head)]
            self._digest.update(chunk)
            self._size += len(chunk)
            self.must_fit(self._max_bytes)
            yield chunk
        self.complete = True

    async def _noting_failure(
        self, chunks: AsyncIterator[bytes]
    ) -> AsyncIterator[bytes]:
        try:
            async for chunk in chunks:
                yield chunk
        except Unavailable as error:
            self.failure = error
            raise

    def must_fit(self, max_bytes: int) -> None:
        if self._size > max_bytes:
            raise FileTooLarge(
                f"The file is larger than the {max_bytes} bytes allowed."
            )

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def photo(self, upload: Upload | None) -> Photo:
        """What was read, if it is what was promised."""
        content_type = (
            upload.accept(self.head, size_bytes=self._size, sha256=self.sha256)
            if upload
            else MediaType.accepted(self.head)
        )
        return Photo(
            content_type=content_type, size_bytes=self._size, sha256=self.sha256
        )
