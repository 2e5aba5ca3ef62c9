"""An index of texts in memory."""

from collections.abc import Sequence

from photo.adapters.memory.transactions import MemoryDatabase
from photo.application.ports import Candidates, TextIndex
from photo.domain.access import Tenant
from photo.domain.job import JobId
from photo.domain.search import Query
from photo.domain.searchable import SearchableText


class MemoryTextIndex(TextIndex):
    def __init__(self, database: MemoryDatabase | None = None) -> None:
        table = (database or MemoryDatabase()).table()
        self._texts: dict[JobId, SearchableText] = table

    async def add(self, text: SearchableText) -> None:
        self._texts.setdefault(text.job_id, text)

    async def remove(self, job_id: JobId) -> int:
        text = self._texts.pop(job_id, None)
        return 1 + len(text.words) if text else 0

    async def candidates(
        self, tenant: Tenant, query: Query, *, limit: int, before: JobId | None
    ) -> Candidates:
        found = [
            text.job_id
            for text in await self.texts(tenant, [*self._texts])
            if (before is None or text.job_id < before) and _has(text, query)
        ]
        page = found[:limit]
        return Candidates(page, page[-1] if found[limit:] else None)

    async def texts(
        self, tenant: Tenant, job_ids: Sequence[JobId]
    ) -> Sequence[SearchableText]:
        newest_first = sorted({*job_ids}, reverse=True)
        texts = (self._texts.get(job_id) for job_id in newest_first)
        return [text for text in texts if text and text.tenant == tenant]


def _has(text: SearchableText, query: Query) -> bool:
    return query.index_words <= {*text.words} and all(
        any(word.startswith(prefix) for word in text.words) for prefix in query.prefixes
    )
