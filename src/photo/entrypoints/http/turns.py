"""Handlers that make jobs take turns, so that all others go on."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from photo.application.admission import AdmitJob
from photo.entrypoints.http.request import ApiRequest

P = ParamSpec("P")
T = TypeVar("T")


def in_turn(handler: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """Have a handler, which takes `request`, wait for a place, with nothing in hand."""

    @wraps(handler)
    async def waiting(*args: P.args, **kwargs: P.kwargs) -> T:
        request = cast("ApiRequest", kwargs["request"])
        admit: AdmitJob = await request.app.state.dishka_container.get(AdmitJob)
        async with admit.place():
            return await handler(*args, **kwargs)

    return waiting
