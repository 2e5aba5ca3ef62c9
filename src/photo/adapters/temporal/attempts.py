"""Around every attempt at an activity: log context, heartbeats, errors translated."""

import asyncio
from collections.abc import AsyncIterator, Iterator
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

from photo.domain.errors import Internal, PhotoError, Unavailable
from photo.domain.job import Failure

log = structlog.get_logger(__name__)

#: A cancelled step learns of it at its next heartbeat.
HEARTBEAT_INTERVAL = timedelta(seconds=1)

#: A bug may be a passing one (a race, a full disk); this many tries will tell.
BUG_ATTEMPTS = 3

#: Steps that nothing can end but success: without them a job would never end.
ENDINGS = frozenset({"fail", "cancel"})


class AttemptInterceptor(Interceptor):
    def intercept_activity(
        self, next: ActivityInboundInterceptor
    ) -> ActivityInboundInterceptor:
        return _Attempt(next)


class _Attempt(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        info = activity.info()
        context = {"step": info.activity_type, "attempt": info.attempt}
        if input.args:
            context["job_id"] = input.args[0].job_id
        with bound_contextvars(**context), _told_to_temporal(info):
            async with _heartbeats():
                return await self.next.execute_activity(input)


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
    ending = info.activity_type in ENDINGS
    try:
        yield
    except asyncio.CancelledError:
        log.info("step_cancelled")
        raise
    except Unavailable as error:
        log.warning("step_unavailable", detail=error.detail, reason=error.reason)
        raise _failed(error, final=False) from None
    except Exception as error:  # the edge of the worker: a bug must not end it
        if isinstance(error, PhotoError) and not isinstance(error, Internal):
            log.info("step_refused", code=error.code)
            raise _failed(error, final=not ending) from None
        log.exception("step_broke")
        broken = Internal("Something broke while this photo was processed.")
        final = info.attempt >= BUG_ATTEMPTS and not ending
        raise _failed(broken, final=final) from None
    log.info("step_done", duration_ms=round((perf_counter() - since) * 1000, 1))


def _failed(error: PhotoError, *, final: bool) -> ApplicationError:
    """The error with the job's failure in it; what a photo is to blame for is benign.

    Benign errors are left out of Temporal's own log and failure metrics.
    """
    blameless = isinstance(error, Unavailable | Internal)
    return ApplicationError(
        error.detail,
        Failure.of(error),
        type=error.code,
        non_retryable=final,
        category=ApplicationErrorCategory.UNSPECIFIED
        if blameless
        else ApplicationErrorCategory.BENIGN,
    )
