"""Around every attempt at an activity: log context, heartbeats, errors translated."""

import asyncio
import errno
import random
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from functools import partial
from time import perf_counter
from typing import Any

import structlog
from structlog.contextvars import bound_contextvars
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
)

from photo.adapters.temporal.backoff import pause
from photo.application.ports import Measures, Outcome
from photo.application.processing import NoteWaiting
from photo.domain.errors import Internal, PhotoError, Unavailable, UrlUnreachable
from photo.domain.job import Failure

log = structlog.get_logger(__name__)

#: A cancelled step learns of it at its next heartbeat.
HEARTBEAT_INTERVAL = timedelta(seconds=1)

#: Somebody has to make room: until then nothing can be written.
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})

#: A bug may be a passing one (a race); this many tries will tell.
BUG_ATTEMPTS = 3

#: Another server that does not answer is tried this often, a minute each time.
FETCH_ATTEMPTS = 3

# Zero would mean that the retry policy says when.
_AT_ONCE = timedelta(milliseconds=1)

#: A step that takes this share of its time limit is named: one that is four times as
#: large, or on a machine four times as busy, would be cut short.
SLOW_SHARE = 4

#: Steps that nothing can end but success: without them a job would never end.
ENDINGS = frozenset({"fail", "cancel"})


#: A number from 0 up to 1, another at each call.
Chance = Callable[[], float]

_Tell = Callable[[Outcome], None]


class AttemptInterceptor(Interceptor):
    def __init__(
        self,
        note_waiting: NoteWaiting,
        measures: Measures,
        chance: Chance = random.random,
    ) -> None:
        self._note_waiting = note_waiting
        self._measures = measures
        self._chance = chance

    def intercept_activity(
        self, next: ActivityInboundInterceptor
    ) -> ActivityInboundInterceptor:
        return _Attempt(next, self._note_waiting, self._measures, self._chance)


class _Attempt(ActivityInboundInterceptor):
    def __init__(
        self,
        next: ActivityInboundInterceptor,
        note_waiting: NoteWaiting,
        measures: Measures,
        chance: Chance,
    ) -> None:
        super().__init__(next)
        self._note_waiting = note_waiting
        self._measures = measures
        self._chance = chance

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        info = activity.info()
        tell = partial(self._measures.attempted, info.activity_type)
        self._measures.waited(info.task_queue, _waited(info))
        about = _ids(input.args)
        job_id = about.get("job_id")
        context = {"step": info.activity_type, "attempt": info.attempt, **about}
        with bound_contextvars(**context), _told(info, self._chance, tell):
            async with _heartbeats():
                try:
                    with _waiting_for_room():
                        return await self.next.execute_activity(input)
                except PhotoError as error:
                    if job_id and _is_waited_for(error, info):
                        await self._note_waiting(job_id, error)
                    raise


@contextmanager
def _waiting_for_room() -> Iterator[None]:
    """A full disk is waited for like any service that is away."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise Unavailable(
            "There is no room to work on the photo at the moment.",
            reason=errno.errorcode[error.errno],
        ) from error


def _ids(messages: Sequence[Any]) -> dict[str, Any]:
    """What an activity is about, as its message names it."""
    return {
        name: getattr(message, name)
        for message in messages
        for name in ("job_id", "delivery_id")
        if hasattr(message, name)
    }


@asynccontextmanager
async def _heartbeats() -> AsyncIterator[None]:
    beating = asyncio.create_task(_beat())
    try:
        yield
    finally:
        beating.cancel()


async def _beat() -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_INTERVAL.total_seconds())
        activity.heartbeat()


@contextmanager
def _told(info: activity.Info, chance: Chance, tell: _Tell) -> Iterator[None]:
    """Tell Temporal whether and when to try again, log and count what happened.

    Causes stay out of the history: an exception's message may hold anything.
    """
    since = perf_counter()
    try:
        yield
    except asyncio.CancelledError:
        if _is_cut_off():
            log.info("step_handed_back")
            tell(Outcome.HANDED_BACK)
            raise _handed_back() from None
        log.info("step_cancelled")
        tell(Outcome.CANCELLED)
        raise
    except Unavailable as error:
        log.warning("step_unavailable", detail=error.detail, reason=error.reason)
        tell(Outcome.UNAVAILABLE)
        raise _failed(error, info, chance) from None
    except Exception as error:  # the edge of the worker: a bug must not end it
        if isinstance(error, PhotoError) and not isinstance(error, Internal):
            event = "step_crashed" if error.crash else "step_refused"
            log.info(event, code=error.code, reason=error.reason)
            tell(Outcome.CRASHED if error.crash else Outcome.REFUSED)
            raise _failed(error, info, chance) from None
        log.exception("step_broke")
        tell(Outcome.BROKE)
        broken = Internal("Something broke while this photo was processed.")
        raise _failed(broken, info, chance) from None
    took = perf_counter() - since
    log.info("step_done", duration_ms=round(took * 1000, 1))
    _warn_if_slow(info.start_to_close_timeout, took)
    tell(Outcome.DONE)


def _warn_if_slow(limit: timedelta | None, took: float) -> None:
    if limit and took * SLOW_SHARE > limit.total_seconds():
        log.warning(
            "slow_step",
            duration_ms=round(took * 1000, 1),
            limit_ms=round(limit.total_seconds() * 1000),
        )


def _waited(info: activity.Info) -> float:
    return (info.started_time - info.current_attempt_scheduled_time).total_seconds()


def _is_cut_off() -> bool:
    """Whether it is the worker that ends, and not the step."""
    details = activity.cancellation_details()
    return details is not None and details.worker_shutdown


def _handed_back() -> ApplicationError:
    """Have another worker begin anew, whatever the attempt's number."""
    error = Unavailable("The worker that was at this step stopped.")
    return ApplicationError(
        error.detail,
        Failure.of(error),
        type=error.code,
        next_retry_delay=_AT_ONCE,
        category=ApplicationErrorCategory.BENIGN,
    )


def _is_final(error: PhotoError, info: activity.Info) -> bool:
    """Whether Temporal makes no other attempt.

    What was cut short by a death the workflow has tried again, and counts.
    """
    if info.activity_type in ENDINGS:
        return False
    match error:
        case Unavailable():
            return False
        case Internal():
            return info.attempt >= BUG_ATTEMPTS
        case UrlUnreachable(retryable=True):
            return info.attempt >= FETCH_ATTEMPTS
        case _:
            return True


def _is_waited_for(error: PhotoError, info: activity.Info) -> bool:
    """Whether the step is tried again for something that its job can be told."""
    if error.crash:
        return error.retryable
    return not isinstance(error, Internal) and not _is_final(error, info)


def _failed(error: PhotoError, info: activity.Info, chance: Chance) -> ApplicationError:
    """The error with the job's failure in it; what a photo is to blame for is benign.

    Benign errors are left out of Temporal's own log and failure metrics.
    """
    blameless = isinstance(error, Unavailable | Internal)
    return ApplicationError(
        error.detail,
        Failure.of(error),
        type=error.code,
        non_retryable=_is_final(error, info),
        next_retry_delay=pause(
            info.attempt, chance(), at_least=error.retry_after or timedelta()
        ),
        category=ApplicationErrorCategory.UNSPECIFIED
        if blameless
        else ApplicationErrorCategory.BENIGN,
    )
