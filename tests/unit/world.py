"""Every use case on adapters in memory that a fuse can make crash at any call."""

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Mapping,
    Sequence,
)
from collections.abc import Set as AbstractSet
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from photo.adapters.documents import JsonDocuments
from photo.adapters.memory import (
    MemoryDatabase,
    MemoryInfectedFiles,
    MemoryJobFeed,
    MemoryJobRepository,
    MemoryMeasures,
    MemoryNormalizer,
    MemoryObjectLinks,
    MemoryObjectStore,
    MemoryPhotoFetcher,
    MemoryRecognizer,
    MemoryRepairLog,
    MemoryTextIndex,
    MemoryUploadRepository,
)
from photo.application.admission import AdmitJob, MaxUnfinished
from photo.application.audit import RecordChange
from photo.application.endings import EndJob, FinishJob
from photo.application.erasing import ConfirmErasures, EraseJob
from photo.application.holdings import Holdings
from photo.application.intake import FetchPhoto, VerifyPhoto
from photo.application.jobs import CancelJob, SubmitJob
from photo.application.ports import (
    Buckets,
    Clock,
    ImageNormalizer,
    ListedObject,
    Scanner,
    StoredObject,
    WorkflowEngine,
)
from photo.application.processing import (
    NormalizePhoto,
    NoteWaiting,
    PublishResult,
    RecognizeText,
)
from photo.application.reconciling import CheckResults, RemoveFiles, SweepArtifacts
from photo.application.retrying import RetryJob
from photo.application.starting import Starter, StartForgottenJobs, StopStrayWork
from photo.application.sweeping import SweepUploads
from photo.application.uploads import GrantUpload, LookUpUpload, ReceivePhoto
from photo.application.usage import CountJob, DescribePhoto
from photo.domain.access import Principal, Tenant
from photo.domain.errors import JobFinished, Unavailable
from photo.domain.infected import InfectedFile
from photo.domain.job import Job, JobId
from photo.domain.media import ByteLimits
from photo.domain.upload import Upload, UploadId
from photo.domain.usage import DailyQuota
from tests.makers import (
    ACME,
    SteppableClock,
    a_job,
    a_url_job,
    an_upload,
    in_chunks,
    new_id,
    photo_bytes,
)
from tests.unit.post import Post
from tests.unit.records import FusedErasures, FusedUsage

A_SECOND = timedelta(seconds=1)


class Crash(BaseException):
    """The process died. No code of ours can catch it."""


class Fuse:
    """Blows once, when the n-th call to a port has had its effect but not returned."""

    def __init__(self) -> None:
        self.calls = 0
        self.blown = False
        self._blows_at = 0
        self._meanwhile: Callable[[], Awaitable[object]] | None = None

    def blow_at(
        self, call: int, meanwhile: Callable[[], Awaitable[object]] | None = None
    ) -> None:
        """Counted from now. Do something else then, instead of crashing."""
        self.calls, self._blows_at, self._meanwhile = 0, call, meanwhile

    async def burn(self) -> None:
        self.calls += 1
        if self.calls != self._blows_at:
            return
        self.blown, self._blows_at = True, 0
        if self._meanwhile is None:
            raise Crash
        await self._meanwhile()


class FusedDatabase(MemoryDatabase):
    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self._fuse = fuse

    async def then(self, act: Callable[[], Awaitable[object]]) -> None:
        async def act_if_alive() -> None:
            await self._fuse.burn()
            await act()

        await super().then(act_if_alive)


