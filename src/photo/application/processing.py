"""Use cases: what the worker does to a photo, one step at a time.

Every step may run twice, or twice at once: it writes the same objects under the same
keys, and the job's transitions tolerate repetition. A job that has ended meanwhile
raises `JobFinished` at the start of the next step.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from photo.application.artifacts import collect, download, keep, keep_original
from photo.application.ports import (
    Buckets,
    Clock,
    Documents,
    ImageNormalizer,
    JobRepository,
    PageImage,
    TextRecognizer,
    UploadRepository,
)
from photo.domain.errors import (
    ChecksumMismatch,
    FileTooLarge,
    JobFinished,
    NotFound,
    ObjectNotFound,
    UploadMissing,
)
from photo.domain.files import (
    MANIFEST,
    ORIGINAL,
    TEXT_JSON,
    TEXT_PLAIN,
    THUMBNAIL,
    Manifest,
    StoredFile,
)
from photo.domain.job import Failure, Job, JobId, Photo, Step
from photo.domain.media import SNIFF_BYTES
from photo.domain.text import Engine, Page, RecognizedText, preview
from photo.domain.upload import Upload


class PageSize(NamedTuple):
    """A normalised image by name, and the upright original's size in pixels."""

    name: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class VerifyPhoto:
    """Find out what the bytes are, and hold them against what was promised."""

    uploads: UploadRepository
    jobs: JobRepository
    buckets: Buckets
    now: Clock

    async def __call__(self, job_id: JobId) -> None:
        at = self.now()
        job = await self.jobs.update(job_id, lambda job: job.enter(Step.VERIFY, at=at))
        upload = await self.uploads.get(job.upload_id, tenant=job.tenant)
        photo = await self._inspect(upload)
        await self.jobs.update(job_id, lambda job: job.describe(photo))

    async def _inspect(self, upload: Upload) -> Photo:
        digest, size, head = sha256(), 0, b""
        with _not_gone():
            async for chunk in self.buckets.raw.read(upload.key):
                head += chunk[: SNIFF_BYTES - len(head)]
                digest.update(chunk)
                size += len(chunk)
                if size > upload.max_bytes:
                    raise FileTooLarge(
                        f"The file is larger than the {upload.max_bytes} bytes granted."
                    )
        checksum = digest.hexdigest()
        content_type = upload.accept(head, size_bytes=size, sha256=checksum)
        return Photo(content_type=content_type, size_bytes=size, sha256=checksum)


@contextmanager
def _not_gone() -> Iterator[None]:
    """A photo that has vanished is the client's to send again; its key stays ours."""
    try:
        yield
    except ObjectNotFound:
        raise UploadMissing(
            "The photo is no longer there. Send it as a new upload."
        ) from None


@dataclass(frozen=True, slots=True)
class NormalizePhoto:
    """Make the upright, metadata-free copies that everything later is made from."""

    jobs: JobRepository
    buckets: Buckets
    normalizer: ImageNormalizer
    now: Clock

    async def __call__(
        self, job_id: JobId
    ) -> tuple[Sequence[StoredFile], Sequence[PageSize]]:
        at = self.now()
        job = await self.jobs.update(
            job_id, lambda job: job.enter(Step.NORMALIZE, at=at)
        )
        with TemporaryDirectory(prefix="photo-") as scratch:
            pages = await self._normalize(job, Path(scratch))
            files = await self._keep(job, Path(scratch), pages)
        first = pages[0]
        await self.jobs.update(
            job_id, lambda job: job.measure(width=first.width, height=first.height)
        )
        return files, [PageSize(page.path.name, *page[1:]) for page in pages]

    async def _normalize(self, job: Job, scratch: Path) -> Sequence[PageImage]:
        photo, original = job.verified_photo, scratch / ORIGINAL
        with _not_gone():
            checksum = await download(self.buckets.raw, job.raw_key, original)
        if checksum != photo.sha256:
            raise ChecksumMismatch("The photo was changed after it had been verified.")
        return await self.normalizer.normalize(
            original, photo.content_type, into=scratch
        )

    async def _keep(
        self, job: Job, scratch: Path, pages: Sequence[PageImage]
    ) -> Sequence[StoredFile]:
        """Store the copies, and beside them the very bytes that they were made of."""
        names = [*(page.path.name for page in pages), THUMBNAIL]
        original = scratch / ORIGINAL
        return [
            await keep_original(self.buckets.processed, job, original),
            *[
                await keep(
                    self.buckets.processed,
                    job,
                    name,
                    await asyncio.to_thread((scratch / name).read_bytes),
                )
                for name in names
            ],
        ]


@dataclass(frozen=True, slots=True)
class RecognizeText:
    """Read every normalised page and store the text."""

    jobs: JobRepository
    buckets: Buckets
    recognizer: TextRecognizer
    documents: Documents
    now: Clock

    async def __call__(
        self, job_id: JobId, pages: Sequence[PageSize]
    ) -> tuple[Sequence[StoredFile], Engine]:
        at = self.now()
        job = await self.jobs.update(
            job_id, lambda job: job.enter(Step.RECOGNIZE, at=at)
        )
        engine = self.recognizer.engine
        text = RecognizedText(
            engine, tuple([await self._read(job, page) for page in pages])
        )
        result = self.documents.result(job_id, text)
        files = [
            await keep(self.buckets.processed, job, TEXT_JSON, result),
            await keep(self.buckets.processed, job, TEXT_PLAIN, text.text.encode()),
        ]
        return files, engine

    async def _read(self, job: Job, page: PageSize) -> Page:
        with TemporaryDirectory(prefix="photo-") as scratch:
            image = Path(scratch) / page.name
            await download(self.buckets.processed, job.artifact_key(page.name), image)
            read = await self.recognizer.recognize(image)
        return read.scaled_to(page.width, page.height)


@dataclass(frozen=True, slots=True)
class PublishResult:
    """Vouch for the files in the manifest, and only then call the job a success."""

    jobs: JobRepository
    buckets: Buckets
    documents: Documents
    now: Clock

    async def __call__(
        self, job_id: JobId, files: Sequence[StoredFile], engine: Engine
    ) -> None:
        at = self.now()
        job = await self.jobs.update(job_id, lambda job: job.enter(Step.PUBLISH, at=at))
        manifest = Manifest(
            job_id=job_id,
            created_at=job.entered[Step.PUBLISH],
            engine=engine,
            files=tuple(files),
        )
        stored = await keep(
            self.buckets.processed, job, MANIFEST, self.documents.manifest(manifest)
        )
        text = await collect(self.buckets.processed, job.artifact_key(TEXT_PLAIN))
        finished_at = self.now()
        await self.jobs.update(
            job_id,
            lambda job: job.succeed(
                text_preview=preview(text.decode()),
                manifest_sha256=stored.sha256,
                at=finished_at,
            ),
        )


@dataclass(frozen=True, slots=True)
class EndJob:
    """End a job that cannot go on; one that has ended or gone meanwhile is let be."""

    jobs: JobRepository
    now: Clock

    async def fail(self, job_id: JobId, failure: Failure) -> bool:
        """Say whether the job has failed; otherwise it has ended in another way."""
        at = self.now()
        with suppress(JobFinished, NotFound):
            await self.jobs.update(job_id, lambda job: job.fail(failure, at=at))
            return True
        return False

    async def cancel(self, job_id: JobId) -> None:
        at = self.now()
        with suppress(JobFinished, NotFound):
            await self.jobs.update(job_id, lambda job: job.cancel(at=at))
