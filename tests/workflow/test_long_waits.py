"""Hours and days of waiting, on a server that skips the time in which nothing happens.

What runs meanwhile goes by that server's clock.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from dishka import Provider
from temporalio import activity
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from photo.adapters.memory import MemoryRecognizer
from photo.adapters.temporal.converter import STRICT
from photo.adapters.temporal.messages import JobRef
from photo.adapters.temporal.runtime import shared_runtime
from photo.adapters.temporal.tries import LOST_WORKERS, WORKER_LOST
from photo.adapters.temporal.workflows import PATIENCE
from photo.application.ports import Clock, Courier, Receipt
from photo.domain.errors import RecognitionFailed, Unavailable, UrlUnreachable
from photo.domain.job import Failure, JobId, Status
from photo.domain.text import Page
from photo.domain.webhook import DeliveryStatus
from tests.workflow.post import TellingSender, over, owed, staged, start
from tests.workflow.rehearsals import SkippingPhoto, StuckDelivery, StuckPhoto
from tests.workflow.stage import Stage, accepted_job

SERVER = Path(sys.executable).with_name("temporal-test-server")
AN_HOUR = timedelta(hours=1)
A_DAY = timedelta(days=1)


@pytest.fixture
async def skipping() -> AsyncIterator[WorkflowEnvironment]:
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(SERVER),
        data_converter=STRICT,
        runtime=shared_runtime(),
    ) as environment:
        yield environment


def now() -> datetime:
    """The time of the server, as far as a step knows it."""
    return activity.info().started_time if activity.in_activity() else datetime.now(UTC)


def by_that_clock(provider: Provider) -> None:
    provider.provide(lambda: now, provides=Clock)


class AwayRecognizer(MemoryRecognizer):
    """Comes back after a time, which it does not know itself."""

    def __init__(self, away_for: timedelta) -> None:
        super().__init__()
        self.tried: list[datetime] = []
        self._away_for = away_for

    async def recognize(self, page: Path) -> Page:
        self.tried.append(now())
        if now() - self.tried[0] < self._away_for:
            raise Unavailable("The reader is away.", retry_after=timedelta(minutes=4))
        return await super().recognize(page)


class AwayReceiver(TellingSender):
    def __init__(self, away_for: timedelta) -> None:
        super().__init__()
        self.tried: list[datetime] = []
        self._away_for = away_for

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Receipt:
        self.tried.append(now())
        if now() - self.tried[0] < self._away_for:
            raise UrlUnreachable("Nobody answers.", retryable=True)
        return await super().send(url, headers, body)


async def test_a_dependency_is_waited_for_for_hours(
    skipping: WorkflowEnvironment,
) -> None:
    recognizer = AwayRecognizer(PATIENCE - AN_HOUR)
    stage = Stage(skipping.client, recognizer)
    async with asyncio.timeout(180), await stage.working():
        job_id = await stage.submit()
        await skipping.sleep(PATIENCE)
        await stage.workflow(job_id).result()
    assert (await stage.job(job_id)).status is Status.SUCCEEDED
    pauses = gaps(recognizer.tried)
    assert sum(pauses, timedelta()) >= PATIENCE - AN_HOUR
    assert timedelta(minutes=4) <= min(pauses)
    assert max(pauses) <= timedelta(minutes=7)


async def test_a_dependency_that_stays_away_ends_the_job_after_six_hours(
    skipping: WorkflowEnvironment,
) -> None:
    recognizer = AwayRecognizer(A_DAY)
    stage = Stage(skipping.client, recognizer)
    async with asyncio.timeout(180), await stage.working():
        job_id = await stage.submit()
        await skipping.sleep(A_DAY)
        job = await stage.failed(job_id)
    waited = recognizer.tried[-1] - recognizer.tried[0]
    assert job.error == Failure("dependency_unavailable", "The reader is away.", True)
    assert PATIENCE - timedelta(minutes=7) <= waited <= PATIENCE


async def test_a_death_on_the_way_does_not_make_the_wait_longer(
    skipping: WorkflowEnvironment,
) -> None:
    class AwayAndDying(AwayRecognizer):
        async def recognize(self, page: Path) -> Page:
            before = len(self.tried)
            try:
                return await super().recognize(page)
            except Unavailable:
                if before and self.tried[before] - self.tried[0] > self.dies_after:
                    self.dies_after = A_DAY
                    raise RecognitionFailed(
                        "It died.", crash="SIGSEGV", retryable=True
                    ) from None
                raise

        dies_after = PATIENCE - AN_HOUR

    recognizer = AwayAndDying(A_DAY)
    stage = Stage(skipping.client, recognizer)
    async with asyncio.timeout(180), await stage.working():
        job_id = await stage.submit()
        await skipping.sleep(A_DAY)
        job = await stage.failed(job_id)
    assert recognizer.dies_after == A_DAY
    assert job.error == Failure("dependency_unavailable", "The reader is away.", True)
    assert recognizer.tried[-1] - recognizer.tried[0] <= PATIENCE


async def test_a_receiver_that_is_away_for_an_hour_is_told_once_it_is_back(
    skipping: WorkflowEnvironment,
) -> None:
    sender = AwayReceiver(AN_HOUR)
    stage = staged(skipping.client, sender, by_that_clock)
    delivery_id = await owed(stage)
    async with await stage.working():
        await start(stage, delivery_id)
        await skipping.sleep(2 * A_DAY)
        delivery = await over(stage, delivery_id)
    assert (delivery.status, len(sender.sent)) == (DeliveryStatus.DELIVERED, 1)
    assert AN_HOUR <= sender.tried[-1] - sender.tried[0] <= 3 * AN_HOUR
    assert [attempt.at for attempt in delivery.attempts] == sender.tried


async def test_a_delivery_is_tried_for_a_day_and_then_given_up(
    skipping: WorkflowEnvironment,
) -> None:
    sender = AwayReceiver(2 * A_DAY)
    stage = staged(skipping.client, sender, by_that_clock)
    delivery_id = await owed(stage)
    async with await stage.working():
        await start(stage, delivery_id)
        await skipping.sleep(2 * A_DAY)
        delivery = await over(stage, delivery_id)
    assert (delivery.status, sender.sent) == (DeliveryStatus.FAILED, [])
    usual = [5, 30, 120, 600, 1800, 3600, 7200, *[14_400] * 4]
    pauses = [pause.total_seconds() for pause in gaps(sender.tried)]
    for pause, expected in zip(pauses, usual, strict=False):
        assert 0.9 * expected <= pause <= expected + 60
    assert 20 * 3600 < sum(pauses) <= 24 * 3600


async def test_work_that_is_stuck_gives_way_to_other_work_on_the_same_job(
    skipping: WorkflowEnvironment,
) -> None:
    stage = Stage(skipping.client)
    job = await accepted_job(stage.container)
    async with Worker(stage.client, task_queue=stage.queue, workflows=[StuckPhoto]):
        assert await stage.engine.start(job)
        await skipping.sleep(2 * A_DAY - AN_HOUR)
        assert not await stage.engine.start(job)
        await skipping.sleep(2 * AN_HOUR)
        assert await stage.engine.start(job)


async def test_a_delivery_that_is_stuck_gives_way_to_another_of_its_own(
    skipping: WorkflowEnvironment,
) -> None:
    stage = staged(skipping.client, AwayReceiver(A_DAY))
    delivery_id = await owed(stage)
    courier: Courier = await stage.container.get(Courier)
    async with Worker(stage.client, task_queue=stage.queue, workflows=[StuckDelivery]):
        assert await courier.start(delivery_id)
        assert not await courier.start(delivery_id)
        await skipping.sleep(2 * A_DAY + AN_HOUR)
        assert await courier.start(delivery_id)


async def test_a_photo_that_no_worker_survives_is_its_own_fault_in_the_end(
    skipping: WorkflowEnvironment,
) -> None:
    tried: list[datetime] = []

    @activity.defn(name="normalize")
    async def fatal(job: JobRef) -> None:
        tried.append(now())
        await asyncio.Event().wait()

    client, queue = skipping.client, Stage(skipping.client).queue
    async with (
        asyncio.timeout(180),
        Worker(client, task_queue=queue, workflows=[SkippingPhoto], activities=[fatal]),
    ):
        failure = await client.execute_workflow(
            SkippingPhoto.run, JobRef(JobId("job_1")), id=queue, task_queue=queue
        )
    assert failure
    assert (failure.code, failure.retryable) == ("corrupt_image", False)
    assert failure.crashes == (WORKER_LOST,) * LOST_WORKERS
    pauses = [pause.total_seconds() for pause in gaps(tried)]
    assert len(pauses) == LOST_WORKERS - 1
    assert sum(pauses) > 60, "all workers may be away for a while"


def gaps(moments: list[datetime]) -> list[timedelta]:
    return [after - before for before, after in pairwise(moments)]
