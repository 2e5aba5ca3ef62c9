"""What each job was before it became what it is."""

from collections.abc import Sequence
from typing import Protocol

from photo.domain.access import Tenant
from photo.domain.job import Job, JobId


class JobEvents(Protocol):
    """Every version of a job, from the first, as `JobRepository` stored it."""

    async def after(self, tenant: Tenant, job_id: JobId, version: int) -> Sequence[Job]:
        """Return the versions of the tenant's job after one, in order, to the present.

        None is left out; but if some are no longer kept, the present one is the only
        one. Empty if the job has no later version. Raises `NotFound`.
        """
