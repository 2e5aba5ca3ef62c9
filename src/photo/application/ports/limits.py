"""What may be spent, and how much is still to be done."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Limit:
    """A quota that comes back evenly within a window, and never piles up beyond it.

    All is counted in the microseconds in which that which was spent comes back.
    """

    name: str
    quota: int
    window_seconds: int = 60
    unit: int = field(init=False, repr=False)
    whole: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        unit = max(1, self.window_seconds * _MICROSECONDS // self.quota)
        object.__setattr__(self, "unit", unit)
        object.__setattr__(self, "whole", self.quota * unit)

    def price(self, cost: int) -> int:
        """What costs more than the quota takes all of it."""
        return min(cost * self.unit, self.whole)


class Budget(NamedTuple):
    limit: Limit
    owner: str


class Standing(NamedTuple):
    """How it stands with a budget."""

    limit: Limit
    #: Microseconds until the whole quota is there again.
    spent: int

    @property
    def remaining(self) -> int:
        return (self.limit.whole - self.spent) // self.limit.unit

    @property
    def seconds_until_more(self) -> int:
        """In how many seconds another unit is there; 0 if none is missing."""
        begun = (self.spent - 1) % self.limit.unit + 1 if self.spent else 0
        return -(-begun // _MICROSECONDS)

    def until(self, cost: int) -> timedelta:
        """When there is enough for a cost."""
        missing = self.spent + self.limit.price(cost) - self.limit.whole
        return timedelta(microseconds=max(0, missing))


class Charge(NamedTuple):
    accepted: bool
    standings: Sequence[Standing]


class RateLimiter(Protocol):
    async def spend(self, budgets: Sequence[Budget], cost: int) -> Charge:
        """Take a cost from every budget, or from none if one has too little left.

        Concurrent calls never take more than there is. Says how each budget stands
        then, in the same order.
        """


class Endings(NamedTuple):
    """So many jobs have ended since a moment."""

    ended: int
    since: datetime


class Backlog(Protocol):
    """How much is to be done, for all tenants together."""

    async def unfinished(self, *, at_most: int) -> int:
        """Count the jobs that have not ended, but no further than so many."""

    async def endings(self, *, since: datetime, at_most: int) -> Endings:
        """Count the jobs that ended since a moment.

        Where these are more than so many: only the last ones, and since when.
        """
