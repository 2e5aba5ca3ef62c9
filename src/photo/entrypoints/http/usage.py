"""Route: what a tenant has had done, by day."""

from collections.abc import Sequence
from typing import Annotated

from dishka.integrations.litestar import DishkaRouter, FromDishka
from litestar import get
from litestar.params import QueryParameter
from msgspec import Struct

from photo.application.usage import ShowUsage
from photo.domain.usage import UsageDay
from photo.entrypoints.http.openapi import problems
from photo.entrypoints.http.paging import day
from photo.entrypoints.http.request import READ, ApiRequest

_DATE = {"format": "date"}
_FROM = QueryParameter(
    name="from",
    description="A day such as `2026-11-01`; 29 days before `to` if unset.",
    schema_extra=_DATE,
)
_TO = QueryParameter(
    name="to", description="The last day; today if unset.", schema_extra=_DATE
)


class UsageList(Struct, frozen=True):
    items: Sequence[UsageDay]


@get("/", security=READ, summary="Show the usage by day", responses=problems())
async def list_usage(
    request: ApiRequest,
    *,
    show: FromDishka[ShowUsage],
    first: Annotated[str | None, _FROM] = None,
    last: Annotated[str | None, _TO] = None,
) -> UsageList:
    """Newest first, up to 366 days (UTC); days without any are left out.

    `jobs` and `bytes` count on the day of acceptance, the others on that of the end.
    """
    days = await show(
        request.user.tenant, first=day("from", first), last=day("to", last)
    )
    return UsageList(days)


router = DishkaRouter("/usage", route_handlers=[list_usage], tags=["usage"])
