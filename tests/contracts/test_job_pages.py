"""The list of jobs, a part of the promise of `JobRepository`."""

from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest

from photo.application.ports import JobQuery
from photo.domain.job import Job, Status
from tests.contracts.repositories import Repositories, add_job
from tests.makers import ACME, NOW, OTHER, a_job, an_upload

MINUTE = timedelta(minutes=1)


async def walk(repositories: Repositories, limit: int, **filters: Any) -> list[Job]:
    """Every job of every page, as a client that follows the cursor sees them."""
    seen: list[Job] = []
    before = None
    while True:
        query = JobQuery(tenant=ACME, limit=limit, before=before, **filters)
        page = await repositories.jobs.page(query)
        assert len(page) <= limit
        seen += page
        if not page:
            return seen
        before = page[-1].id


async def add_some(
    repositories: Repositories, number: int, *, since: datetime = NOW
) -> list[Job]:
    """Jobs a minute apart, every third cancelled, between those of another tenant."""
    mine = []
    for minute in range(number):
        created_at = since + minute * MINUTE
        job = a_job(metadata={"turn": str(minute % 2)}, now=created_at)
        if minute % 3 == 0:
            job = job.cancel(at=created_at)
        mine.append(await add_job(repositories, job))
        foreign = an_upload(tenant=OTHER)
        await add_job(
            repositories, a_job(foreign, metadata=job.metadata, now=created_at), foreign
        )
    return mine


@pytest.mark.parametrize("limit", [1, 4, 12, 200])
async def test_pages_hold_every_job_once_newest_first(
    repositories: Repositories, limit: int
) -> None:
    mine = await add_some(repositories, 12)
    assert await walk(repositories, limit) == mine[::-1]


async def test_filters_hold_on_every_page(repositories: Repositories) -> None:
    newest_first = (await add_some(repositories, 12))[::-1]
    cancelled = [job for job in newest_first if job.status is Status.CANCELLED]
    assert await walk(repositories, 2, status=Status.CANCELLED) == cancelled

    odd = [job for job in newest_first if job.metadata["turn"] == "1"]
    assert await walk(repositories, 2, metadata=(("turn", "1"),)) == odd

    both = [job for job in odd if job in cancelled]
    assert both == await walk(
        repositories, 2, status=Status.CANCELLED, metadata=(("turn", "1"),)
    )


async def test_a_range_of_time_excludes_its_ends(repositories: Repositories) -> None:
    mine = await add_some(repositories, 6)
    inside = await walk(
        repositories,
        2,
        created_after=mine[1].created_at,
        created_before=mine[4].created_at,
    )
    assert inside == [mine[3], mine[2]]


async def test_all_pairs_of_metadata_must_match(repositories: Repositories) -> None:
    job = await add_job(repositories, a_job(metadata={"order": "7", "till": "2"}))
    await add_job(repositories, a_job(metadata={"order": "7"}))
    await add_job(repositories, a_job(metadata={"order": "7%", "till": "2"}))
    pairs = (("order", "7"), ("till", "2"))
    assert await walk(repositories, 5, metadata=pairs) == [job]
    contradiction = (("order", "7"), ("order", "8"))
    assert await walk(repositories, 5, metadata=contradiction) == []


async def test_jobs_that_arrive_meanwhile_do_not_shift_the_pages(
    repositories: Repositories,
) -> None:
    mine = await add_some(repositories, 4)
    first = await repositories.jobs.page(JobQuery(tenant=ACME, limit=2))
    await add_some(repositories, 3, since=NOW + 4 * MINUTE)
    rest = await repositories.jobs.page(
        JobQuery(tenant=ACME, limit=9, before=first[-1].id)
    )
    assert [*first, *rest] == mine[::-1]


async def test_every_combination_of_filters_finds_what_it_should(
    repositories: Repositories,
) -> None:
    """With more jobs than are looked at to find the best way."""
    everything = []
    for number in range(130):
        metadata = {"all": "yes", "half": str(number % 2), "rare": str(number % 50)}
        job = a_job(metadata=metadata, now=NOW + number * MINUTE)
        if number % 10:
            job = job.cancel(at=NOW)
        everything.append(await add_job(repositories, job))
    newest_first = everything[::-1]
    some_pairs: list[tuple[tuple[str, str], ...]] = [
        (),
        (("all", "yes"),),
        (("half", "1"), ("all", "yes")),
        (("rare", "7"), ("half", "1"), ("all", "yes")),
        (("all", "yes"), ("all", "yes"), ("rare", "20")),
        (("none", "x"), ("all", "yes")),
    ]
    spans = [(None, None), (20, None), (None, 110), (20, 110), (110, 20)]
    for pairs, status, (after, before) in product(
        some_pairs, [None, Status.QUEUED, Status.CANCELLED], spans
    ):
        filters = {
            "metadata": pairs,
            "status": status,
            "created_after": after and NOW + after * MINUTE,
            "created_before": before and NOW + before * MINUTE,
        }
        expected = [
            job
            for job in newest_first
            if {*pairs} <= {*job.metadata.items()}
            and status in {None, job.status}
            and (after is None or job.created_at > NOW + after * MINUTE)
            and (before is None or job.created_at < NOW + before * MINUTE)
        ]
        assert await walk(repositories, 60, **filters) == expected, filters
