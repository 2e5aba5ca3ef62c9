from datetime import timedelta

from photo.application.ports import Owed, Snapshot, Underway
from photo.application.tenancy import EVERYONE, acting_for
from photo.domain.job import Failure, Status, Step
from tests.contracts.repositories import Repositories, add_job
from tests.makers import (
    NOW,
    OTHER,
    a_delivery,
    a_job,
    a_url_job,
    a_webhook,
    an_upload,
)

SECOND = timedelta(seconds=1)
BROKEN = Failure("corrupt_image", "This is no photo.", retryable=False)


async def test_with_nothing_to_do_there_is_nothing_to_see(
    repositories: Repositories,
) -> None:
    await add_job(repositories, a_job(now=NOW).fail(BROKEN, at=NOW))
    snapshot = await repositories.snapshots.take(at_most=10)
    assert snapshot == Snapshot([], Owed(0, None))


async def test_unfinished_jobs_of_all_tenants_are_counted_by_status_and_step(
    repositories: Repositories,
) -> None:
    await add_job(repositories, a_job(now=NOW))
    await add_job(repositories, a_job(an_upload(tenant=OTHER), now=NOW - SECOND))
    verified = a_job(now=NOW - 5 * SECOND).enter(Step.VERIFY, at=NOW)
    fetched = a_url_job(now=NOW - 9 * SECOND).enter(Step.FETCH, at=NOW)
    for job in (verified, fetched):
        await add_job(repositories, job)
    with acting_for(EVERYONE):
        snapshot = await repositories.snapshots.take(at_most=10)
    assert {*snapshot.jobs} == {
        Underway(Status.QUEUED, None, 2, NOW - SECOND),
        Underway(Status.RUNNING, Step.VERIFY, 1, verified.created_at),
        Underway(Status.RUNNING, Step.FETCH, 1, fetched.created_at),
    }


async def test_of_many_the_oldest_are_seen(repositories: Repositories) -> None:
    for seconds in range(5):
        job = a_job(now=NOW - seconds * SECOND)
        await add_job(repositories, job)
        running = a_job(now=NOW - seconds * SECOND).enter(Step.VERIFY, at=NOW)
        await add_job(repositories, running)
    snapshot = await repositories.snapshots.take(at_most=3)
    assert {*snapshot.jobs} == {
        Underway(Status.QUEUED, None, 3, NOW - 4 * SECOND),
        Underway(Status.RUNNING, Step.VERIFY, 3, NOW - 4 * SECOND),
    }


async def test_deliveries_are_owed_until_they_are_made(
    repositories: Repositories,
) -> None:
    webhook = a_webhook()
    await repositories.webhooks.add(webhook, at_most=1)
    owed = [
        a_delivery(webhook, await add_job(repositories, a_job()), due_at=due_at)
        for due_at in (NOW, NOW - SECOND, NOW + SECOND)
    ]
    for delivery in owed:
        await repositories.deliveries.add(delivery)
    snapshot = await repositories.snapshots.take(at_most=10)
    assert snapshot.deliveries == Owed(3, NOW - SECOND)
    await repositories.deliveries.update(owed[1].id, lambda it: it.give_up(NOW))
    snapshot = await repositories.snapshots.take(at_most=10)
    assert snapshot.deliveries == Owed(2, NOW)
