"""Photos that kill whoever reads them, and photos that only met somebody's death."""

import asyncio

import pytest
from dishka import Provider, Scope
from structlog.typing import EventDict
from temporalio.client import Client

from photo.adapters.temporal.client import TemporalServer
from photo.adapters.temporal.tries import CHILD_DEATHS, WORKER_LOST
from photo.adapters.temporal.worker import running
from photo.application.ports import ImageNormalizer
from photo.domain.errors import (
    CorruptImage,
    PhotoError,
    RecognitionFailed,
    Unavailable,
)
from photo.domain.job import Failure, Job, Status, Step
from tests.workflow.dying_worker import dying_worker
from tests.workflow.recognizers import FailingNormalizer, FailingRecognizer
from tests.workflow.stage import PHOTO, Stage

SENTENCE = "The text of this photo could not be read."
AWAY = Unavailable("The disk is full.")


def death(how: str = "SIGSEGV") -> PhotoError:
    return RecognitionFailed(SENTENCE, reason=how, crash=how, retryable=True)


def own_limit(which: str = "SIGPROF") -> PhotoError:
    return RecognitionFailed(SENTENCE, reason=which, crash=which)


async def ended(client: Client, *faults: PhotoError) -> tuple[Job, int]:
    """A job whose reader meets these faults, and how often it was asked."""
    recognizer = FailingRecognizer(faults)
    stage = Stage(client, recognizer)
    async with asyncio.timeout(180), await stage.working():
        job = await stage.ended(await stage.submit())
    return job, recognizer.calls


@pytest.mark.parametrize("deaths", range(1, CHILD_DEATHS))
async def test_a_photo_that_met_a_death_is_read_by_the_next_child(
    client: Client, deaths: int
) -> None:
    job, calls = await ended(client, *[death()] * deaths)
    assert (job.status, calls) == (Status.SUCCEEDED, deaths + 1)


@pytest.mark.parametrize("times_away", [0, 1])
async def test_the_third_death_is_the_end_whatever_else_fails_in_between(
    client: Client, times_away: int
) -> None:
    how = ["SIGSEGV", "SIGKILL", "exit 1"]
    faults = [fault for each in how for fault in (*[AWAY] * times_away, death(each))]
    job, calls = await ended(client, *faults, *[death()] * 9)
    assert (job.status, calls) == (Status.FAILED, len(faults))
    assert job.error == Failure(
        "recognition_failed", SENTENCE, retryable=False, crashes=tuple(how)
    )


@pytest.mark.parametrize("limit", ["memory", "SIGPROF"])
async def test_what_a_child_may_not_spend_the_next_one_is_not_asked_for(
    client: Client, limit: str
) -> None:
    job, calls = await ended(client, own_limit(limit))
    assert (job.error and job.error.crashes, calls) == ((limit,), 1)
    job, calls = await ended(client, death(), own_limit(limit))
    assert (job.error and job.error.crashes, calls) == (("SIGSEGV", limit), 2)


async def test_a_photo_that_is_refused_after_a_death_has_killed_nobody(
    client: Client,
) -> None:
    job, _ = await ended(client, death(), RecognitionFailed("Nothing to be read."))
    assert job.error == Failure("recognition_failed", "Nothing to be read.", False)


async def test_while_it_is_tried_again_the_job_says_why(client: Client) -> None:
    stage = Stage(client, FailingRecognizer([death()]))
    async with asyncio.timeout(180), await stage.working():
        waiting = await stage.waiting(await stage.submit())
        assert waiting.step_error == Failure.of(death())
        assert (await stage.ended(waiting.id)).status is Status.SUCCEEDED


async def test_people_are_told_all_they_need_to_look_at_it_and_no_text(
    client: Client, logs: list[EventDict]
) -> None:
    job, _ = await ended(client, *[death()] * CHILD_DEATHS)
    (told,) = (log for log in logs if log["event"] == "photo_poisoned")
    assert job.photo
    assert (
        told.items()
        >= {
            "log_level": "error",
            "job_id": job.id,
            "tenant": job.tenant,
            "step": Step.RECOGNIZE,
            "code": "recognition_failed",
            "crashes": ("SIGSEGV",) * CHILD_DEATHS,
            "bucket": "raw",
            "key": job.raw_key,
        }.items()
    )
    assert (
        told["photo"].items()
        >= {
            "content_type": job.photo.content_type,
            "sha256": job.photo.sha256,
            "size_bytes": len(PHOTO),
        }.items()
    )
    assert told["engine"]["name"] == "memory"
    about = {"event", "attempt", "photo", "engine"}
    assert told.keys() == about | {
        *("log_level", "job_id", "tenant", "step", "code", "crashes", "bucket", "key")
    }


async def test_an_ordinary_failure_is_no_poison(
    client: Client, logs: list[EventDict]
) -> None:
    await ended(client, RecognitionFailed("Nothing to be read."))
    assert "photo_poisoned" not in {log["event"] for log in logs}


async def test_a_worker_that_is_killed_in_between_changes_no_count(
    client: Client, temporal: TemporalServer
) -> None:
    """The first child dies in a process that is killed later, at its next try."""
    faults = [decoding_death("SIGABRT"), decoding_death("SIGKILL")]
    stage = normalizing(client, FailingNormalizer(faults))
    workers = await stage.workers()
    async with asyncio.timeout(180), running(workers.light, workers.scans) as start:
        job_id = await stage.submit()
        async with dying_worker(temporal, stage.queue, "SIGSEGV") as doomed:
            assert await doomed.hangs_on() == job_id
        start(workers.images)
        job = await stage.ended(job_id)
    assert job.error
    assert job.error.code == "corrupt_image"
    assert job.error.crashes == ("SIGSEGV", WORKER_LOST, "SIGABRT", "SIGKILL")


def decoding_death(how: str) -> PhotoError:
    return CorruptImage("Decoding failed.", reason=how, crash=how, retryable=True)


def normalizing(client: Client, normalizer: ImageNormalizer) -> Stage:
    provider = Provider(scope=Scope.APP)
    provider.provide(lambda: normalizer, provides=ImageNormalizer)
    return Stage(client, None, provider)
