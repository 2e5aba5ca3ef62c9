"""The steps of a job as Temporal runs them: one call of the application each."""

from contextlib import suppress
from dataclasses import asdict, dataclass

import structlog
from temporalio import activity

from photo.adapters.temporal.messages import (
    JobRef,
    Normalized,
    PageRef,
    Recognized,
    ToFail,
    ToPublish,
    ToRecognize,
)
from photo.application.deliveries import StartLostDeliveries
from photo.application.endings import EndJob
from photo.application.erasing import ConfirmErasures
from photo.application.inspecting import DescribePoison
from photo.application.intake import FetchPhoto, VerifyPhoto
from photo.application.processing import (
    NormalizePhoto,
    PageSize,
    PublishResult,
    RecognizeText,
)
from photo.application.reconciling import CheckResults, Stretch, SweepArtifacts
from photo.application.retention import ApplyRetention, Pruned
from photo.application.starting import StartForgottenJobs, StopStrayWork
from photo.application.sweeping import SweepUploads, Swept
from photo.domain.errors import NotFound
from photo.domain.job import JobId

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ImageActivities:
    """The heavy steps: each keeps one imaging process busy."""

    normalize_photo: NormalizePhoto
    recognize_text: RecognizeText

    @activity.defn(name="normalize")
    async def normalize(self, job: JobRef) -> Normalized:
        files, pages = await self.normalize_photo(job.job_id)
        return Normalized([*files], [PageRef(*page) for page in pages])

    @activity.defn(name="recognize")
    async def recognize(self, work: ToRecognize) -> Recognized:
        pages = [PageSize(page.name, page.width, page.height) for page in work.pages]
        files, engine = await self.recognize_text(work.job_id, pages)
        return Recognized([*files], engine)


@dataclass(frozen=True, slots=True)
class JobActivities:
    """The light steps: rows, and objects as they are."""

    fetch_photo: FetchPhoto
    verify_photo: VerifyPhoto
    publish_result: PublishResult
    end_job: EndJob
    describe_poison: DescribePoison
    start_forgotten_jobs: StartForgottenJobs
    start_lost_deliveries: StartLostDeliveries
    stop_stray_work: StopStrayWork
    sweep_uploads: SweepUploads
    sweep_artifacts: SweepArtifacts
    check_results: CheckResults
    confirm_erasures: ConfirmErasures
    apply_retention: ApplyRetention

    @activity.defn(name="fetch")
    async def fetch(self, job: JobRef) -> None:
        await self.fetch_photo(job.job_id)

    @activity.defn(name="verify")
    async def verify(self, job: JobRef) -> None:
        await self.verify_photo(job.job_id)

    @activity.defn(name="publish")
    async def publish(self, work: ToPublish) -> None:
        await self.publish_result(work.job_id, work.files, work.engine)

    @activity.defn(name="fail")
    async def fail(self, ending: ToFail) -> None:
        if await self.end_job.fail(ending.job_id, ending.failure):
            log.info("job_failed", code=ending.failure.code)
            if ending.failure.crashes:
                await self._tell_of_poison(ending.job_id)

    async def _tell_of_poison(self, job_id: JobId) -> None:
        with suppress(NotFound):  # it was erased meanwhile
            if poison := await self.describe_poison(job_id):
                log.error("photo_poisoned", **asdict(poison))

    @activity.defn(name="cancel")
    async def cancel(self, job: JobRef) -> None:
        await self.end_job.cancel(job.job_id)

    @activity.defn(name="start-forgotten-jobs")
    async def start_forgotten(self) -> int:
        jobs = await self.start_forgotten_jobs()
        return jobs + await self.start_lost_deliveries()

    @activity.defn(name="sweep-uploads")
    async def sweep(self) -> Swept:
        swept = await self.sweep_uploads()
        log.info("uploads_swept", **asdict(swept))
        return swept

    @activity.defn(name="stop-stray-work")
    async def stop_stray(self) -> int:
        return await self.stop_stray_work()

    @activity.defn(name="sweep-artifacts")
    async def sweep_processed(self, so_far: Stretch) -> Stretch:
        return _told_at_the_end("artifacts_swept", await self.sweep_artifacts(so_far))

    @activity.defn(name="check-results")
    async def check_all(self, so_far: Stretch) -> Stretch:
        return _told_at_the_end("results_checked", await self.check_results(so_far))

    @activity.defn(name="confirm-erasures")
    async def confirm(self) -> int:
        erasures = await self.confirm_erasures()
        log.info("erasures_confirmed", erasures=erasures)
        return erasures

    @activity.defn(name="apply-retention")
    async def retain(self) -> Pruned:
        pruned = await self.apply_retention()
        log.info("retention_applied", **asdict(pruned))
        return pruned


def _told_at_the_end(event: str, so_far: Stretch) -> Stretch:
    if so_far.next is None:
        seen, deleted, damaged = so_far.seen, so_far.deleted, so_far.damaged
        log.info(event, seen=seen, deleted=deleted, damaged=damaged)
    return so_far
