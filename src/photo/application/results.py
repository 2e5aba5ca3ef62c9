"""Use case: what was read, in the form that the caller wants."""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

from photo.application.artifacts import collect
from photo.application.ports import Buckets, Documents, JobRepository, ResultRenderer
from photo.domain.access import Tenant
from photo.domain.files import TEXT_JSON, TEXT_PLAIN, page_name
from photo.domain.formats import Format
from photo.domain.job import Job, JobId

#: The rest is rendered whenever it is asked for.
_STORED = {Format.JSON: TEXT_JSON, Format.TEXT: TEXT_PLAIN}


@dataclass(frozen=True, slots=True)
class OpenResult:
    """Stream the text of the tenant's job, or raise that it has not succeeded."""

    jobs: JobRepository
    buckets: Buckets
    documents: Documents
    renderer: ResultRenderer

    async def __call__(
        self, tenant: Tenant, job_id: JobId, format: Format
    ) -> AsyncIterator[bytes]:
        job = await self.jobs.get_for(tenant, job_id)
        job.must_have_succeeded()
        stored = job.artifact_key(_STORED.get(format, TEXT_JSON))
        if format in _STORED:
            return self.buckets.processed.read(stored)
        result = self.documents.read_result(
            await collect(self.buckets.processed, stored)
        )
        return self.renderer.render(
            result, format, self._images(job, result.page_count)
        )

    async def _images(self, job: Job, count: int) -> AsyncGenerator[bytes, None]:
        for number in range(1, count + 1):
            key = job.artifact_key(page_name(number))
            yield await collect(self.buckets.processed, key)
