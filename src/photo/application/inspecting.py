"""Use cases: what those who run the service see of a job, above all of a bad one."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from photo.application.artifacts import download, must_be_there
from photo.application.holdings import Holdings
from photo.application.ports import (
    Buckets,
    DeliveryRepository,
    InfectedFiles,
    JobEvents,
    JobRepository,
    TextRecognizer,
)
from photo.domain.access import Tenant
from photo.domain.erasure import Bucket, ErasedObject
from photo.domain.errors import ChecksumMismatch, Forbidden, Infected
from photo.domain.job import Job, JobId, Photo, Step
from photo.domain.text import Engine
from photo.domain.webhook import Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Poison:
    """For the log: nothing in here is a link, or was read from the photo."""

    job_id: JobId
    tenant: Tenant
    code: str
    crashes: tuple[str, ...]
    step: Step | None
    #: None until it was verified.
    photo: Photo | None
    bucket: Bucket
    key: str
    engine: Engine


@dataclass(frozen=True, slots=True)
class DescribePoison:
    jobs: JobRepository
    recognizer: TextRecognizer

    async def __call__(self, job_id: JobId) -> Poison | None:
        """What a job ended by, if its photo ended the processes that worked on it."""
        job = await self.jobs.get(job_id)
        if not job.error or not job.error.crashes:
            return None
        return Poison(
            job_id=job.id,
            tenant=job.tenant,
            code=job.error.code,
            crashes=job.error.crashes,
            step=job.last_step,
            photo=job.photo,
            bucket=Bucket.RAW,
            key=job.raw_key,
            engine=self.recognizer.engine,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    job: Job
    #: From the first version to the present one, as far as they are kept.
    history: Sequence[Job]
    #: The photo and the files made of it.
    objects: Sequence[ErasedObject]
    deliveries: Sequence[Delivery]


@dataclass(frozen=True, slots=True)
class InspectJob:
    """Look, and change nothing."""

    jobs: JobRepository
    events: JobEvents
    holdings: Holdings
    deliveries: DeliveryRepository

    async def __call__(self, job_id: JobId) -> Inspection:
        job = await self.jobs.get(job_id)
        return Inspection(
            job=job,
            history=await self.events.after(job.tenant, job_id, 0),
            objects=await self.holdings.of(job),
            deliveries=await self.deliveries.of_job(job_id),
        )


@dataclass(frozen=True, slots=True)
class SavePhoto:
    """Take a photo out, to be looked at: as it was verified, and found clean."""

    jobs: JobRepository
    infected: InfectedFiles
    buckets: Buckets

    async def __call__(self, job_id: JobId, to: Path) -> None:
        job = await self.jobs.get(job_id)
        if Step.NORMALIZE not in job.entered:
            raise Forbidden("The photo was not found clean: nobody may look at it.")
        checksum = job.verified_photo.sha256
        if await self.infected.find(checksum):
            raise Infected("The photo is infected: nobody may look at it.")
        with must_be_there():
            if await download(self.buckets.raw, job.raw_key, to) == checksum:
                return
        await asyncio.to_thread(to.unlink)
        raise ChecksumMismatch("The photo was changed after it had been verified.")
