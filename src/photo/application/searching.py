"""Use case: find photos by what was read on them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from photo.application.ports import TextIndex
from photo.domain.access import Tenant
from photo.domain.job import JobId
from photo.domain.search import Query
from photo.domain.searchable import Found, SearchableText

#: How often the index is asked for one page.
_MAX_ROUNDS = 3
#: So many texts are held, and looked through, at once.
_AT_ONCE = 10


class FoundPage(NamedTuple):
    #: Newest first.
    items: Sequence[Found]
    #: The next page is of jobs before this one; `None` after the last page.
    before: JobId | None


@dataclass(frozen=True, slots=True)
class SearchTexts:
    """One page of the tenant's texts that have everything that is looked for.

    A page may be short, even empty, although others follow.
    """

    index: TextIndex

    async def __call__(
        self, tenant: Tenant, query: Query, *, limit: int, before: JobId | None
    ) -> FoundPage:
        items: list[Found] = []
        for _ in range(_MAX_ROUNDS):
            candidates = await self.index.candidates(
                tenant, query, limit=limit + 1 - len(items), before=before
            )
            found = self._found(tenant, query, candidates.job_ids)
            items += [each async for each in found]
            before = candidates.before
            if before is None or len(items) > limit:
                break
        if len(items) > limit:
            return FoundPage(items[:limit], items[limit - 1].job_id)
        return FoundPage(items, before)

    async def _found(
        self, tenant: Tenant, query: Query, job_ids: Sequence[JobId]
    ) -> AsyncIterator[Found]:
        ids = iter(job_ids)
        while some := [*islice(ids, _AT_ONCE)]:
            texts = await self.index.texts(tenant, some)
            # Long ones take seconds, in which others are to be answered.
            for found in await asyncio.to_thread(_found_in, texts, query):
                yield found


def _found_in(texts: Sequence[SearchableText], query: Query) -> list[Found]:
    return [found for text in texts if (found := text.find(query))]
