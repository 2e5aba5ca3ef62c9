"""What has been spent in this process."""

from collections import OrderedDict
from collections.abc import Sequence

from photo.application.ports import Budget, Charge, RateLimiter, Standing, Stopwatch

_MICROSECONDS = 1_000_000


class MemoryRateLimiter(RateLimiter):
    """Remembers so many budgets; the one least lately used is forgotten first."""

    def __init__(self, stopwatch: Stopwatch, *, most: int = 100_000) -> None:
        self._stopwatch = stopwatch
        self._most = most
        #: When each budget's whole quota is there again.
        self._whole_at: OrderedDict[tuple[str, str], int] = OrderedDict()

    async def spend(self, budgets: Sequence[Budget], cost: int) -> Charge:
        now = int(self._stopwatch() * _MICROSECONDS)
        before, after = [], []
        accepted = True
        for limit, owner in budgets:
            whole_at = self._whole_at.get((limit.name, owner), now)
            spent = max(whole_at - now, 0)
            before.append(Standing(limit, spent))
            after.append(Standing(limit, spent + limit.price(cost)))
            accepted &= after[-1].spent <= limit.whole
        if not accepted:
            return Charge(accepted, before)
        for (limit, owner), (_, spent) in zip(budgets, after, strict=True):
            self._note((limit.name, owner), now + spent)
        return Charge(accepted, after)

    def _note(self, key: tuple[str, str], whole_at: int) -> None:
        self._whole_at[key] = whole_at
        self._whole_at.move_to_end(key)
        if len(self._whole_at) > self._most:
            self._whole_at.popitem(last=False)
