"""Limits that hold on, whatever becomes of the store that processes share."""

from collections.abc import Sequence

import structlog

from photo.application.ports import Budget, Charge, RateLimiter, Stopwatch
from photo.domain.errors import Unavailable

log = structlog.get_logger(__name__)

_PAUSE_SECONDS = 1.0


class SteadyRateLimiter(RateLimiter):
    """What processes have spent together or, while that is away, this one alone.

    While it is away one request a second tries whether it is back.
    """

    def __init__(
        self, shared: RateLimiter, own: RateLimiter, stopwatch: Stopwatch
    ) -> None:
        self._shared = shared
        self._own = own
        self._stopwatch = stopwatch
        #: When to try the shared one again; None while all is well.
        self._try_at: float | None = None

    async def spend(self, budgets: Sequence[Budget], cost: int) -> Charge:
        if self._try_at is not None:
            if self._stopwatch() < self._try_at:
                return await self._own.spend(budgets, cost)
            self._try_at = self._stopwatch() + _PAUSE_SECONDS
        try:
            charge = await self._shared.spend(budgets, cost)
        except Unavailable as error:
            self._note_outage(error)
            return await self._own.spend(budgets, cost)
        if self._try_at is not None:
            self._try_at = None
            log.info("rate_limits_shared_again")
        return charge

    def _note_outage(self, error: Unavailable) -> None:
        if self._try_at is None:
            log.warning("rate_limits_not_shared", reason=error.reason)
        self._try_at = self._stopwatch() + _PAUSE_SECONDS
