"""Use cases: what the worker does to a photo that is safe, one step at a time.

Every step may run twice, or twice at once, or go on long after it was given up: its
first attempt to store a file wins, the others go on with that, and the job's
transitions tolerate repetition. A job that has ended meanwhile raises `JobFinished` at
the start of the next step, or where its files are missed.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
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
    Measures,
    PageImage,
    Stopwatch,
    TextIndex,
    TextRecognizer,
    Transactions,
)
from photo.domain.errors import (
    ChecksumMismatch,
    Internal,
    ObjectNotFound,
    PhotoError,
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
from photo.domain.job import Failure, Job, JobId, Step
from photo.domain.searchable import SearchableText
from photo.domain.text import Engine, Page, RecognizedText, preview


class PageSize(NamedTuple):
    """A normalised image by name, and the upright original's size in pixels."""

    name: str
    width: int
    height: int

    def turned_like(self, copy: Page) -> tuple[int, int]:
        """The size, if the copy is of an attempt that put the photo upright like this.

        Where it is not clear what is upright, another machine may see it otherwise.
        """
        if (self.width - self.height) * (copy.width - copy.height) < 0:
            return self.height, self.width
        return self.width, self.height


@asynccontextmanager
async def _in_step(
    step: Step, job_id: JobId, jobs: JobRepository, now: Clock
) -> AsyncIterator[Job]:
    """Whoever ends a job deletes its files: they are missed for no other reason."""
    at = now()

    def enter(job: Job) -> Job:
        return job.enter(step, at=at)

    job = await jobs.update(job_id, enter)
    try:
        yield job
    except ObjectNotFound:
        await jobs.update(job_id, enter)
        raise


def _as_stored(documents: Documents, result: bytes) -> RecognizedText:
    stored = documents.read_result(result)
    return RecognizedText(stored.engine, tuple(stored.pages))


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
        async with _in_step(Step.NORMALIZE, job_id, self.jobs, self.now) as job:
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
        store = self.buckets.processed
        files = [await keep_original(store, job, scratch / ORIGINAL)]
        for name in (*(page.path.name for page in pages), THUMBNAIL):
            made = await asyncio.to_thread((scratch / name).read_bytes)
            files.append(StoredFile.of(name, await keep(store, job, name, made)))
        return files


@dataclass(frozen=True, slots=True)
class RecognizeText:
    """Read every normalised page and store the text."""

    jobs: JobRepository
    buckets: Buckets
    recognizer: TextRecognizer
    documents: Documents
    measures: Measures
    stopwatch: Stopwatch
    now: Clock

    async def __call__(
        self, job_id: JobId, pages: Sequence[PageSize]
    ) -> tuple[Sequence[StoredFile], Engine]:
        store = self.buckets.processed
        async with _in_step(Step.RECOGNIZE, job_id, self.jobs, self.now) as job:
            read = tuple([await self._read(job, page) for page in pages])
            made = self.documents.result(
                job_id, RecognizedText(self.recognizer.engine, read)
            )
            result = await keep(store, job, TEXT_JSON, made)
            text = await asyncio.to_thread(_as_stored, self.documents, result)
            plain = await keep(store, job, TEXT_PLAIN, text.text.encode())
        files = [StoredFile.of(TEXT_JSON, result), StoredFile.of(TEXT_PLAIN, plain)]
        return files, text.engine

    async def _read(self, job: Job, page: PageSize) -> Page:
        with TemporaryDirectory(prefix="photo-") as scratch:
            image = Path(scratch) / page.name
            await download(self.buckets.processed, job.artifact_key(page.name), image)
            since = self.stopwatch()
            read = await self.recognizer.recognize(image)
            self.measures.recognized(read, self.stopwatch() - since)
        return read.scaled_to(*page.turned_like(read))


@dataclass(frozen=True, slots=True)
class PublishResult:
    """Vouch for the files in the manifest, and only then call the job a success.

    Whatever the row says of the text, it takes from the file.
    """

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
        async with _in_step(Step.PUBLISH, job_id, self.jobs, self.now) as job:
            manifest_sha256 = await self._vouch(job, files, engine)
            text = await self._text(job, files)
        searchable = await asyncio.to_thread(SearchableText.of, job, text.pages)
        async with self.transactions.begin():
            await self._measure(job_id, text.pages[0])
            await self.finish.succeed(
                job_id,
                text_preview=preview(text.text),
                manifest_sha256=manifest_sha256,
            )
            await self.texts.add(searchable)

    async def _vouch(
        self, job: Job, files: Sequence[StoredFile], engine: Engine
    ) -> str:
        manifest = Manifest(
            job_id=job.id,
            created_at=job.entered[Step.PUBLISH],
            engine=engine,
            files=tuple(files),
        )
        made = self.documents.manifest(manifest)
        stored = await keep(self.buckets.processed, job, MANIFEST, made)
        if self.documents.read_manifest(stored).files != manifest.files:
            raise Internal("There is a manifest of other files.")
        return StoredFile.of(MANIFEST, stored).sha256

    async def _text(self, job: Job, files: Sequence[StoredFile]) -> RecognizedText:
        result = await collect(self.buckets.processed, job.artifact_key(TEXT_JSON))
        if StoredFile.of(TEXT_JSON, result) not in files:
            raise Internal("There is a text that is not in the manifest.")
        return await asyncio.to_thread(_as_stored, self.documents, result)

    async def _measure(self, job_id: JobId, page: Page) -> None:
        """The photo is as large as its text says, whatever else was thought before."""
        await self.jobs.update(
            job_id,
            lambda job: (
                job if job.ended else job.measure(width=page.width, height=page.height)
            ),
        )


@dataclass(frozen=True, slots=True)
class NoteWaiting:
    """Show on a job why its step is tried again. Only told: it changes nothing else."""

    jobs: JobRepository

    async def __call__(self, job_id: JobId, error: PhotoError) -> None:
        reason = Failure.of(error)
        with suppress(PhotoError):
            job = await self.jobs.get(job_id)
            if job.step_error is None or job.step_error.code != reason.code:
                await self.jobs.update(job_id, lambda job: job.wait(reason))
