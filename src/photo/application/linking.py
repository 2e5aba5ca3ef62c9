"""Use case: links to the files that a job left."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from photo.application.artifacts import collect
from photo.application.ports import (
    Buckets,
    Clock,
    Documents,
    JobRepository,
    ObjectLinks,
    UploadRepository,
)
from photo.domain.access import Tenant
from photo.domain.filename import download_name
from photo.domain.files import MANIFEST, ORIGINAL, StoredFile, content_type_of
from photo.domain.job import Job, JobId
from photo.domain.media import MediaType

#: How long a link to a file of a job works.
LINK_LIFETIME = timedelta(minutes=5)


class LinkedFile(NamedTuple):
    file: StoredFile
    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ListFiles:
    """Links to everything that the tenant's job left, the photo itself included."""

    uploads: UploadRepository
    jobs: JobRepository
    buckets: Buckets
    links: ObjectLinks
    documents: Documents
    now: Clock

    async def __call__(self, tenant: Tenant, job_id: JobId) -> list[LinkedFile]:
        job = await self.jobs.get_for(tenant, job_id)
        job.must_have_succeeded()
        data = await collect(self.buckets.processed, job.artifact_key(MANIFEST))
        manifest = StoredFile(
            MANIFEST, content_type_of(MANIFEST), len(data), job.manifest_sha256 or ""
        )
        files = (*self.documents.read_manifest(data).files, manifest)
        called = await self._name_of_original(job)
        return [await self._linked(job, file, called) for file in files]

    async def _name_of_original(self, job: Job) -> str | None:
        """What the photo is called where it comes from."""
        if job.upload_id:
            upload = await self.uploads.get(job.upload_id, tenant=job.tenant)
            return upload.filename
        return unquote(urlsplit(job.source_url or "").path)

    async def _linked(
        self, job: Job, file: StoredFile, name_of_original: str | None
    ) -> LinkedFile:
        expires_at = self.now() + LINK_LIFETIME
        filename = f"{job.id}-{file.name}"
        if file.name == ORIGINAL:
            media_type = MediaType(file.content_type)
            filename = download_name(name_of_original, media_type, filename)
        url = await self.links.link(
            job.artifact_key(file.name),
            filename=filename,
            content_type=file.content_type,
            lifetime=LINK_LIFETIME,
        )
        return LinkedFile(file, url, expires_at)
