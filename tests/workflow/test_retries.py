import asyncio
from itertools import repeat

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from photo.adapters.temporal.activities import JobActivities
from photo.adapters.temporal.attempts import BUG_ATTEMPTS
from photo.adapters.temporal.client import TemporalServer
from photo.adapters.temporal.messages import JobRef
from photo.adapters.temporal.queues import images_queue
from photo.adapters.temporal.worker import running
from photo.adapters.temporal.workflows import CUT_SHORT_ATTEMPTS, PATIENCE
from photo.domain.errors import RecognitionFailed, Unavailable
from photo.domain.job import Failure, Job, JobId, Status
from tests.workflow.recognizers import FailingRecognizer
from tests.workflow.rehearsals import HurriedPhoto, MumblingPhoto
from tests.workflow.stage import NO_PHOTO, Stage


async def failed(stage: Stage, photo: bytes | None = None) -> Job:
    """The job on a photo, after its workflow has failed."""
    return await stage.failed(await (stage.submit(photo) if photo else stage.submit()))


async def test_a_photo_that_is_none_fails_with_its_code(client: Client) -> None:
    stage = Stage(client)
    async with await stage.working():
        error = (await failed(stage, NO_PHOTO)).error
    assert error
    assert error.code == "unsupported_media_type"


async def test_a_permanent_error_is_not_tried_again(client: Client) -> None:
    recognizer = FailingRecognizer(repeat(RecognitionFailed("Nothing can be read.")))
    stage = Stage(client, recognizer)
    async with await stage.working():
        job = await failed(stage)
    assert job.error == Failure("recognition_failed", "Nothing can be read.", False)
    assert recognizer.calls == 1


async def test_a_dependency_that_comes_back_costs_only_time(client: Client) -> None:
    recognizer = FailingRecognizer([Unavailable("The reader is down.")] * 2)
    stage = Stage(client, recognizer)
    async with await stage.working():
        job = await stage.ended(await stage.submit())
    assert job.status is Status.SUCCEEDED
    assert recognizer.calls == 3


async def test_a_dependency_that_stays_away_fails_the_job_as_retryable(
    client: Client, temporal: TemporalServer
) -> None:
    stage = Stage(client)

    @activity.defn(name="normalize")
    async def normalize(job: JobRef) -> None:
        failure = Failure.of(Unavailable("The reader is down."))
        raise ApplicationError(
            failure.detail, failure, type=failure.code, next_retry_delay=PATIENCE
        )

    hopeless = Worker(
        await temporal.connected(),
        task_queue=images_queue(stage.queue),
        activities=[normalize],
    )
    workers = await stage.workers()
    async with running(workers.light, workers.scans, hopeless):
        job = await failed(stage)
    assert job.error == Failure("dependency_unavailable", "The reader is down.", True)


async def test_a_bug_is_tried_again_and_then_ends_the_job_without_telling_why(
    client: Client,
) -> None:
    recognizer = FailingRecognizer(repeat(ValueError("private words of a photo")))
    stage = Stage(client, recognizer)
    async with await stage.working():
        job = await failed(stage)
    assert job.error
    assert job.error.code == "internal"
    assert recognizer.calls == BUG_ATTEMPTS
    history = await stage.history(job.id)
    assert job.error.detail in history
    assert "private" not in history


async def test_a_step_whose_workers_die_again_and_again_has_timed_out(
    client: Client,
) -> None:
    attempts = 0

    @activity.defn(name="normalize")
    async def silent(job: JobRef) -> None:
        nonlocal attempts
        attempts += 1
        await asyncio.Event().wait()

    queue = Stage(client).queue
    async with (
        asyncio.timeout(30),
        Worker(client, task_queue=queue, workflows=[HurriedPhoto], activities=[silent]),
    ):
        failure = await client.execute_workflow(
            HurriedPhoto.run, JobRef(JobId("job_1")), id=queue, task_queue=queue
        )
    assert failure.code == "timed_out"
    assert attempts == CUT_SHORT_ATTEMPTS


async def test_a_message_that_does_not_fit_is_not_sent_again(client: Client) -> None:
    stage = Stage(client)
    jobs = await stage.container.get(JobActivities)
    async with (
        asyncio.timeout(10),
        Worker(
            client,
            task_queue=stage.queue,
            workflows=[MumblingPhoto],
            activities=[jobs.verify],
        ),
    ):
        failure = await client.execute_workflow(
            MumblingPhoto.run, id=stage.queue, task_queue=stage.queue
        )
    assert failure.code == "internal"


async def test_a_workflow_on_nonsense_fails_instead_of_retrying(
    client: Client,
) -> None:
    stage = Stage(client)
    async with await stage.working(), asyncio.timeout(10):
        with pytest.raises(WorkflowFailureError):
            await client.execute_workflow(
                "process-photo", 42, id=stage.queue, task_queue=stage.queue
            )
