"""Use case: ask every dependency whether it works."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from time import perf_counter
from typing import NamedTuple

from photo.application.ports import Check
from photo.domain.errors import PhotoError


class Health(NamedTuple):
    #: Why it fails, or None if it works.
    failure: str | None
    latency_ms: float
    #: The same as a code or a type's name, where there is one: for operators.
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class CheckHealth:
    """Ask all at once; what does not answer in time fails."""

    checks: Mapping[str, Check]
    time_limit: timedelta = timedelta(seconds=2)

    async def __call__(self) -> dict[str, Health]:
        answers = await asyncio.gather(*map(self._ask, self.checks.values()))
        return dict(zip(self.checks, answers, strict=True))

    async def _ask(self, dependency: Check) -> Health:
        since = perf_counter()
        limit = self.time_limit.total_seconds()
        failure = reason = None
        try:
            async with asyncio.timeout(limit):
                await dependency.check()
        except TimeoutError:
            failure = f"no answer in {limit:g} s"
        except PhotoError as error:
            failure, reason = error.detail, error.reason
        return Health(failure, (perf_counter() - since) * 1000, reason)
