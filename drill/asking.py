"""Asking until there is an answer that stands, as a good client does."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from random import Random
from time import monotonic
from typing import Any, ClassVar, Self

import httpx

from drill.ledger import Answer, Ledger

#: What the store is called in the ledger: its URLs are nobody's business.
STORE = "(store)"

_IN_PROGRESS = "idempotency_in_progress"
_FIRST_PAUSE_SECONDS = 0.25
#: The longest pause is four seconds.
_MOST_DOUBLINGS = 4


class GaveUp(Exception):
    """For minutes nobody gave an answer that stands."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks, and writes down whatever comes of it."""

    http: httpx.AsyncClient
    ledger: Ledger
    chance: Random

    async def patiently(
        self, method: str, url: str, *, route: str, seconds: float, **request: Any
    ) -> httpx.Response:
        """The first answer that is more than "not now", always to the same request."""
        until, failures = monotonic() + seconds, 0
        while True:
            answer = await self.once(method, url, route=route, **request)
            if answer is not None and not is_passing(answer):
                return answer
            if monotonic() > until:
                raise GaveUp(f"{method} {route}")
            await asyncio.sleep(self.pause(failures, answer))
            failures += 1

    async def once(
        self, method: str, url: str, *, route: str, **request: Any
    ) -> httpx.Response | None:
        """The answer, or None if there was none."""
        answer = None
        with suppress(httpx.TransportError):
            answer = await self.http.request(method, url, **request)
        self.note(method, route, answer)
        return answer

    def note(self, method: str, route: str, answer: httpx.Response | None) -> None:
        self.ledger.answers.append(
            Answer(
                at=monotonic(),
                method=method,
                route=route,
                status=None if answer is None else answer.status_code,
                retry_after=None if answer is None else _retry_after(answer),
                code=None if answer is None else code_of(answer),
            )
        )

    def pause(self, failures: int, answer: httpx.Response | None) -> float:
        """Seconds: as many as were asked for and a bit, else more each time."""
        told = None if answer is None else _retry_after(answer)
        if told is not None:
            return told + self.chance.random()
        doublings = min(failures, _MOST_DOUBLINGS)
        return _FIRST_PAUSE_SECONDS * 2.0**doublings * self.chance.uniform(0.5, 1)


@dataclass(frozen=True, slots=True)
class Api:
    """The service as the holder of a key sees it."""

    PATIENCE_SECONDS: ClassVar = 300.0

    asker: Asker
    headers: Mapping[str, str]

    @classmethod
    def with_key(cls, key: str, asker: Asker) -> Self:
        return cls(asker, {"Authorization": f"Bearer {key}"})

    async def ask(
        self, method: str, route: str, *, id: str = "", key: str = "", **request: Any
    ) -> httpx.Response:
        """An answer that stands. A key is that of a request to be done only once."""
        once = {"Idempotency-Key": key} if key else {}
        headers = {**request.pop("headers", {}), **self.headers, **once}
        return await self.asker.patiently(
            method,
            path(route, id),
            route=route,
            seconds=self.PATIENCE_SECONDS,
            headers=headers,
            **request,
        )

    async def look(self, route: str, *, id: str = "", **params: str) -> str:
        """What the answer says; nothing, if there is none at once or no good one."""
        answer = await self.asker.once(
            "GET", path(route, id), route=route, headers=self.headers, params=params
        )
        return answer.text if answer is not None and answer.is_success else ""


@dataclass(frozen=True, slots=True)
class Store:
    """What takes the photos that are uploaded."""

    PATIENCE_SECONDS: ClassVar = 20.0

    asker: Asker

    async def take(self, grant: Mapping[str, Any], content: bytes) -> bool:
        """Whether it took the photo. If not, another grant may help."""
        try:
            answer = await self.asker.patiently(
                "POST",
                grant["url"],
                route=STORE,
                seconds=self.PATIENCE_SECONDS,
                data=grant["fields"],
                files={"file": content},
            )
        except GaveUp:
            return False
        return answer.is_success


def path(route: str, id: str) -> str:
    return route.replace("{id}", id)


def code_of(answer: httpx.Response) -> str | None:
    """The code of a problem, if it is one. Its body has been read."""
    if answer.headers.get("Content-Type") != "application/problem+json":
        return None
    code: str = answer.json()["code"]
    return code


def is_passing(answer: httpx.Response) -> bool:
    """Whether the same request may have another answer in a while."""
    return (
        answer.is_server_error
        or answer.status_code == HTTPStatus.TOO_MANY_REQUESTS
        or code_of(answer) == _IN_PROGRESS
    )


def _retry_after(answer: httpx.Response) -> float | None:
    told = answer.headers.get("Retry-After", "")
    return float(told) if told.isdigit() else None
