import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from photo.domain.errors import NotFound, ValidationFailed
from photo.domain.webhook import Event, SealedSecret, Webhook, WebhookId
from tests.contracts.repositories import Repositories, add_job
from tests.makers import ACME, NOW, OTHER, a_delivery, a_job, a_webhook

NOBODYS = WebhookId("whk_0")


async def added(
    repositories: Repositories, webhook: Webhook | None = None, *, at_most: int = 99
) -> Webhook:
    webhook = webhook or a_webhook()
    await repositories.webhooks.add(webhook, at_most=at_most)
    return webhook


async def test_a_webhook_comes_back_as_it_was(repositories: Repositories) -> None:
    old = SealedSecret(bytes(range(256)), NOW + timedelta(hours=1))
    disabled = replace(
        a_webhook(events=(Event.JOB_FAILED,)),
        secrets=(SealedSecret(b"new"), old),
        failing_since=NOW,
        disabled_at=NOW,
        disabled_reason="It was gone.",
    )
    for webhook in (a_webhook(), disabled):
        await added(repositories, webhook)
        assert await repositories.webhooks.get(webhook.id) == webhook
        assert await repositories.webhooks.get_for(ACME, webhook.id) == webhook


async def test_what_is_not_there_is_not_found(repositories: Repositories) -> None:
    webhook = await added(repositories)
    with pytest.raises(NotFound):
        await repositories.webhooks.get(NOBODYS)
    with pytest.raises(NotFound):
        await repositories.webhooks.get_for(OTHER, webhook.id)
    with pytest.raises(NotFound):
        await repositories.webhooks.update(NOBODYS, lambda webhook: webhook)
    await repositories.webhooks.delete(NOBODYS)


async def test_a_tenant_has_no_more_than_it_may(repositories: Repositories) -> None:
    outcomes = await asyncio.gather(
        *(added(repositories, at_most=3) for _ in range(8)), return_exceptions=True
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, ValidationFailed)]
    assert len(refused) == 5
    assert len(await repositories.webhooks.page(ACME, limit=9)) == 3
    await added(repositories, a_webhook(tenant=OTHER), at_most=1)


async def test_a_tenant_has_one_without_a_url(repositories: Repositories) -> None:
    made = await asyncio.gather(
        *(repositories.webhooks.add_default(a_webhook(None)) for _ in range(5))
    )
    assert len({webhook.id for webhook in made}) == 1
    others = await repositories.webhooks.add_default(a_webhook(None, tenant=OTHER))
    assert others.id != made[0].id
    assert await repositories.webhooks.page(ACME, limit=9) == []
    assert await repositories.webhooks.listening(ACME) == []
    await added(repositories, at_most=1)


async def test_pages_come_newest_first(repositories: Repositories) -> None:
    webhooks = [await added(repositories) for _ in range(5)]
    await added(repositories, a_webhook(tenant=OTHER))
    first = await repositories.webhooks.page(ACME, limit=3)
    rest = await repositories.webhooks.page(ACME, limit=3, before=first[-1].id)
    assert [*first, *rest] == webhooks[::-1]


async def test_who_is_disabled_does_not_listen(repositories: Repositories) -> None:
    listening, disabled = await added(repositories), await added(repositories)
    await repositories.webhooks.update(
        disabled.id,
        lambda webhook: replace(webhook, disabled_at=NOW, disabled_reason="Gone."),
    )
    await added(repositories, a_webhook(tenant=OTHER))
    assert await repositories.webhooks.listening(ACME) == [listening]


async def test_concurrent_changes_are_all_kept(repositories: Repositories) -> None:
    webhook = await added(repositories)

    def add_a_secret(webhook: Webhook) -> Webhook:
        return replace(webhook, secrets=(*webhook.secrets, SealedSecret(b"one more")))

    await asyncio.gather(
        *(repositories.webhooks.update(webhook.id, add_a_secret) for _ in range(6))
    )
    assert len((await repositories.webhooks.get(webhook.id)).secrets) == 7


async def test_with_a_webhook_its_deliveries_are_deleted(
    repositories: Repositories,
) -> None:
    job = await add_job(repositories, a_job())
    gone, kept = await added(repositories), await added(repositories)
    theirs = [a_delivery(webhook, job) for webhook in (gone, kept)]
    for delivery in theirs:
        await repositories.deliveries.add(delivery)
    await repositories.webhooks.delete(gone.id)
    with pytest.raises(NotFound):
        await repositories.webhooks.get(gone.id)
    with pytest.raises(NotFound):
        await repositories.deliveries.get(theirs[0].id)
    assert await repositories.deliveries.get(theirs[1].id) == theirs[1]


async def test_a_webhook_that_is_deleted_meanwhile_undoes_no_end_of_a_job(
    repositories: Repositories,
) -> None:
    """Who reads whom to tell is not disturbed by who deletes one of them."""
    job = await add_job(repositories, a_job())
    webhook = await added(repositories)
    read, may_add = asyncio.Event(), asyncio.Event()

    async def end() -> None:
        async with repositories.transactions.begin():
            (listening,) = await repositories.webhooks.listening(ACME)
            read.set()
            await may_add.wait()
            await repositories.deliveries.add(a_delivery(listening, job))

    async def delete() -> None:
        await repositories.webhooks.delete(webhook.id)

    ending = asyncio.create_task(end())
    await read.wait()
    deleting = asyncio.create_task(delete())
    await asyncio.wait([deleting], timeout=0.2)
    may_add.set()
    await asyncio.gather(ending, deleting)
    with pytest.raises(NotFound):
        await repositories.webhooks.get(webhook.id)
