import asyncio
from datetime import timedelta
from itertools import repeat

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from photo.adapters.temporal.activities import JobActivities
from photo.adapters.temporal.attempts import BUG_ATTEMPTS
from photo.adapters.temporal.client import TemporalServer
from photo.adapters.temporal.messages import JobRef, Normalized
from photo.adapters.temporal.queues import images_queue
from photo.adapters.temporal.tries import OVERRUNS
from photo.adapters.temporal.worker import running
from photo.adapters.temporal.workflows import PATIENCE
from photo.domain.errors import RecognitionFailed, TimedOut, Unavailable
from photo.domain.job import Failure, Job, JobId, Status
from tests.workflow.recognizers import FailingRecognizer
from tests.workflow.rehearsals import HurriedPhoto, ImpatientPhoto, MumblingPhoto
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


class Silent:
    """Says nothing for so many tries, and keeps each one's number of attempts."""

    def __init__(self, tries: int) -> None:
        self.attempts: list[int] = []
        self._tries = tries

    @activity.defn(name="normalize")
    async def normalize(self, job: JobRef) -> Normalized:
        self.attempts.append(activity.info().attempt)
        if len(self.attempts) <= self._tries:
            await asyncio.Event().wait()
        return Normalized([], [])


async def rehearsed(
    client: Client, workflow: type[HurriedPhoto | ImpatientPhoto], silent: Silent
) -> Failure | None:
    queue = Stage(client).queue
    async with (
        asyncio.timeout(180),
        Worker(
            client,
            task_queue=queue,
            workflows=[workflow],
            activities=[silent.normalize],
        ),
    ):
        return await client.execute_workflow(
            workflow.run, JobRef(JobId("job_1")), id=queue, task_queue=queue
        )


async def test_silence_is_counted_by_the_workflow_and_not_by_temporal(
    client: Client,
) -> None:
    silent = Silent(2)
    assert await rehearsed(client, HurriedPhoto, silent) is None
    # On a busy machine an answer may be late as well.
    assert silent.attempts[:3] == [1, 1, 1]
    assert {*silent.attempts} == {1}


async def test_a_step_that_overruns_its_time_again_and_again_has_timed_out(
    client: Client,
) -> None:
    silent = Silent(OVERRUNS)
    failure = await rehearsed(client, ImpatientPhoto, silent)
    assert failure == Failure.of(TimedOut("Processing this photo took too long."))
    assert silent.attempts == [1] * OVERRUNS


async def test_temporal_waits_as_long_as_it_is_told(client: Client) -> None:
    busy = Unavailable("The reader is busy.", retry_after=timedelta(seconds=3))
    stage = Stage(client, FailingRecognizer([busy]))
    async with await stage.working():
        job = await stage.ended(await stage.submit())
    history = await stage.workflow(job.id).fetch_history()
    (began,) = (
        event
        for event in history.events
        if event.activity_task_started_event_attributes.attempt == 2
    )
    start = began.activity_task_started_event_attributes
    told = start.last_failure.application_failure_info.next_retry_delay.ToTimedelta()
    assert timedelta(seconds=3) <= told <= timedelta(seconds=4.5)
    scheduled = history.events[start.scheduled_event_id - 1]
    waited = began.event_time.ToDatetime() - scheduled.event_time.ToDatetime()
    assert told <= waited < told + timedelta(minutes=1)


async def test_a_message_that_does_not_fit_is_not_sent_again(client: Client) -> None:
    stage = Stage(client)
    jobs = await stage.container.get(JobActivities)
    async with (
        asyncio.timeout(180),
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
    async with await stage.working(), asyncio.timeout(180):
        with pytest.raises(WorkflowFailureError):
            await client.execute_workflow(
                "process-photo", 42, id=stage.queue, task_queue=stage.queue
            )
