"""What is under way at a moment, of all tenants, for those who watch the service."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from photo.domain.job import Status, Step


@dataclass(frozen=True, slots=True)
class Underway:
    """The unfinished jobs of a status, and of a step if they are in one."""

    status: Status
    step: Step | None
    count: int
    #: When the oldest of them was accepted.
    since: datetime


@dataclass(frozen=True, slots=True)
class Owed:
    """The deliveries that are still to be made."""

    count: int
    #: When the most urgent attempt is due, or was.
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    jobs: Sequence[Underway]
    deliveries: Owed


class Snapshots(Protocol):
    async def take(self, *, at_most: int) -> Snapshot:
        """Look at what is under way, but at no more than so many of a kind.

        These are the oldest, so that what is late is always seen. The kinds are jobs
        that are queued, jobs that run, and deliveries.
        """
