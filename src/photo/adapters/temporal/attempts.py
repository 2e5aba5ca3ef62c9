"""Around every attempt at an activity: log context, heartbeats, errors translated."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
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

from photo.application.processing import NoteWaiting
from photo.domain.errors import Internal, PhotoError, Unavailable, UrlUnreachable
from photo.domain.job import Failure

log = structlog.get_logger(__name__)

#: A cancelled step learns of it at its next heartbeat.
HEARTBEAT_INTERVAL = timedelta(seconds=1)

#: A bug may be a passing one (a race, a full disk); this many tries will tell.
BUG_ATTEMPTS = 3

#: Another server that does not answer is tried this often, a minute each time.
FETCH_ATTEMPTS = 3

#: Steps that nothing can end but success: without them a job would never end.
ENDINGS = frozenset({"fail", "cancel"})


class AttemptInterceptor(Interceptor):
    def __init__(self, note_waiting: NoteWaiting) -> None:
        self._note_waiting = note_waiting

    def intercept_activity(
        self, next: ActivityInboundInterceptor
    ) -> ActivityInboundInterceptor:
        return _Attempt(next, self._note_waiting)


class _Attempt(ActivityInboundInterceptor):
    def __init__(
        self, next: ActivityInboundInterceptor, note_waiting: NoteWaiting
    ) -> None:
        super().__init__(next)
        self._note_waiting = note_waiting

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        info = activity.info()
        about = _ids(input.args)
        job_id = about.get("job_id")
        context = {"step": info.activity_type, "attempt": info.attempt, **about}
        with bound_contextvars(**context), _told_to_temporal(info):
            async with _heartbeats():
                try:
                    return await self.next.execute_activity(input)
                except (Unavailable, UrlUnreachable) as error:
                    if job_id and not _is_final(error, info):
                        await self._note_waiting(job_id, error)
                    raise


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
def _told_to_temporal(info: activity.Info) -> Iterator[None]:
    """Tell Temporal which failures no retry can cure, and log what happened.

    Causes stay out of the history: an exception's message may hold anything.
    """
    since = perf_counter()
    try:
        yield
    except asyncio.CancelledError:
        log.info("step_cancelled")
        raise
    except Unavailable as error:
        log.warning("step_unavailable", detail=error.detail, reason=error.reason)
        raise _failed(error, info) from None
    except Exception as error:  # the edge of the worker: a bug must not end it
        if isinstance(error, PhotoError) and not isinstance(error, Internal):
            log.info("step_refused", code=error.code, reason=error.reason)
            raise _failed(error, info) from None
        log.exception("step_broke")
        broken = Internal("Something broke while this photo was processed.")
        raise _failed(broken, info) from None
    log.info("step_done", duration_ms=round((perf_counter() - since) * 1000, 1))


def _is_final(error: PhotoError, info: activity.Info) -> bool:
    """Whether this attempt is the last."""
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


def _failed(error: PhotoError, info: activity.Info) -> ApplicationError:
    """The error with the job's failure in it; what a photo is to blame for is benign.

    Benign errors are left out of Temporal's own log and failure metrics.
    """
    blameless = isinstance(error, Unavailable | Internal)
    return ApplicationError(
        error.detail,
        Failure.of(error),
        type=error.code,
        non_retryable=_is_final(error, info),
        category=ApplicationErrorCategory.UNSPECIFIED
        if blameless
        else ApplicationErrorCategory.BENIGN,
    )
