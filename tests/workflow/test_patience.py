"""Retries and time limits, on a server whose clock skips what nobody waits for."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import repeat

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowFailureError
from temporalio.worker import Worker

from photo.adapters.temporal.attempts import BUG_ATTEMPTS
from photo.adapters.temporal.messages import JobRef, Normalized
from photo.adapters.temporal.queues import images_queue
from photo.adapters.temporal.workflows import CUT_SHORT_ATTEMPTS
from photo.domain.errors import RecognitionFailed, Unavailable
from photo.domain.job import Failure, Status
from tests.workflow.recognizers import FailingRecognizer
from tests.workflow.stage import Stage


@pytest.fixture(autouse=True)
async def _time_limit() -> AsyncIterator[None]:
    async with asyncio.timeout(60):
        yield


async def test_a_permanent_error_is_not_tried_again(impatient_client: Client) -> None:
    recognizer = FailingRecognizer(repeat(RecognitionFailed("Nothing can be read.")))
    stage = Stage(impatient_client, recognizer)
    async with await stage.working():
        job_id = await stage.submit()
        with pytest.raises(WorkflowFailureError):
            await stage.workflow(job_id).result()
    job = await stage.job(job_id)
    assert job.status is Status.FAILED
    assert job.error == Failure("recognition_failed", "Nothing can be read.", False)
    assert recognizer.calls == 1


async def test_a_dependency_that_comes_back_costs_only_time(
    impatient_client: Client,
) -> None:
    recognizer = FailingRecognizer(repeat(Unavailable("The reader is down."), 40))
    stage = Stage(impatient_client, recognizer)
    async with await stage.working():
        job_id = await stage.submit()
        await stage.workflow(job_id).result()
    assert (await stage.job(job_id)).status is Status.SUCCEEDED
    assert recognizer.calls == 41


async def test_an_outage_of_hours_fails_the_job_as_retryable(
    impatient_client: Client,
) -> None:
    stage = Stage(
        impatient_client, FailingRecognizer(repeat(Unavailable("The reader is down.")))
    )
    async with await stage.working():
        job_id = await stage.submit()
        with pytest.raises(WorkflowFailureError):
            await stage.workflow(job_id).result()
    error = (await stage.job(job_id)).error
    assert error
    assert error.code == "dependency_unavailable"
    assert error.retryable


async def test_a_bug_is_tried_again_and_then_ends_the_job_without_telling_why(
    impatient_client: Client,
) -> None:
    recognizer = FailingRecognizer(repeat(ValueError("private words of a photo")))
    stage = Stage(impatient_client, recognizer)
    async with await stage.working():
        job_id = await stage.submit()
        with pytest.raises(WorkflowFailureError):
            await stage.workflow(job_id).result()
    error = (await stage.job(job_id)).error
    assert error
    assert error.code == "internal"
    assert recognizer.calls == BUG_ATTEMPTS
    history = await stage.workflow(job_id).fetch_history()
    assert "private" not in error.detail + history.to_json()


async def test_a_step_that_is_cut_short_again_and_again_fails_the_job_as_timed_out(
    impatient_client: Client,
) -> None:
    stage = Stage(impatient_client)
    attempts = 0

    @activity.defn(name="normalize")
    async def normalize(job: JobRef) -> Normalized:
        nonlocal attempts
        attempts += 1
        await asyncio.Event().wait()
        raise AssertionError

    hanging = Worker(
        impatient_client,
        task_queue=images_queue(stage.queue),
        activities=[normalize],
    )
    async with await stage.working(images=False), hanging:
        job_id = await stage.submit()
        with pytest.raises(WorkflowFailureError):
            await stage.workflow(job_id).result()
    error = (await stage.job(job_id)).error
    assert error
    assert error.code == "timed_out"
    assert attempts == CUT_SHORT_ATTEMPTS
