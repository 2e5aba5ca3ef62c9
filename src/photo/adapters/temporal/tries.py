"""How often a step is tried that was cut short, and what it ends with then."""

from dataclasses import asdict, replace
from datetime import timedelta

from temporalio import workflow
from temporalio.converter import value_to_type
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    TimeoutError,  # noqa: A004 - Temporal's own, the only one in a workflow
    TimeoutType,
)

from photo.adapters.temporal.backoff import pause
from photo.domain.errors import PhotoError
from photo.domain.job import Failure

# A photo that killed so many children is given to no other.
CHILD_DEATHS = 3

# A step that overran its time so often would do so again.
OVERRUNS = 3

# Workers die for many reasons, and take the steps of innocent photos with them; but one
# photo must not take down worker after worker.
LOST_WORKERS = 10
WORKER_LOST = "worker lost"

# Since this patch the ways of being cut short are told apart, and there are pauses.
# Before, three of any kind were the end.
TOLD_APART = "cut-short-told-apart"
_CUT_SHORT_BEFORE = 3


class Tries:
    """How one step was cut short so far.

    Its workflow counts, and Temporal keeps what workflows did: whichever worker dies,
    and whatever else fails in between, no death is forgotten or counted twice.
    """

    def __init__(self, blame: type[PhotoError]) -> None:
        #: What a photo is told to be that no worker survives.
        self._blame = blame
        self._crashes: tuple[str, ...] = ()
        self._overruns = 0

    def note(self, error: ActivityError) -> timedelta:
        """How long to wait for the next try; raises what the step ended with instead.

        That is `error` itself unless deaths were the reason.
        """
        match error.cause:
            case TimeoutError(type=TimeoutType.START_TO_CLOSE):
                self._overruns += 1
            case TimeoutError(type=TimeoutType.HEARTBEAT):
                self._crashes += (WORKER_LOST,)
            case ApplicationError(details=[told]) if failure_of(told).crashes:
                failure = failure_of(told)
                self._crashes += failure.crashes
                if not failure.retryable or self._children == CHILD_DEATHS:
                    raise self._poisoned(failure) from error
                return self._pause()
            case _:
                raise error
        if not workflow.patched(TOLD_APART):
            if self._all == _CUT_SHORT_BEFORE:
                raise error
            return timedelta()
        if self._overruns == OVERRUNS:
            raise error
        if self._lost == LOST_WORKERS:
            lost = self._blame("No worker survived the work on this photo.")
            raise self._poisoned(Failure.of(lost)) from error
        return self._pause()

    @property
    def _lost(self) -> int:
        return self._crashes.count(WORKER_LOST)

    @property
    def _children(self) -> int:
        return len(self._crashes) - self._lost

    @property
    def _all(self) -> int:
        return len(self._crashes) + self._overruns

    def _pause(self) -> timedelta:
        return pause(self._all, workflow.random().random())

    def _poisoned(self, failure: Failure) -> ApplicationError:
        final = replace(failure, crashes=self._crashes, retryable=False)
        return ApplicationError(
            final.detail, asdict(final), type=final.code, non_retryable=True
        )


def failure_of(told: object) -> Failure:
    """What a step said of itself; fields of other releases are passed over."""
    failure: Failure = value_to_type(Failure, told)
    return failure
