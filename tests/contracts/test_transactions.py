"""What is stored together, and what waits until it is."""

import asyncio
from dataclasses import replace

import pytest

from photo.domain.errors import Internal, NotFound, UploadUsed
from photo.domain.job import Job
from tests.contracts.repositories import Repositories, add_job
from tests.makers import a_job, a_key, an_upload


async def is_stored(repositories: Repositories, job: Job) -> bool:
    try:
        await repositories.jobs.get(job.id)
    except NotFound:
        return False
    return True


async def test_all_is_stored_at_the_end(repositories: Repositories) -> None:
    key = a_key()
    async with repositories.transactions.begin():
        job = await add_job(repositories, a_job())
        await repositories.keys.add(key)
    assert await is_stored(repositories, job)
    assert await repositories.keys.get(key.id) == key


async def test_an_error_inside_undoes_all(repositories: Repositories) -> None:
    key = a_key()
    with pytest.raises(ZeroDivisionError):
        async with repositories.transactions.begin():
            job = await add_job(repositories, a_job())
            await repositories.keys.add(key)
            raise ZeroDivisionError
    assert not await is_stored(repositories, job)
    with pytest.raises(NotFound):
        await repositories.keys.get(key.id)


async def test_an_inner_transaction_is_part_of_the_outer_one(
    repositories: Repositories,
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with repositories.transactions.begin():
            async with repositories.transactions.begin():
                job = await add_job(repositories, a_job())
            raise ZeroDivisionError
    assert not await is_stored(repositories, job)


async def test_an_error_that_is_passed_over_undoes_all_the_same(
    repositories: Repositories,
) -> None:
    upload = an_upload()
    used = await add_job(repositories, a_job(upload), upload)
    other = replace(used, id=a_job().id)
    key = a_key()
    with pytest.raises(Internal):
        async with repositories.transactions.begin():
            await repositories.keys.add(key)
            with pytest.raises(UploadUsed):
                async with repositories.transactions.begin():
                    await repositories.jobs.add(other)
    with pytest.raises(NotFound):
        await repositories.keys.get(key.id)


async def test_what_comes_after_waits_until_all_is_stored(
    repositories: Repositories,
) -> None:
    seen = []

    async with repositories.transactions.begin():
        job = await add_job(repositories, a_job())

        async def look() -> None:
            seen.append(await is_stored(repositories, job))

        async with repositories.transactions.begin():
            await repositories.transactions.then(look)
        assert seen == []
    assert seen == [True]


async def test_what_comes_after_does_not_come_when_all_is_undone(
    repositories: Repositories,
) -> None:
    seen = []

    async def look() -> None:
        seen.append(True)

    with pytest.raises(ZeroDivisionError):
        async with repositories.transactions.begin():
            await repositories.transactions.then(look)
            raise ZeroDivisionError
    assert seen == []


async def test_outside_a_transaction_it_comes_at_once(
    repositories: Repositories,
) -> None:
    seen = []

    async def look() -> None:
        seen.append(True)

    await repositories.transactions.then(look)
    assert seen == [True]


async def test_a_cancelled_task_leaves_nothing(repositories: Repositories) -> None:
    stored = asyncio.Event()
    jobs = []

    async def store_and_hang() -> None:
        async with repositories.transactions.begin():
            jobs.append(await add_job(repositories, a_job()))
            stored.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(store_and_hang())
    await stored.wait()
    task.cancel()
    await asyncio.wait([task])
    assert not await is_stored(repositories, jobs[0])
