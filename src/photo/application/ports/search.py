"""Finding texts by their words."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from photo.domain.access import Tenant
from photo.domain.job import JobId
from photo.domain.search import Query
from photo.domain.searchable import SearchableText


class Candidates(NamedTuple):
    #: Newest first.
    job_ids: Sequence[JobId]
    #: Jobs before this one were not looked at; `None` if there are none.
    before: JobId | None


class TextIndex(Protocol):
    async def add(self, text: SearchableText) -> None:
        """Let the text of a job be found; once it is there, this changes nothing."""

    async def remove(self, job_id: JobId) -> int:
        """Delete all that was stored of a job's text; how many rows it was."""

    async def candidates(
        self, tenant: Tenant, query: Query, *, limit: int, before: JobId | None
    ) -> Candidates:
        """Return the newest jobs whose texts have all words of a query somewhere.

        There may be fewer than `limit` although there are more: how long it looks does
        not depend on how much there is. Raises `ValidationFailed` if too many different
        words begin with a prefix.
        """

    async def texts(
        self, tenant: Tenant, job_ids: Sequence[JobId]
    ) -> Sequence[SearchableText]:
        """Return the texts of the tenant's jobs, newest first."""
