"""Use case: ask every dependency whether it works."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from time import perf_counter
from typing import NamedTuple

from photo.application.ports import Check, Stopwatch
from photo.domain.errors import PhotoError

#: Told of a dependency whose check fails as nobody meant it to.
OnBug = Callable[[str, BaseException], None]

_BROKEN = "broken"


class Health(NamedTuple):
    #: Why it fails, or None if it works.
    failure: str | None
    latency_ms: float
    #: The same as a code or a type's name, where there is one: for operators.
    reason: str | None = None


@dataclass(slots=True)
class CheckHealth:
    """Ask all at once; what does not answer in time fails.

    However many wish to know: the dependencies are asked by one at a time, and all are
    told what was found a moment ago. A bug is the failure of what it is in, and is told
    of when it begins.
    """

    checks: Mapping[str, Check]
    time_limit: timedelta = timedelta(seconds=2)
    fresh_for: timedelta = timedelta(seconds=1)
    elapsed: Stopwatch = perf_counter
    on_bug: OnBug = field(kw_only=True)
    _last: Mapping[str, Health] = field(init=False, default_factory=dict)
    _asking: asyncio.Future[None] | None = field(init=False, default=None)
    _stale_at: float | None = field(init=False, default=None)

    async def __call__(self) -> Mapping[str, Health]:
        if self._asking is None and not self._is_fresh():
            self._asking = asyncio.ensure_future(self._ask_all())
        if self._asking:
            # One who waits no longer must not spoil it for the others.
            await asyncio.shield(self._asking)
        return self._last

    async def stop(self) -> None:
        """Give up what is asked now, whoever waits for it."""
        if self._asking:
            self._asking.cancel()
            await asyncio.wait([self._asking])
            self._asking = None

    def _is_fresh(self) -> bool:
        return self._stale_at is not None and self.elapsed() < self._stale_at

    async def _ask_all(self) -> None:
        try:
            answers = await asyncio.gather(
                *(self._ask(name, check) for name, check in self.checks.items())
            )
            self._last = dict(zip(self.checks, answers, strict=True))
            self._stale_at = self.elapsed() + self.fresh_for.total_seconds()
        finally:
            self._asking = None

    async def _ask(self, name: str, dependency: Check) -> Health:
        since = perf_counter()
        limit = self.time_limit.total_seconds()
        asking = asyncio.ensure_future(_failure(dependency))
        try:
            # Not asyncio.timeout: it would wait until the one asked gives up as well.
            answered, _ = await asyncio.wait([asking], timeout=limit)
        finally:
            asking.cancel()
        latency_ms = (perf_counter() - since) * 1000
        if not answered:
            return Health(f"no answer in {limit:g} s", latency_ms)
        if bug := _bug(asking):
            broken = Health(_BROKEN, latency_ms, type(bug).__name__)
            if not _is_same(broken, self._last.get(name)):
                self.on_bug(name, bug)
            return broken
        if error := asking.result():
            return Health(error.detail, latency_ms, error.reason)
        return Health(None, latency_ms)


def _bug(asked: asyncio.Future[PhotoError | None]) -> BaseException | None:
    """Nobody cancels what has answered: it did so itself."""
    return asyncio.CancelledError() if asked.cancelled() else asked.exception()


def _is_same(one: Health, other: Health | None) -> bool:
    return other is not None and (one.failure, one.reason) == (
        other.failure,
        other.reason,
    )


async def _failure(dependency: Check) -> PhotoError | None:
    try:
        await dependency.check()
    except PhotoError as error:
        return error
    return None
