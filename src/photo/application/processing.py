"""Use cases: what the worker does to a photo that is safe, one step at a time.

Every step may run twice, or twice at once: it writes the same objects under the same
keys, and the job's transitions tolerate repetition. A job that has ended meanwhile
raises `JobFinished` at the start of the next step.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from photo.application.artifacts import (
    collect,
    download,
    keep,
    keep_original,
    must_be_there,
)
from photo.application.endings import FinishJob
from photo.application.ports import (
    Buckets,
    Clock,
    Documents,
    ImageNormalizer,
    JobRepository,
    PageImage,
    TextIndex,
    TextRecognizer,
    Transactions,
)
from photo.domain.errors import ChecksumMismatch, JobFinished, NotFound, PhotoError
from photo.domain.files import (
    MANIFEST,
    ORIGINAL,
    TEXT_JSON,
    TEXT_PLAIN,
    THUMBNAIL,
    Manifest,
    StoredFile,
)
from photo.domain.job import Failure, Job, JobId, Step
from photo.domain.searchable import SearchableText
from photo.domain.text import Engine, Page, RecognizedText, preview


class PageSize(NamedTuple):
    """A normalised image by name, and the upright original's size in pixels."""

    name: str
    width: int
    height: int


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
        with must_be_there():
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
    texts: TextIndex
    transactions: Transactions
    finish: FinishJob
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
        searchable = await self._searchable(job)
        async with self.transactions.begin():
            await self.finish.succeed(
                job_id,
                text_preview=preview(text.decode()),
                manifest_sha256=stored.sha256,
            )
            await self.texts.add(searchable)

    async def _searchable(self, job: Job) -> SearchableText:
        result = await collect(self.buckets.processed, job.artifact_key(TEXT_JSON))
        pages = self.documents.read_result(result).pages
        return await asyncio.to_thread(SearchableText.of, job, pages)


@dataclass(frozen=True, slots=True)
class EndJob:
    """End a job that cannot go on; one that has ended or gone meanwhile is let be."""

    finish: FinishJob

    async def fail(self, job_id: JobId, failure: Failure) -> bool:
        """Say whether the job has failed; otherwise it has ended in another way."""
        with suppress(JobFinished, NotFound):
            await self.finish.fail(job_id, failure)
            return True
        return False

    async def cancel(self, job_id: JobId) -> None:
        with suppress(JobFinished, NotFound):
            await self.finish.cancel(job_id)


@dataclass(frozen=True, slots=True)
class NoteWaiting:
    """Show on a job why its step is tried again. Only told: it changes nothing else."""

    jobs: JobRepository

    async def __call__(self, job_id: JobId, error: PhotoError) -> None:
        reason = Failure.of(error)
        with suppress(PhotoError):
            job = await self.jobs.get(job_id)
            if job.step_error != reason:
                await self.jobs.update(job_id, lambda job: job.wait(reason))
