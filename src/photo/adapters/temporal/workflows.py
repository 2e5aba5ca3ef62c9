"""A job's way through its steps: order, time limits and retries; nothing else."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    FailureError,
    TimeoutError,  # noqa: A004 - Temporal's own, the only one in a workflow
    TimeoutType,
    is_cancelled_exception,
)

with workflow.unsafe.imports_passed_through():
    from photo.adapters.temporal.activities import ImageActivities, JobActivities
    from photo.adapters.temporal.backoff import RETRY
    from photo.adapters.temporal.messages import JobRef, ToFail, ToPublish, ToRecognize
    from photo.adapters.temporal.queues import fetches_queue, images_queue, scans_queue
    from photo.adapters.temporal.tries import Tries, failure_of
    from photo.application.retention import Pruned
    from photo.application.sweeping import Swept
    from photo.domain.errors import (
        CorruptImage,
        Internal,
        JobFinished,
        PhotoError,
        RecognitionFailed,
        TimedOut,
        Unavailable,
    )
    from photo.domain.job import Failure

Message = TypeVar("Message")
Answer = TypeVar("Answer")

# A step waits this long for a dependency that is down or a queue that is full:
# time for a person to mend it, while the client still wants the answer.
PATIENCE = timedelta(hours=6)

# Every step says each second that it is alive: after this silence its worker is dead,
# or the whole process hangs.
HEARTBEAT_TIMEOUT = timedelta(seconds=10)

# The fetcher's own limit ends sooner, and knows more.
FETCH_LIMIT = timedelta(minutes=2)

# Reading up to 50 MB from the bucket, at a miserable 1 MB/s, and a scanner that has
# been given them and takes its time.
VERIFY_LIMIT = timedelta(minutes=3)

# Decoding 100 megapixels takes seconds; a TIFF may have 50 pages to decode and store.
NORMALIZE_LIMIT = timedelta(minutes=5)

# One page takes 1 to 5 s, ten on a busy machine; a photo has up to 50 pages.
RECOGNIZE_LIMIT = timedelta(minutes=15)

# A manifest, a small text and two rows.
PUBLISH_LIMIT = timedelta(minutes=1)

# Some thousand RPCs at most.
START_FORGOTTEN_LIMIT = timedelta(minutes=1)

# Listing a million objects takes minutes, deleting ten thousand as well. What is not
# done by then the next run does.
SWEEP_LIMIT = timedelta(minutes=45)

# The schedule comes round again.
ONCE = RetryPolicy(maximum_attempts=1)

# Ending a job is one row and some files to delete: quick, and tried until it is done,
# however long that takes.
ROW = workflow.ActivityConfig(
    start_to_close_timeout=timedelta(seconds=10),
    retry_policy=RETRY,
)


def _step(limit: timedelta, task_queue: str | None = None) -> workflow.ActivityConfig:
    return workflow.ActivityConfig(
        task_queue=task_queue,
        start_to_close_timeout=limit,
        schedule_to_close_timeout=PATIENCE,
        heartbeat_timeout=HEARTBEAT_TIMEOUT,
        # What was cut short the workflow counts, and tries again itself.
        retry_policy=replace(
            RETRY,
            non_retryable_error_types=[
                "TemporalTimeout:Heartbeat",
                "TemporalTimeout:StartToClose",
            ],
        ),
    )


@workflow.defn(name="process-photo")
class ProcessPhoto:
    @workflow.run
    async def run(self, job: JobRef) -> None:
        """Whatever happens, the job's row has ended when this has."""
        try:
            await self._process(job)
        except (FailureError, asyncio.CancelledError) as error:
            if is_cancelled_exception(error):
                await _undisturbed(_end(JobActivities.cancel, job))
                raise
            failure = _failure(error)
            if failure.code == JobFinished.code:
                return
            await _undisturbed(_end(JobActivities.fail, ToFail(job.job_id, failure)))
            raise

    async def _process(self, job: JobRef) -> None:
        queue = workflow.info().task_queue
        if job.fetch:
            fetch = _step(FETCH_LIMIT, fetches_queue(queue))
            await _attempt(JobActivities.fetch, job, fetch)
        verify = _step(VERIFY_LIMIT, scans_queue(queue))
        await _attempt(JobActivities.verify, job, verify)
        normalize = _step(NORMALIZE_LIMIT, images_queue(queue))
        images = await _attempt(
            ImageActivities.normalize, job, normalize, blame=CorruptImage
        )
        texts = await _attempt(
            ImageActivities.recognize,
            ToRecognize(job.job_id, images.pages),
            _step(RECOGNIZE_LIMIT, images_queue(queue)),
            blame=RecognitionFailed,
        )
        files = [*images.files, *texts.files]
        await _attempt(
            JobActivities.publish,
            ToPublish(job.job_id, files, texts.engine),
            _step(PUBLISH_LIMIT),
        )


@workflow.defn(name="start-forgotten-jobs")
class StartForgotten:
    @workflow.run
    async def run(self) -> int:
        return await workflow.execute_activity_method(
            JobActivities.start_forgotten,
            start_to_close_timeout=START_FORGOTTEN_LIMIT,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
            retry_policy=ONCE,
        )


@workflow.defn(name="sweep-uploads")
class Sweep:
    @workflow.run
    async def run(self) -> Swept:
        return await workflow.execute_activity_method(
            JobActivities.sweep,
            start_to_close_timeout=SWEEP_LIMIT,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
            retry_policy=ONCE,
        )


@workflow.defn(name="confirm-erasures")
class ConfirmErasures:
    @workflow.run
    async def run(self) -> int:
        return await workflow.execute_activity_method(
            JobActivities.confirm,
            start_to_close_timeout=SWEEP_LIMIT,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
            retry_policy=ONCE,
        )


@workflow.defn(name="apply-retention")
class ApplyRetention:
    @workflow.run
    async def run(self) -> Pruned:
        return await workflow.execute_activity_method(
            JobActivities.retain,
            start_to_close_timeout=SWEEP_LIMIT,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
            retry_policy=ONCE,
        )


async def _attempt(
    step: Callable[[Any, Message], Awaitable[Answer]],
    message: Message,
    config: workflow.ActivityConfig,
    *,
    blame: type[PhotoError] = TimedOut,
) -> Answer:
    """Run a step, and again if it was cut short rather than failed.

    All tries together have patience once, and each has time to be made at least.
    """
    tries, until = Tries(blame), workflow.now() + PATIENCE
    while True:
        try:
            return await workflow.execute_activity_method(step, message, **config)
        except ActivityError as error:
            pause = tries.note(error)
        if pause:
            await workflow.sleep(pause)
        left = max(until - workflow.now(), RECOGNIZE_LIMIT)
        config["schedule_to_close_timeout"] = left


def _failure(error: BaseException) -> Failure:
    """What the job's owner is told."""
    match error.cause if isinstance(error, ActivityError) else error:
        case ApplicationError(details=[failure]):
            return failure_of(failure)
        case TimeoutError(type=TimeoutType.SCHEDULE_TO_CLOSE):
            return Failure.of(
                Unavailable("A service this photo needs was unavailable for too long.")
            )
        case TimeoutError():
            return Failure.of(TimedOut("Processing this photo took too long."))
        case _:
            return Failure.of(Internal("Something broke while this was processed."))


async def _end(
    ending: Callable[[Any, Message], Awaitable[None]], message: Message
) -> None:
    await workflow.execute_activity_method(ending, message, **ROW)


async def _undisturbed(ending: Coroutine[Any, Any, None]) -> None:
    """Finish it even if the workflow is cancelled meanwhile."""
    task = asyncio.create_task(ending)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise
