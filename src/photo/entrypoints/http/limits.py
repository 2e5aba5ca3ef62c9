"""How much callers may ask for: what requests cost, and who pays."""

from collections.abc import Awaitable, Callable
from functools import cache, wraps
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from photo.application.limits import ChargeCaller, ChargeStranger, over_limit
from photo.application.ports import Charge, Limit, Standing
from photo.domain.errors import Unauthenticated
from photo.entrypoints.http.exchange import ANSWER_HEADERS

#: The option of a route that costs more than is usual for its method.
COST = "cost"
_LOOK, _CHANGE = 1, 2

_Connection = ASGIConnection[Any, Any, Any, Any]
_Guard = Callable[[_Connection, BaseRouteHandler], Awaitable[None]]


def limits_strangers(authorize: _Guard) -> _Guard:
    """Charge those whom a guard finds to be nobody, and refuse them after a while."""

    @wraps(authorize)
    async def guard(connection: _Connection, handler: BaseRouteHandler) -> None:
        charge = await connection.app.state.dishka_container.get(ChargeStranger)
        client = connection.scope.get("client")
        address = client[0] if client else ""
        charge.refuse_spent(address)
        try:
            await authorize(connection, handler)
        except Unauthenticated:
            await charge(address)
            raise

    return guard


async def charge_caller(connection: _Connection, handler: BaseRouteHandler) -> None:
    """Have the caller pay for the request, and tell what is left; or `RateLimited`."""
    usual = _LOOK if connection.scope.get("method") == "GET" else _CHANGE
    cost = handler.opt.get(COST, usual)
    charge_to = await connection.app.state.dishka_container.get(ChargeCaller)
    charge: Charge = await charge_to(connection.scope["user"], cost)
    headers = connection.scope["state"][ANSWER_HEADERS]
    headers["RateLimit-Policy"] = _policies(charge)
    headers["RateLimit"] = _standings(charge)
    if not charge.accepted:
        raise over_limit(charge, cost)


def _policies(charge: Charge) -> str:
    return ", ".join([_policy(standing.limit) for standing in charge.standings])


@cache
def _policy(limit: Limit) -> str:
    return f'"{limit.name}";q={limit.quota};w={limit.window_seconds}'


def _standings(charge: Charge) -> str:
    return ", ".join([_standing(standing) for standing in charge.standings])


def _standing(standing: Standing) -> str:
    name, left = standing.limit.name, standing.remaining
    return f'"{name}";r={left};t={standing.seconds_until_more}'
