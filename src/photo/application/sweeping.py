"""Use cases: clear away the objects that nobody needs, or came back for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from photo.application.bounded import each
from photo.application.ports import (
    Buckets,
    Clock,
    JobRepository,
    ListedObject,
    Measures,
    Repair,
    RepairLog,
    UploadRepository,
)
from photo.domain.files import is_artifact_key
from photo.domain.upload import RAW_LIFETIME, is_raw_key

#: Uploads of this many days are looked through, in case that nothing was swept lately:
#: one day at a time, for all those that jobs have used stay among them.
LOOK_BACK_DAYS = 7

#: How long people may look at a photo on which processes crashed.
CRASHED_KEPT_FOR = timedelta(days=14)

#: A write that began so long ago is at work no more.
ABANDONED_AFTER = timedelta(days=1)

_A_DAY = timedelta(days=1)
_BATCH = 1000
_PAGE = 1000
_AT_ONCE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """How much was forgotten, deleted, and given up half-written."""

    uploads: int
    objects: int
    size_bytes: int
    writes: int = 0


@dataclass(frozen=True, slots=True)
class SweepUploads:
    """Forget the uploads that no job has used, then delete what no job needs.

    An object goes when it is old and nobody needs it: an upload that was never claimed,
    the photo of a job that has ended, whatever a crash left behind. What bears no key
    of ours is never touched.

    Row first, then object. Without its row an upload takes no job any more, and with
    it a job was there before, so asking for unfinished jobs after that misses none.
    After a crash in between, the objects are found by their age alone.
    """

    uploads: UploadRepository
    jobs: JobRepository
    buckets: Buckets
    repairs: RepairLog
    measures: Measures
    now: Clock

    async def __call__(self) -> Swept:
        before = self.now() - RAW_LIFETIME
        uploads = await self._forget_uploads(before)
        objects = size = 0
        after = ""
        while page := await self.buckets.raw.list(after=after, limit=_PAGE):
            after = page[-1].key
            unneeded = await self._unneeded(page, before)
            await self._delete(unneeded)
            objects += len(unneeded)
            size += sum(item.size_bytes for item in unneeded)
        writes = await self._abandon_writes()
        return Swept(uploads=uploads, objects=objects, size_bytes=size, writes=writes)

    async def _forget_uploads(self, before: datetime) -> int:
        forgotten = 0
        for days in range(LOOK_BACK_DAYS):
            end = before - days * _A_DAY
            while batch := await self.uploads.forget_unused(
                created_after=end - _A_DAY, created_before=end, limit=_BATCH
            ):
                forgotten += batch
                self.measures.expired(batch)
        return forgotten

    async def _unneeded(
        self, page: Sequence[ListedObject], before: datetime
    ) -> Sequence[ListedObject]:
        old = [
            item for item in page if is_raw_key(item.key) and item.written_at < before
        ]
        needed = await self.jobs.needed_on(
            [item.key for item in old], crashed_after=self.now() - CRASHED_KEPT_FOR
        )
        return [item for item in old if item.key not in needed]

    async def _delete(self, items: Sequence[ListedObject]) -> None:
        keys = [item.key for item in items]
        await each(self.buckets.raw.delete, keys, at_once=_AT_ONCE)
        if keys:
            self.repairs.note(Repair.PHOTO_DELETED, count=len(keys))

    async def _abandon_writes(self) -> int:
        before = self.now() - ABANDONED_AFTER
        abandoned = 0
        for bucket, is_ours in (
            (self.buckets.raw, is_raw_key),
            (self.buckets.processed, is_artifact_key),
        ):
            abandoned += await bucket.abandon_writes(to=is_ours, begun_before=before)
        if abandoned:
            self.repairs.note(Repair.WRITE_ABANDONED, count=abandoned)
        return abandoned
