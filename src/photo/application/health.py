"""Use case: ask every dependency whether it works."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import NamedTuple

from photo.application.ports import Check
from photo.domain.errors import Unavailable

_TIME_LIMIT_SECONDS = 2.0


class Health(NamedTuple):
    #: Why it fails, or None if it works.
    failure: str | None
    latency_ms: float


@dataclass(frozen=True, slots=True)
class CheckHealth:
    """Ask all at once; no answer takes longer than two seconds."""

    checks: Mapping[str, Check]

    async def __call__(self) -> dict[str, Health]:
        answers = await asyncio.gather(*map(_ask, self.checks.values()))
        return dict(zip(self.checks, answers, strict=True))


async def _ask(dependency: Check) -> Health:
    since = perf_counter()
    failure = None
    try:
        async with asyncio.timeout(_TIME_LIMIT_SECONDS):
            await dependency.check()
    except TimeoutError:
        failure = f"no answer in {_TIME_LIMIT_SECONDS:g} s"
    except Unavailable as error:
        failure = error.detail
    return Health(failure, (perf_counter() - since) * 1000)
