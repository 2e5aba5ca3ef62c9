"""What surrounds the application: time, names, and what moves jobs."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Protocol

from photo.domain.job import Job, JobId

#: The present moment, with its time zone.
Clock = Callable[[], datetime]
#: Seconds since some moment or other, which no setting of the clock changes.
Stopwatch = Callable[[], float]
#: A new identifier, time-ordered: `new_id("job")` is `job_01k…`.
NewId = Callable[[str], str]


class WorkflowEngine(Protocol):
    """Moves jobs. All calls may be repeated, for any job, in any state."""

    async def start(self, job: Job) -> bool:
        """Set a job going, or do nothing if it is under way; whether it was set going.

        Whether there is anything left to do is for its row to say.
        """

    async def cancel(self, job_id: JobId) -> None:
        """Stop work on a job soon; nothing if there is none."""

    async def under_way(self) -> AbstractSet[JobId]:
        """Return the jobs that are worked on, as it was some seconds ago."""

    async def check(self) -> None:
        """Raise `Unavailable` unless the engine answers."""


class Check(Protocol):
    """A dependency that can be asked whether it works."""

    async def check(self) -> None:
        """Raise `Unavailable` if it does not."""
