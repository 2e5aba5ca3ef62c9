"""Clients of the drill ask until they have an answer, and note whatever they see."""

from collections import Counter

import pytest

from drill.clients import Clients
from drill.orders import orders
from drill.photos import photo
from photo.application.ports import JobQuery, JobRepository
from photo.domain.access import Tenant
from photo.domain.job import Job
from tests.drill.ground import Ground, ground
from tests.drill.shaky import Deed

SEED = 7
JOBS = 30
TENANTS = ("acme", "other")
#: Three of nine requests fail.
OFTEN = [*[Deed.BUSY, Deed.CUT, Deed.CUT], *[Deed.WELL] * 6] * JOBS
PHOTOS = [
    photo(SEED, order.number, order.kind)
    for order in orders(SEED, 0, JOBS, scanned=True)
]


async def clients_on(ground: Ground) -> Clients:
    return Clients(
        ground.places,
        ground.ledger,
        seed=SEED,
        receiver_url=ground.receiver.url,
        file_server_url=ground.receiver.files_url,
        keys=[await ground.service.key(tenant) for tenant in TENANTS],
    )


async def jobs_on(ground: Ground) -> dict[str, Job]:
    jobs = await ground.service.container.get(JobRepository)
    queries = [JobQuery(tenant=Tenant(tenant), limit=200) for tenant in TENANTS]
    return {job.id: job for query in queries for job in await jobs.page(query)}


@pytest.mark.parametrize("deeds", [[], OFTEN], ids=["nothing", "a third"])
async def test_every_client_is_promised_one_job_whatever_fails(
    deeds: list[Deed],
) -> None:
    async with ground(seed=SEED, photos=PHOTOS, api=deeds, store=deeds) as here:
        clients, ledger = await clients_on(here), here.ledger
        await clients.submit(JOBS, over_seconds=1)
        await clients.follow_to_the_end()
        jobs = await jobs_on(here)

    kinds = Counter(each.kind for each in ledger.accepted)
    assert kinds == Counter(each.kind for each in PHOTOS)
    assert {each.job_id for each in ledger.accepted} == {*jobs}
    for accepted in ledger.accepted:
        assert ledger.jobs_of[accepted.idempotency_key] == {accepted.job_id}
    assert len(ledger.jobs_of) == JOBS
    assert ledger.given_up == ledger.refused == []
    assert ledger.mixed_up == ledger.leaked == []
    assert len(ledger.followed) >= JOBS // 5
    for job_id, versions in ledger.followed.items():
        assert versions == [*range(1, jobs[job_id].version + 1)]
    for job_id, told in ledger.told.items():
        assert told == {jobs[job_id].status}
    assert (None in {each.status for each in ledger.answers}) == bool(deeds)
