"""Route: find photos by what was read on them."""

from typing import Annotated, Self

from dishka.integrations.litestar import DishkaRouter, FromDishka
from litestar import get
from litestar.params import QueryParameter
from msgspec import Struct

from photo.application.searching import SearchTexts
from photo.domain.job import JobId
from photo.domain.search import MAX_QUERY_LENGTH, Query
from photo.domain.searchable import Found
from photo.domain.text import Polygon
from photo.entrypoints.http.limits import COST
from photo.entrypoints.http.openapi import problems
from photo.entrypoints.http.paging import CURSOR, LIMIT, cursor_after, job_before
from photo.entrypoints.http.request import READ, ApiRequest

_QUERY = QueryParameter(
    min_length=1,
    max_length=MAX_QUERY_LENGTH,
    description=(
        'Words that must all be in the text, `"phrases in quotes"` and `beginn*` of '
        "words. Case, accents and punctuation do not matter."
    ),
    schema_extra={"pattern": r"[^\W_]"},
)


class MatchView(Struct, frozen=True):
    """A word that was looked for, as it stands on the photo; its place in pixels."""

    text: str
    page: int
    polygon: Polygon


class FoundView(Struct, frozen=True):
    job_id: JobId
    #: The text around the first match.
    snippet: str
    #: At most 100.
    matches: list[MatchView]

    @classmethod
    def of(cls, found: Found) -> Self:
        matches = [MatchView(*match) for match in found.matches]
        return cls(found.job_id, found.snippet, matches)


class FoundPage(Struct, frozen=True):
    items: list[FoundView]
    next_cursor: str | None


@get(
    "/search",
    security=READ,
    summary="Search texts",
    responses=problems(),
    opt={COST: 5},
)
async def search_texts(
    request: ApiRequest,
    *,
    q: Annotated[str, _QUERY],
    search: FromDishka[SearchTexts],
    limit: Annotated[int, LIMIT] = 50,
    cursor: Annotated[str | None, CURSOR] = None,
) -> FoundPage:
    """Newest first. A page may be short, even empty, although there is a next one."""
    page = await search(
        request.user.tenant,
        Query.parse(q),
        limit=limit,
        before=None if cursor is None else job_before(cursor),
    )
    return FoundPage(
        [FoundView.of(found) for found in page.items],
        cursor_after(page.before) if page.before else None,
    )


router = DishkaRouter("/", route_handlers=[search_texts], tags=["search"])