class FusedStore(MemoryObjectStore):
    def __init__(self, fuse: Fuse, now: Clock) -> None:
        super().__init__(now)
        self.chunk_bytes = 1 << 20
        self.cut_after: int | None = None
        self.chunks_read = 0
        self._fuse = fuse

    async def head(self, key: str) -> StoredObject:
        found = await super().head(key)
        await self._fuse.burn()
        return found

    async def read(self, key: str) -> AsyncGenerator[bytes, None]:
        async for chunk in super().read(key):
            if self.cut_after is not None:
                yield chunk[: self.cut_after]
                raise Unavailable("The object store went away.")
            async for part in in_chunks(chunk, size=self.chunk_bytes):
                self.chunks_read += 1
                yield part
        await self._fuse.burn()

    async def write(
        self, key: str, chunks: AsyncIterator[bytes], *, content_type: str
    ) -> bool:
        written = await super().write(key, chunks, content_type=content_type)
        await self._fuse.burn()
        return written

    async def receive(self, key: str, data: bytes, *, content_type: str) -> None:
        """What a client sends by a form: it may replace what it has sent before."""
        self._objects.pop(key, None)
        await self.write(key, in_chunks(data), content_type=content_type)

    async def delete(self, key: str) -> None:
        await super().delete(key)
        await self._fuse.burn()

    async def list(self, *, after: str, limit: int) -> Sequence[ListedObject]:
        page = await super().list(after=after, limit=limit)
        await self._fuse.burn()
        return page

    def contents(self) -> dict[str, tuple[bytes, str]]:
        return dict(self._objects)


class FusedUploads(MemoryUploadRepository):
    def __init__(self, fuse: Fuse, database: MemoryDatabase) -> None:
        super().__init__(database)
        self._fuse = fuse

    def known(self) -> list[Upload]:
        return [*self._uploads.values()]

    async def add(self, upload: Upload) -> None:
        await super().add(upload)
        await self._fuse.burn()

    async def get(self, upload_id: UploadId, *, tenant: Tenant) -> Upload:
        upload = await super().get(upload_id, tenant=tenant)
        await self._fuse.burn()
        return upload

    async def forget_unused(
        self, *, created_after: datetime, created_before: datetime, limit: int
    ) -> int:
        forgotten = await super().forget_unused(
            created_after=created_after, created_before=created_before, limit=limit
        )
        await self._fuse.burn()
        return forgotten


class FusedJobs(MemoryJobRepository):
    def __init__(
        self,
        uploads: MemoryUploadRepository,
        feed: MemoryJobFeed,
        fuse: Fuse,
        database: MemoryDatabase,
    ) -> None:
        super().__init__(uploads, feed, database)
        self._fuse = fuse

    def restore(self, job: Job) -> None:
        """What a backup of the database does: the row is again what it was."""
        self._store(job)

    async def add(self, job: Job) -> None:
        await super().add(job)
        await self._fuse.burn()

    async def get_for(self, tenant: Tenant, job_id: JobId) -> Job:
        job = await super().get_for(tenant, job_id)
        await self._fuse.burn()
        return job

    async def update(self, job_id: JobId, change: Callable[[Job], Job]) -> Job:
        job = await super().update(job_id, change)
        await self._fuse.burn()
        return job

    async def needed_on(
        self, raw_keys: Sequence[str], *, crashed_after: datetime
    ) -> AbstractSet[str]:
        needed = await super().needed_on(raw_keys, crashed_after=crashed_after)
        await self._fuse.burn()
        return needed


class FusedInfectedFiles(MemoryInfectedFiles):
    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self._fuse = fuse

    async def add(self, file: InfectedFile) -> None:
        await super().add(file)
        await self._fuse.burn()


class RecordingEngine(WorkflowEngine):
    """Starts nothing and remembers what it was asked; `fault` makes it fail first."""

    def __init__(self, fuse: Fuse) -> None:
        self.started: list[JobId] = []
        self.cancelled: list[JobId] = []
        #: What it says of itself is up to the test.
        self.working_on: set[JobId] = set()
        self.listed: set[JobId] | None = None
        self.fault: Exception | None = None
        self._fuse = fuse

    async def start(self, job: Job) -> bool:
        self._fail()
        self.started.append(job.id)
        await self._fuse.burn()
        return job.id not in self.working_on

    async def cancel(self, job_id: JobId) -> None:
        self._fail()
        self.cancelled.append(job_id)
        await self._fuse.burn()

    async def under_way(self) -> AbstractSet[JobId]:
        self._fail()
        return self.working_on if self.listed is None else self.listed

    async def check(self) -> None:
        self._fail()

    def _fail(self) -> None:
        if self.fault:
            raise self.fault


