"""No end of a job loses its deliveries, and no delivery its attempts."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from standardwebhooks.webhooks import Webhook as Verifier

from photo.adapters.memory import MemoryScanner, MemoryWebhookSender
from photo.adapters.vault import AesVault
from photo.application.attempts import _AT_ONCE
from photo.application.deliveries import LOST_AFTER
from photo.application.ports import Receipt, Repair
from photo.domain.errors import Infected, Unavailable, UrlRefused, UrlUnreachable
from photo.domain.job import Failure, JobId
from photo.domain.webhook import (
    DISABLE_AFTER,
    Delivery,
    DeliveryStatus,
    Event,
    Webhook,
)
from tests.makers import ACME, NOW, a_job, an_upload
from tests.unit.post import ADMIN
from tests.unit.world import A_SECOND, Crash, World

URL = "https://hooks.example.com/photos"
FAILURE = Failure("corrupt_image", "This is no photo.", retryable=False)
HARMFUL = b"\xff\xd8\xff harmful"

End = Callable[[World, JobId], Awaitable[object]]


async def listening(world: World, *events: Event) -> Webhook:
    webhook, _ = await world.post.create(ADMIN, URL, events or [*Event])
    return webhook


async def succeed(world: World, job_id: JobId) -> None:
    await world.process(job_id)


async def fail(world: World, job_id: JobId) -> None:
    await world.end.fail(job_id, FAILURE)


async def be_infected(world: World, job_id: JobId) -> None:
    try:
        await world.verify(job_id)
    except Infected as error:
        await world.end.fail(job_id, Failure.of(error))


async def cancel(world: World, job_id: JobId) -> None:
    await world.cancel(ACME, job_id)


async def give_up(world: World, job_id: JobId) -> None:
    await world.end.cancel(job_id)


ENDS = {
    succeed: Event.JOB_SUCCEEDED,
    fail: Event.JOB_FAILED,
    be_infected: Event.JOB_FAILED,
    cancel: Event.JOB_CANCELLED,
    give_up: Event.JOB_CANCELLED,
}


def a_world(end: End) -> World:
    return World(
        scanner=MemoryScanner({HARMFUL: "Test"}) if end is be_infected else None
    )


async def accepted(world: World, end: End) -> JobId:
    return await world.accept(data=HARMFUL if end is be_infected else None)


@pytest.mark.parametrize(("end", "event"), ENDS.items())
async def test_every_end_of_a_job_is_owed_once(end: End, event: Event) -> None:
    world = a_world(end)
    webhook = await listening(world)
    job_id = await accepted(world, end)
    await end(world, job_id)
    (delivery,) = world.post.deliveries.known()
    assert (delivery.webhook_id, delivery.job_id) == (webhook.id, job_id)
    assert (delivery.event, delivery.url, delivery.status) == (event, URL, "pending")
    assert world.post.courier.started == [delivery.id]
    await world.end.fail(job_id, FAILURE)
    await world.end.cancel(job_id)
    assert world.post.deliveries.known() == [delivery]


@pytest.mark.parametrize("end", ENDS)
async def test_a_crash_at_any_call_loses_no_delivery(end: End) -> None:
    """Whenever the process dies: a job that has ended is owed, and is set going."""
    for call in range(1, 100):
        world = a_world(end)
        await listening(world)
        job_id = await accepted(world, end)
        world.fuse.blow_at(call)
        try:
            await end(world, job_id)
            break
        except Crash:
            ended = (await world.jobs.get(job_id)).ended
            assert len(world.post.deliveries.known()) == ended
        if not ended:
            await end(world, job_id)
        (delivery,) = world.post.deliveries.known()
        world.clock.step(LOST_AFTER + A_SECOND)
        await world.post.start_lost()
        assert delivery.id in world.post.courier.started
    assert 3 < call < 99


async def test_jobs_end_without_the_engine_and_are_told_of_later(world: World) -> None:
    await listening(world)
    world.post.courier.fault = Unavailable("Nobody carries anything.")
    job_id = await world.accept()
    await fail(world, job_id)
    assert (await world.jobs.get(job_id)).ended
    world.post.courier.fault = None
    world.clock.step(LOST_AFTER)
    assert await world.post.start_lost() == 0
    world.clock.step(A_SECOND)
    assert await world.post.start_lost() == 1
    (started,) = world.post.courier.started
    assert world.post.repairs.notes == [
        (Repair.DELIVERY_STARTED, 1, {"job_id": job_id, "delivery_id": started})
    ]
    world.post.courier.under_way = {started}
    assert await world.post.start_lost() == 0
    assert len(world.post.repairs.notes) == 1


async def test_an_end_that_is_announced_again_is_owed_and_set_going_once(
    world: World,
) -> None:
    await listening(world)
    job_id = await world.accept()
    await fail(world, job_id)
    await world.post.announce(await world.jobs.get(job_id))
    (delivery,) = world.post.deliveries.known()
    assert world.post.courier.started == [delivery.id]


async def test_who_did_not_ask_is_not_told(world: World) -> None:
    await listening(world, Event.JOB_SUCCEEDED)
    await fail(world, await world.accept())
    assert world.post.deliveries.known() == []
    assert world.post.courier.started == []


async def test_every_endpoint_and_the_jobs_own_are_told(world: World) -> None:
    webhooks = [await listening(world) for _ in range(3)]
    upload = await world.arrive(an_upload())
    job = replace(a_job(upload), webhook_url="https://example.com/only-this")
    await world.jobs.add(job)
    await fail(world, job.id)
    await fail(world, await world.accept())
    default, secret = await world.post.default(ADMIN)
    assert secret is None
    told = [(it.webhook_id, it.url) for it in world.post.deliveries.known()]
    to_all = sorted((webhook.id, URL) for webhook in webhooks)
    own = (default.id, "https://example.com/only-this")
    assert sorted(told[:4]) == sorted([*to_all, own])
    assert sorted(told[4:]) == to_all


async def owed(world: World) -> Delivery:
    await listening(world)
    await fail(world, await world.accept())
    return world.post.deliveries.known()[-1]


async def attempt(world: World, delivery: Delivery) -> timedelta | None:
    """Make the attempt that is due next, when it is."""
    due_at = (await world.post.deliveries.get(delivery.id)).due_at
    if due_at and due_at > world.clock():
        world.clock.step(due_at - world.clock())
    return await world.post.attempt(delivery.id)


async def test_attempts_go_on_until_one_is_accepted(world: World) -> None:
    delivery = await owed(world)
    slow = UrlUnreachable("The other server is too slow.")
    inside = UrlRefused("The URL leads to an address that is not public.")
    world.post.sender.answers = [slow, Receipt(503), inside, Receipt(200)]
    for _ in range(3):
        assert await attempt(world, delivery)
    assert await attempt(world, delivery) is None
    noted = await world.post.deliveries.get(delivery.id)
    assert noted.status is DeliveryStatus.DELIVERED
    assert [(it.status_code, it.error) for it in noted.attempts] == [
        (None, slow.detail),
        (503, None),
        (None, inside.detail),
        (200, None),
    ]
    assert await world.post.attempt(delivery.id) is None
    assert len(world.post.sender.sent) == 4


async def test_every_attempt_sends_the_same_bytes_signed_anew(world: World) -> None:
    delivery = await owed(world)
    world.post.sender.answers = [Receipt(500)] * 3
    for _ in range(3):
        await attempt(world, delivery)
    sent = world.post.sender.sent
    assert len({body for _, _, body in sent}) == 1
    assert {headers["webhook-id"] for _, headers, _ in sent} == {delivery.id}
    for name in ("webhook-timestamp", "webhook-signature"):
        assert len({headers[name] for _, headers, _ in sent}) == 3
    job = await world.jobs.get(delivery.job_id)
    assert job.finished_at
    told = json.loads(sent[0][2])
    assert told["timestamp"] == job.finished_at.isoformat().replace("+00:00", "Z")
    assert told["data"]["error"]["code"] == FAILURE.code


async def test_an_attempt_that_is_not_due_is_waited_for(world: World) -> None:
    delivery = await owed(world)
    world.post.sender.answers = [Receipt(500)]
    pause = await world.post.attempt(delivery.id)
    assert pause
    assert await world.post.attempt(delivery.id) == pause
    assert len(world.post.sender.sent) == 1


async def test_a_crash_after_sending_sends_the_same_again(world: World) -> None:
    delivery = await owed(world)
    world.fuse.blow_at(1)
    with pytest.raises(Crash):
        await world.post.attempt(delivery.id)
    assert await world.post.deliveries.get(delivery.id) == delivery
    assert await world.post.attempt(delivery.id) is None
    first, second = world.post.sender.sent
    assert first == second


async def test_gone_disables_the_endpoint_and_what_it_was_still_owed(
    world: World,
) -> None:
    webhook = await listening(world)
    for _ in range(2):
        await fail(world, await world.accept())
    gone, other = world.post.deliveries.known()
    world.post.sender.answers = [Receipt(410)]
    assert await attempt(world, gone) is None
    assert await attempt(world, other) is None
    assert [it.status for it in world.post.deliveries.known()] == ["failed"] * 2
    assert len(world.post.sender.sent) == 1
    assert (await world.post.webhooks.get(webhook.id)).disabled_at == NOW
    assert await world.post.actions() == ["webhook.created", "webhook.disabled"]
    await fail(world, await world.accept())
    assert len(world.post.deliveries.known()) == 2


async def test_days_of_failure_disable_the_endpoint(world: World) -> None:
    webhook = await listening(world)
    world.post.sender.answers = [Receipt(500)] * 1000
    until = NOW + DISABLE_AFTER + timedelta(days=1)
    while (
        world.clock() < until
        and not (await world.post.webhooks.get(webhook.id)).disabled_at
    ):
        await fail(world, await world.accept())
        while await attempt(world, world.post.deliveries.known()[-1]):
            pass
    disabled = await world.post.webhooks.get(webhook.id)
    assert disabled.disabled_at
    assert disabled.disabled_at - NOW >= DISABLE_AFTER
    (entry,) = [
        entry
        for entry in await world.post.audit.page(ACME, limit=9)
        if entry.action == "webhook.disabled"
    ]
    assert (entry.actor, entry.target) == ("service", webhook.id)
    assert "5 days" in entry.details["reason"]


async def test_a_jobs_own_url_that_is_gone_disables_nothing(world: World) -> None:
    upload = await world.arrive(an_upload())
    job = replace(a_job(upload), webhook_url=URL)
    await world.jobs.add(job)
    await fail(world, job.id)
    (delivery,) = world.post.deliveries.known()
    world.post.sender.answers = [Receipt(410)]
    assert await world.post.attempt(delivery.id) is None
    assert (await world.post.deliveries.get(delivery.id)).status == "failed"
    default, _ = await world.post.default(ADMIN)
    assert default.disabled_at is None


async def test_deliveries_end_with_their_webhook(world: World) -> None:
    delivery = await owed(world)
    await world.post.delete(ADMIN, delivery.webhook_id)
    assert await world.post.attempt(delivery.id) is None
    assert world.post.sender.sent == []


async def test_a_webhook_that_is_deleted_under_an_attempt_ends_it() -> None:
    world = World()
    delivery = await owed(world)

    class Deleting(type(world.post.sender)):  # type: ignore[misc]  # the memory sender
        async def send(self, *_: object) -> Receipt:
            await world.post.delete(ADMIN, delivery.webhook_id)
            return Receipt(500)

    attempt = replace(world.post.attempt, sender=Deleting())
    assert await attempt(delivery.id) is None


async def test_a_secret_sealed_under_another_key_fails_until_it_is_rotated(
    world: World,
) -> None:
    delivery = await owed(world)
    vault = AesVault("another secret of the operator's")
    attempt = replace(world.post.attempt, vault=vault)
    assert await attempt(delivery.id)
    (noted,) = (await world.post.deliveries.get(delivery.id)).attempts
    assert noted.error == "The webhook's secret is lost. Rotate it, then replay."
    rotate = replace(world.post.rotate, vault=vault)
    await rotate(ADMIN, delivery.webhook_id)
    world.clock.step(timedelta(minutes=1))
    assert await attempt(delivery.id) is None
    assert len(world.post.sender.sent) == 1


async def test_a_replay_goes_on_where_it_ended(world: World) -> None:
    delivery = await owed(world)
    assert await world.post.attempt(delivery.id) is None
    world.clock.step(timedelta(days=30))
    post = world.post
    again = await post.replay(ACME, delivery.webhook_id, delivery.id)
    assert (again.status, post.courier.hurried) == ("pending", [delivery.id])
    assert await post.attempt(delivery.id) is None
    first, second = post.sender.sent
    assert first[2] == second[2]
    assert len((await post.deliveries.get(delivery.id)).attempts) == 2


async def test_a_replay_that_nobody_carries_is_found_later(world: World) -> None:
    delivery = await owed(world)
    await world.post.attempt(delivery.id)
    world.post.courier.fault = Unavailable("Nobody carries anything.")
    await world.post.replay(ACME, delivery.webhook_id, delivery.id)
    world.post.courier.fault = None
    world.clock.step(LOST_AFTER + A_SECOND)
    assert await world.post.start_lost() == 1


async def test_changes_are_in_the_audit_log_without_secrets() -> None:
    post = World().post
    webhook, secret = await post.create(ADMIN, f"{URL}?token=c4n4ry", [*Event])
    _, rotated = await post.rotate(ADMIN, webhook.id)
    await post.enable(ADMIN, webhook.id)
    await post.delete(ADMIN, webhook.id)
    assert await post.actions() == [
        "webhook.created",
        "webhook.secret_rotated",
        "webhook.deleted",
    ]
    entries = await post.audit.page(ACME, limit=9)
    assert {entry.actor for entry in entries} == {ADMIN.credential}
    assert entries[-1].details == {"host": "hooks.example.com"}
    for word in ("c4n4ry", secret, rotated):
        assert str(word) not in str(entries)


async def test_what_is_sent_can_be_verified_until_a_day_after_a_rotation() -> None:
    world = World()
    webhook, old = await world.post.create(ADMIN, URL, [*Event])
    _, new = await world.post.rotate(ADMIN, webhook.id)
    signatures = []
    for later in (timedelta(), timedelta(hours=24)):
        world.clock.step(later)
        await fail(world, await world.accept())
        await world.post.attempt(world.post.deliveries.known()[-1].id)
        headers = world.post.sender.sent[-1][1]
        signatures.append(headers["webhook-signature"].split(" "))
    assert [len(each) for each in signatures] == [2, 1]
    _, headers, body = world.post.sender.sent[0]
    for secret, signature in zip((new, old), signatures[0], strict=True):
        assert secret
        verifier = Verifier(secret)
        at = NOW
        assert verifier.sign(headers["webhook-id"], at, body.decode()) == signature


class SilentSender(MemoryWebhookSender):
    """Gets no answer before it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may_answer = asyncio.Event()
        self.crowded = asyncio.Event()

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Receipt:
        receipt = await super().send(url, headers, body)
        if len(self.sent) == _AT_ONCE:
            self.crowded.set()
        await self.may_answer.wait()
        return receipt


async def test_silent_receivers_of_one_tenant_take_only_so_many_attempts(
    world: World,
) -> None:
    await listening(world)
    for _ in range(_AT_ONCE + 1):
        await fail(world, await world.accept())
    *some, last = world.post.deliveries.known()
    sender = SilentSender()
    attempt = replace(world.post.attempt, sender=sender)
    under_way = [asyncio.create_task(attempt(delivery.id)) for delivery in some]
    async with asyncio.timeout(60):
        await sender.crowded.wait()
        assert await attempt(last.id) == timedelta(seconds=30)
    assert (await world.post.deliveries.get(last.id)).attempts == ()
    sender.may_answer.set()
    await asyncio.gather(*under_way)
    assert await attempt(last.id) is None
    told = await world.post.deliveries.get(last.id)
    assert told.status is DeliveryStatus.DELIVERED
