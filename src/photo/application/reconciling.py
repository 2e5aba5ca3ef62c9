"""Use cases: have the files of jobs agree with their rows, one stretch at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from photo.application.bounded import each
from photo.application.holdings import Holdings
from photo.application.ports import (
    Buckets,
    Clock,
    Erasures,
    JobRepository,
    ListedObject,
    Repair,
    RepairLog,
)
from photo.domain.access import Tenant
from photo.domain.files import ALWAYS_THERE, MANIFEST, artifact_of
from photo.domain.job import Job, JobId, Status

#: What was written since may belong to a step that is still at work.
AT_WORK = timedelta(hours=1)

#: The manifest is read of jobs that ended so lately; of others once the listing tells
#: of something wrong.
LATELY = timedelta(hours=3)

#: By so much the clocks of this service and of the store may differ.
SKEW = timedelta(minutes=15)

_PAGE = 1_000
_PAGES = 10
_JOBS = 500
_AT_ONCE = 10

#: The files of a job by their names.
Files = Mapping[str, ListedObject]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """What came of a part of the way, and where the next part begins: None at the end.

    The whole way may be too long for one call, or for one worker's life.
    """

    next: str | None = ""
    seen: int = 0
    deleted: int = 0
    damaged: int = 0
    #: Files that neither a row nor a receipt explains.
    without_row: int = 0

    def then(self, more: "Stretch") -> "Stretch":
        return Stretch(
            next=more.next,
            seen=self.seen + more.seen,
            deleted=self.deleted + more.deleted,
            damaged=self.damaged + more.damaged,
            without_row=self.without_row + more.without_row,
        )


@dataclass(frozen=True, slots=True)
class RemoveFiles:
    """Delete files of jobs, once they are old enough."""

    buckets: Buckets
    repairs: RepairLog
    now: Clock

    async def __call__(self, files: Sequence[ListedObject]) -> int:
        """How many it was."""
        before = self.now() - AT_WORK
        old = [file for file in files if file.written_at < before]
        await each(self._delete, old, at_once=_AT_ONCE)
        return len(old)

    async def _delete(self, file: ListedObject) -> None:
        await self.buckets.processed.delete(file.key)
        job_id, _ = artifact_of(file.key) or (None, "")
        self.repairs.note(Repair.ARTIFACT_DELETED, job_id=job_id, key=file.key)


@dataclass(frozen=True, slots=True)
class SweepArtifacts:
    """Delete the files of jobs that were erased, that failed or were cancelled.

    Those of unfinished jobs and of jobs that succeeded stay, and so does whatever has
    no key of ours. A job's row is there before its files and goes for a receipt: where
    there is neither, it is the database that has lost something, or it is the wrong
    one. Then the files may be all that is left. They are told of, once a walk.
    """

    jobs: JobRepository
    erasures: Erasures
    buckets: Buckets
    remove: RemoveFiles
    repairs: RepairLog

    async def __call__(self, so_far: Stretch) -> Stretch:
        """Go on from there."""
        so_far = await self._walk(so_far)
        if so_far.next is None and so_far.without_row:
            self.repairs.note(Repair.ARTIFACT_WITHOUT_ROW, count=so_far.without_row)
        return so_far

    async def _walk(self, so_far: Stretch) -> Stretch:
        for _ in range(_PAGES):
            page = await self.buckets.processed.list(
                after=so_far.next or "", limit=_PAGE
            )
            if not page:
                return so_far.then(Stretch(next=None))
            so_far = so_far.then(await self._sweep(page))
        return so_far

    async def _sweep(self, page: Sequence[ListedObject]) -> Stretch:
        ours = [(item, found) for item in page if (found := artifact_of(item.key))]
        job_ids = {job_id for _, (job_id, _) in ours}
        jobs = await self.jobs.find([*job_ids])
        # Asked last: what was erased in between has its receipt by now.
        erased = await self.erasures.erased([*job_ids - jobs.keys()])
        unneeded = [
            item
            for item, (job_id, name) in ours
            if job_id in erased
            or (job_id in jobs and not _needed(jobs[job_id], item.key, name))
        ]
        unexplained = job_ids - jobs.keys() - erased
        return Stretch(
            next=page[-1].key,
            seen=len(page),
            deleted=await self.remove(unneeded),
            without_row=sum(job_id in unexplained for _, (job_id, _) in ours),
        )


def _needed(job: Job, key: str, name: str) -> bool:
    if job.artifact_key(name) != key:
        return False
    return not job.ended or job.status is Status.SUCCEEDED


@dataclass(frozen=True, slots=True)
class CheckResults:
    """See whether everything is there that jobs which succeeded have made.

    What is missing, or is not what the manifest says, cannot be made again: it is told
    of, and nothing of that job is touched. Files that a sound manifest does not name
    are deleted.
    """

    jobs: JobRepository
    buckets: Buckets
    holdings: Holdings
    remove: RemoveFiles
    repairs: RepairLog
    now: Clock

    async def __call__(self, so_far: Stretch) -> Stretch:
        """Go on from there."""
        tenant, _, job_id = (so_far.next or "").partition("/")
        jobs = await self.jobs.succeeded(
            after=(Tenant(tenant), JobId(job_id)), limit=_JOBS
        )
        return so_far.then(await self._checked(jobs) if jobs else Stretch(next=None))

    async def _checked(self, jobs: Sequence[Job]) -> Stretch:
        files = await self._files(jobs)
        since = self.now() - LATELY
        suspects = [job for job in jobs if _is_suspect(job, files[job.id], since)]
        outcomes = await each(
            lambda job: self._check(job, files[job.id]), suspects, at_once=_AT_ONCE
        )
        return Stretch(
            next=f"{jobs[-1].tenant}/{jobs[-1].id}",
            seen=len(jobs),
            deleted=sum(deleted for deleted, _ in outcomes),
            damaged=sum(is_damaged for _, is_damaged in outcomes),
        )

    async def _files(self, jobs: Sequence[Job]) -> Mapping[JobId, Files]:
        """What lies there of these jobs of one tenant, whose ids are in order."""
        files: dict[JobId, dict[str, ListedObject]] = {job.id: {} for job in jobs}
        after, last = jobs[0].artifact_key(""), jobs[-1].artifact_key("")
        while page := await self.buckets.processed.list(after=after, limit=_PAGE):
            for item in page:
                job_id, name = artifact_of(item.key) or (None, "")
                if job_id in files and item.key.startswith(f"{jobs[0].tenant}/"):
                    files[job_id][name] = item
            after = page[-1].key
            if after > last and not after.startswith(last):
                break
        return files

    async def _check(self, job: Job, files: Files) -> tuple[int, bool]:
        """How many of its files were deleted, and whether it is damaged."""
        manifest = await self.holdings.manifest(job)
        if manifest is None:
            return 0, await self._told_of(job, [MANIFEST])
        sizes = {file.name: file.size_bytes for file in manifest.files}
        wrong = [
            name
            for name, size in sizes.items()
            if name not in files or files[name].size_bytes != size
        ]
        if wrong:
            return 0, await self._told_of(job, wrong)
        unnamed = [
            file for name, file in files.items() if name not in {*sizes, MANIFEST}
        ]
        return await self.remove(unnamed), False

    async def _told_of(self, job: Job, names: Sequence[str]) -> bool:
        """Unless the job was erased meanwhile: then nothing is missing."""
        if job.id not in await self.jobs.find([job.id]):
            return False
        self.repairs.note(Repair.RESULT_DAMAGED, job_id=job.id, files=names)
        return True


def _is_suspect(job: Job, files: Files, since: datetime) -> bool:
    """Whether its manifest is to be read."""
    ended = job.finished_at or since
    return (
        ended >= since
        or not files.keys() >= ALWAYS_THERE
        or any(file.written_at > ended + SKEW for file in files.values())
    )