T = TypeVar("T")


class Way(Protocol):
    """How every step of a job is taken."""

    async def __call__(self, step: Callable[[], Awaitable[T]], /) -> T: ...


async def once(step: Callable[[], Awaitable[T]], /) -> T:
    return await step()


class World:
    def __init__(
        self,
        *,
        recognizer: MemoryRecognizer | None = None,
        feed: MemoryJobFeed | None = None,
        scanner: Scanner | None = None,
        internet: Mapping[str, bytes] | None = None,
        limits: ByteLimits | None = None,
        buckets: Buckets | None = None,
        normalizer: ImageNormalizer | None = None,
        quota: DailyQuota | None = None,
    ) -> None:
        self.clock, self.measures = SteppableClock(), MemoryMeasures()
        self.fuse = Fuse()
        self.feed = feed or MemoryJobFeed()
        self.raw = FusedStore(self.fuse, self.clock)
        self.processed = FusedStore(self.fuse, self.clock)
        self.buckets = buckets or Buckets(raw=self.raw, processed=self.processed)
        self.transactions = FusedDatabase(self.fuse)
        self.uploads = FusedUploads(self.fuse, self.transactions)
        self.jobs = FusedJobs(self.uploads, self.feed, self.fuse, self.transactions)
        self.infected = FusedInfectedFiles(self.fuse)
        self.limits = limits or ByteLimits()
        self.fetcher = MemoryPhotoFetcher(internet)
        self.engine = RecordingEngine(self.fuse)
        self.links = MemoryObjectLinks()
        self.documents = JsonDocuments()
        self.texts = MemoryTextIndex(self.transactions)
        self.usage = FusedUsage(self.transactions)
        self.usage.burn = self.fuse.burn
        self.quota = quota or DailyQuota()
        most = MaxUnfinished(1_000)
        self.post = Post(
            self.fuse.burn, self.transactions, self.jobs, self.clock, self.measures
        )
        self.starter = Starter(self.engine)
        self.submit = SubmitJob(
            AdmitJob(self.jobs, most, lambda: 0.0, self.clock),
            self.transactions,
            self.uploads,
            self.jobs,
            CountJob(self.usage, self.quota, self.clock),
            self.buckets,
            self.starter,
            self.fetcher,
            self.post.sender,
            self.measures,
            new_id,
            self.clock,
        )
        self.grant = GrantUpload(
            self.transactions,
            self.uploads,
            self.infected,
            self.links,
            self.limits,
            self.measures,
            new_id,
            self.clock,
        )
        self.receive = ReceivePhoto(
            self.uploads, self.buckets, self.limits, new_id, self.clock
        )
        self.look_up = LookUpUpload(self.uploads, self.jobs, self.buckets, self.clock)
        self.finish = FinishJob(
            self.transactions,
            self.jobs,
            self.usage,
            self.post.announce,
            self.measures,
            self.clock,
        )
        self.cancel = CancelJob(self.transactions, self.jobs, self.finish, self.engine)
        self.repairs = MemoryRepairLog()
        watch = (self.jobs, self.engine, self.repairs, self.clock)
        self.start_forgotten = StartForgottenJobs(*watch)
        self.stop_stray = StopStrayWork(*watch)
        self.sweep = SweepUploads(
            self.uploads,
            self.jobs,
            self.buckets,
            self.repairs,
            self.measures,
            self.clock,
        )
        remove = RemoveFiles(self.buckets, self.repairs, self.clock)
        self.check_results = CheckResults(
            self.jobs,
            self.buckets,
            Holdings(self.buckets, self.documents),
            remove,
            self.repairs,
            self.clock,
        )
        self.fetch = FetchPhoto(
            self.jobs, self.buckets, self.fetcher, self.limits, self.clock
        )
        self.verify = VerifyPhoto(
            self.uploads,
            self.jobs,
            self.infected,
            self.buckets,
            scanner,
            self.limits,
            DescribePhoto(self.transactions, self.jobs, self.usage, self.clock),
            self.finish,
            self.measures,
            self._elapsed,
            self.clock,
        )
        self.normalize = NormalizePhoto(
            self.jobs, self.buckets, normalizer or MemoryNormalizer(), self.clock
        )
        self.recognize = RecognizeText(
            self.jobs,
            self.buckets,
            recognizer or MemoryRecognizer(),
            self.documents,
            self.measures,
            self._elapsed,
            self.clock,
        )
        self.publish = PublishResult(
            self.jobs,
            self.buckets,
            self.documents,
            self.texts,
            self.transactions,
            self.finish,
            self.clock,
        )
        self.note_waiting = NoteWaiting(self.jobs)
        self.retry = RetryJob(
            self.jobs, self.infected, self.buckets, self.submit, new_id, self.clock
        )
        self.erasures = FusedErasures(
            self.transactions,
            self.jobs,
            self.post.deliveries,
            self.texts,
            self.infected,
        )
        self.erasures.burn = self.fuse.burn
        self.sweep_artifacts = SweepArtifacts(
            self.jobs, self.erasures, self.buckets, remove, self.repairs
        )
        self.caller = Principal(ACME, frozenset(), "key_1")
        self.holdings = Holdings(self.buckets, self.documents)
        self.end = EndJob(self.finish, self.jobs, self.erasures, self.holdings)
        self.erase = EraseJob(
            self.transactions,
            self.jobs,
            self.erasures,
            self.usage,
            self.holdings,
            RecordChange(self.post.audit, new_id, self.clock),
            self.engine,
            self.clock,
        )
        self.confirm = ConfirmErasures(self.erasures, self.holdings, self.clock)

    def _elapsed(self) -> float:
        return self.clock().timestamp()

    async def arrive(self, upload: Upload, data: bytes | None = None) -> Upload:
        """Grant an upload and send its photo."""
        await self.uploads.add(upload)
        await self.send(upload, data)
        return upload

    async def send(self, upload: Upload, data: bytes | None = None) -> None:
        sent = photo_bytes(upload.content_type) if data is None else data
        await self.raw.receive(upload.key, sent, content_type=upload.content_type)

    async def accept(
        self, upload: Upload | None = None, data: bytes | None = None
    ) -> JobId:
        """A queued job on a photo that has arrived."""
        upload = await self.arrive(upload or an_upload(), data)
        job = a_job(upload, now=self.clock())
        await self.jobs.add(job)
        return job.id

    async def accept_url(self, url: str) -> JobId:
        """A queued job on a photo that is yet to be fetched."""
        job = a_url_job(url, now=self.clock())
        await self.jobs.add(job)
        return job.id

    async def process(self, job_id: JobId, way: Way = once) -> Job:
        """Take a job through its steps, a second apart, as the workflow does."""
        with suppress(JobFinished):
            if (await self.jobs.get(job_id)).source_url:
                await way(lambda: self.fetch(job_id))
                self.clock.step(A_SECOND)
            await way(lambda: self.verify(job_id))
            self.clock.step(A_SECOND)
            images, pages = await way(lambda: self.normalize(job_id))
            self.clock.step(A_SECOND)
            texts, engine = await way(lambda: self.recognize(job_id, pages))
            self.clock.step(A_SECOND)
            files = [*images, *texts]
            await way(lambda: self.publish(job_id, files, engine))
        return await self.jobs.get(job_id)
