"""Deliveries as workflows: what they wait for, survive, and never tell."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from standardwebhooks.webhooks import Webhook as Verifier
from structlog.typing import EventDict
from temporalio.client import Client, WorkflowExecutionStatus

from photo.adapters.temporal.worker import LIGHT_STEPS
from photo.application.deliveries import ReplayDelivery
from photo.application.ports import (
    Receipt,
    RenderEvent,
    WebhookRepository,
)
from photo.domain.access import Tenant
from photo.domain.errors import Unavailable
from photo.domain.job import Job, Status
from photo.domain.webhook import DeliveryId, DeliveryStatus, Event
from photo.entrypoints.http.webhook_views import WebhookEvent
from tests.makers import ACME
from tests.workflow.post import (
    ADMIN,
    URL,
    TellingSender,
    delivery_of,
    listening,
    over,
    owed,
    skipping,
    staged,
    start,
    the,
    workflow,
)
from tests.workflow.test_sweep import START_FORGOTTEN, looked_after


async def test_the_end_of_a_job_is_told_and_nothing_of_it_is_logged(
    client: Client, logs: list[EventDict]
) -> None:
    sender = TellingSender(Receipt(503))
    stage = staged(client, sender)
    webhook_id, secret = await listening(stage)
    async with await stage.working():
        job = await stage.ended(await stage.submit())
        async with asyncio.timeout(180):
            await sender.told.acquire()
            await sender.told.acquire()
        delivery = await over(stage, (await delivery_of(stage, webhook_id)).id)
    assert (job.status, delivery.status) == (Status.SUCCEEDED, DeliveryStatus.DELIVERED)
    assert [attempt.status_code for attempt in delivery.attempts] == [503, 200]
    waited = delivery.attempts[1].at - delivery.attempts[0].at
    assert timedelta(seconds=4.5) <= waited < timedelta(seconds=27)
    signatures = []
    for url, headers, body in sender.sent:
        assert url == URL
        assert Verifier(secret).verify(body, dict(headers))["data"]["id"] == job.id
        signatures.append(headers["webhook-signature"])
    history = str((await workflow(stage, delivery.id).fetch_history()).events)
    steps = [log for log in logs if log.get("delivery_id") == delivery.id]
    assert [log["event"] for log in steps] == ["step_done"] * 2
    for word in (secret, "c4n4ry", "Hello photo", *signatures):
        assert word not in history + str(logs)


async def test_a_delivery_is_tried_for_a_day_and_then_given_up(
    client: Client,
) -> None:
    pauses: list[float] = []
    sender = TellingSender(*[Receipt(500)] * 99)
    stage = staged(client, sender, skipping(pauses))
    delivery_id = await owed(stage)
    async with await stage.working():
        await start(stage, delivery_id)
        delivery = await over(stage, delivery_id)
    assert delivery.status is DeliveryStatus.FAILED
    assert len(sender.sent) == len(delivery.attempts) == len(pauses) + 1
    usual = [5, 30, 120, 600, 1800, 3600, 7200, *[14_400] * 4]
    for pause, expected in zip(pauses, usual, strict=False):
        assert 0.9 * expected <= pause <= expected
    assert 20 * 3600 < sum(pauses) <= 24 * 3600


async def test_a_receiver_that_is_gone_ends_it_at_once(client: Client) -> None:
    sender = TellingSender(Receipt(410))
    stage = staged(client, sender)
    delivery_id = await owed(stage)
    async with await stage.working():
        await start(stage, delivery_id)
        delivery = await over(stage, delivery_id)
    assert (delivery.status, len(sender.sent)) == (DeliveryStatus.FAILED, 1)
    webhooks: WebhookRepository = await stage.container.get(WebhookRepository)
    assert (await webhooks.get(delivery.webhook_id)).disabled_at


async def test_a_delivery_that_was_never_started_is_found(client: Client) -> None:
    sender = TellingSender()
    stage = staged(client, sender)
    delivery_id = await owed(stage)
    async with looked_after(stage, START_FORGOTTEN), asyncio.timeout(180):
        await sender.told.acquire()
        delivery = await over(stage, delivery_id)
    assert delivery.status is DeliveryStatus.DELIVERED


async def test_starting_again_starts_nothing_again(client: Client) -> None:
    sender = TellingSender(Receipt(500))
    stage = staged(client, sender)
    delivery_id = await owed(stage)
    async with await stage.working():
        await asyncio.gather(*(start(stage, delivery_id) for _ in range(5)))
        await sender.told.acquire()
        await start(stage, delivery_id)
        delivery = await over(stage, delivery_id)
    assert len(sender.sent) == len(delivery.attempts) == 2


async def test_a_replay_does_not_wait_for_the_next_attempt(client: Client) -> None:
    sender = TellingSender(*[Receipt(500, timedelta(hours=1))] * 2)
    stage = staged(client, sender)
    delivery_id = await owed(stage)
    replay = await stage.container.get(ReplayDelivery)
    webhook_id = (await the(stage, delivery_id)).webhook_id
    async with await stage.working(), asyncio.timeout(180):
        await start(stage, delivery_id)
        for _ in range(2):
            await sender.told.acquire()
            await replay(ACME, webhook_id, delivery_id)
        delivery = await over(stage, delivery_id)
        assert delivery.status is DeliveryStatus.DELIVERED
        sent = len(sender.sent)
        await replay(ACME, webhook_id, delivery_id)
        delivery = await over(stage, delivery_id)
    assert delivery.status is DeliveryStatus.DELIVERED
    assert len(sender.sent) == sent + 1


async def test_what_fails_here_is_tried_again_soon(
    client: Client, logs: list[EventDict]
) -> None:
    faults = [Unavailable("The database went away."), ValueError("c4n4ry")]

    def render(event: Event, job: Job) -> bytes:
        if faults:
            raise faults.pop()
        return WebhookEvent.render(event, job)

    stage = staged(
        client,
        TellingSender(),
        lambda provider: provider.provide(lambda: render, provides=RenderEvent),
    )
    delivery_id = await owed(stage)
    async with await stage.working():
        await start(stage, delivery_id)
        delivery = await over(stage, delivery_id)
    assert delivery.status is DeliveryStatus.DELIVERED
    assert len(delivery.attempts) == 1
    history = await workflow(stage, delivery_id).fetch_history()
    assert "c4n4ry" not in str(history.events)


async def test_a_job_that_was_erased_is_not_told_of(client: Client) -> None:
    sender = TellingSender()
    stage = staged(client, sender)
    async with await stage.working():
        await start(stage, DeliveryId("msg_gone"))
        async with asyncio.timeout(180):
            await workflow(stage, DeliveryId("msg_gone")).result()
    assert sender.sent == []


async def test_slow_receivers_hold_up_no_job(client: Client) -> None:
    class SilentSender(TellingSender):
        async def send(self, *_: object) -> Receipt:
            self.told.release()
            await silence.wait()
            return Receipt(200)

    silence = asyncio.Event()
    sender = SilentSender()
    stage = staged(client, sender)
    waiting = []
    for number in range(LIGHT_STEPS // 5 + 1):
        webhook_id, _ = await listening(
            stage, replace(ADMIN, tenant=Tenant(f"silent-{number}"))
        )
        waiting += [await owed(stage, webhook_id) for _ in range(5)]
    async with await stage.working():
        for delivery_id in waiting:
            await start(stage, delivery_id)
        async with asyncio.timeout(180):
            for _ in waiting:
                await sender.told.acquire()
        job = await stage.ended(await stage.submit())
        assert job.status is Status.SUCCEEDED
        described = await workflow(stage, waiting[0]).describe()
        assert described.status is WorkflowExecutionStatus.RUNNING
        silence.set()
        for delivery_id in waiting:
            assert (await over(stage, delivery_id)).finished_at
