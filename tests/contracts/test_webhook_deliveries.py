import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from photo.application.ports import DeliveryQuery
from photo.domain.errors import NotFound
from photo.domain.job import JobId
from photo.domain.webhook import Attempt, Delivery, DeliveryId, DeliveryStatus, Webhook
from tests.contracts.repositories import Repositories, add_job
from tests.makers import NOW, a_delivery, a_job, a_webhook

NOBODYS = DeliveryId("msg_0")
A_MINUTE = timedelta(minutes=1)
ATTEMPTS = (
    Attempt(at=NOW, duration_ms=15_000, error="The other server is too slow."),
    Attempt(at=NOW + A_MINUTE, duration_ms=3, status_code=500),
)


async def owed(repositories: Repositories, count: int = 1) -> tuple[Delivery, ...]:
    """Deliveries of one webhook, each on a job of its own."""
    webhook = a_webhook()
    await repositories.webhooks.add(webhook, at_most=9)
    deliveries = [await a_new_one(repositories, webhook) for _ in range(count)]
    for delivery in deliveries:
        assert await repositories.deliveries.add(delivery)
    return tuple(deliveries)


async def a_new_one(
    repositories: Repositories, webhook: Webhook, *, due_at: datetime = NOW
) -> Delivery:
    job = await add_job(repositories, a_job())
    return a_delivery(webhook, job, due_at=due_at)


def delivered(delivery: Delivery) -> Delivery:
    return replace(
        delivery,
        status=DeliveryStatus.DELIVERED,
        attempts=ATTEMPTS,
        due_at=None,
        finished_at=NOW,
    )


async def test_a_delivery_comes_back_as_it_was(repositories: Repositories) -> None:
    (delivery,) = await owed(repositories)
    assert await repositories.deliveries.get(delivery.id) == delivery
    changed = await repositories.deliveries.update(delivery.id, delivered)
    assert changed == delivered(delivery)
    assert await repositories.deliveries.get(delivery.id) == changed


async def test_of_one_job_a_webhook_is_owed_one_delivery(
    repositories: Repositories,
) -> None:
    job = await add_job(repositories, a_job())
    webhook = a_webhook()
    await repositories.webhooks.add(webhook, at_most=9)
    rivals = [a_delivery(webhook, job) for _ in range(6)]
    added = await asyncio.gather(
        *(repositories.deliveries.add(delivery) for delivery in rivals)
    )
    assert sorted(added) == [False] * 5 + [True]
    first = rivals[added.index(True)]
    changed = await repositories.deliveries.update(first.id, delivered)
    assert not await repositories.deliveries.add(a_delivery(webhook, job))
    query = DeliveryQuery(webhook_id=webhook.id, limit=9)
    assert await repositories.deliveries.page(query) == [changed]


async def test_what_is_not_there_is_not_found(repositories: Repositories) -> None:
    with pytest.raises(NotFound):
        await repositories.deliveries.get(NOBODYS)
    with pytest.raises(NotFound):
        await repositories.deliveries.update(NOBODYS, lambda delivery: delivery)


async def test_concurrent_attempts_are_all_noted(repositories: Repositories) -> None:
    (delivery,) = await owed(repositories)

    def note(delivery: Delivery) -> Delivery:
        return delivery.note(ATTEMPTS[1])

    await asyncio.gather(
        *(repositories.deliveries.update(delivery.id, note) for _ in range(6))
    )
    assert len((await repositories.deliveries.get(delivery.id)).attempts) == 6


async def test_pages_come_newest_first_of_one_webhook(
    repositories: Repositories,
) -> None:
    deliveries = await owed(repositories, 5)
    await owed(repositories)
    query = DeliveryQuery(webhook_id=deliveries[0].webhook_id, limit=3)
    first = await repositories.deliveries.page(query)
    rest = await repositories.deliveries.page(replace(query, before=first[-1].id))
    assert (*first, *rest) == deliveries[::-1]


async def test_the_deliveries_of_a_job_come_oldest_first(
    repositories: Repositories,
) -> None:
    job = await add_job(repositories, a_job())
    deliveries = []
    for _ in range(2):
        webhook = a_webhook()
        await repositories.webhooks.add(webhook, at_most=9)
        deliveries.append(a_delivery(webhook, job))
    for delivery in (*reversed(deliveries), *await owed(repositories)):
        await repositories.deliveries.add(delivery)
    assert await repositories.deliveries.of_job(job.id) == deliveries
    assert await repositories.deliveries.of_job(JobId("job_0")) == []


async def test_pages_are_filtered_by_status(repositories: Repositories) -> None:
    deliveries = await owed(repositories, 4)
    for delivery in deliveries[1:3]:
        await repositories.deliveries.update(delivery.id, delivered)
    query = DeliveryQuery(
        webhook_id=deliveries[0].webhook_id, limit=9, status=DeliveryStatus.DELIVERED
    )
    found = await repositories.deliveries.page(query)
    assert [it.id for it in found] == [deliveries[2].id, deliveries[1].id]


async def test_the_latest_of_the_overdue_come_last(repositories: Repositories) -> None:
    webhook = a_webhook()
    await repositories.webhooks.add(webhook, at_most=9)
    due = [
        await a_new_one(repositories, webhook, due_at=NOW - minutes * A_MINUTE)
        for minutes in (1, 3, 0, 2, 1)
    ]
    done = due.pop()
    for delivery in (*due, done):
        await repositories.deliveries.add(delivery)
    await repositories.deliveries.update(done.id, delivered)
    late = await repositories.deliveries.overdue(since=NOW, limit=9)
    assert [*late] == [due[1], due[3], due[0]]
    assert len(await repositories.deliveries.overdue(since=NOW, limit=2)) == 2
