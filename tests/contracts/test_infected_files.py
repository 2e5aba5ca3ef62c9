import asyncio
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest

from photo.domain.errors import NotFound
from photo.domain.infected import InfectedFile
from photo.domain.job import JobId
from tests.contracts.repositories import Repositories
from tests.makers import NOW, new_id

SECOND = timedelta(seconds=1)


def a_file(seconds: int = 0) -> InfectedFile:
    return InfectedFile(
        sha256=sha256(new_id("file").encode()).hexdigest(),
        signature="Win.Test.EICAR_HDB-1",
        found_at=NOW + seconds * SECOND,
        job_id=JobId(new_id("job")),
    )


async def test_a_file_is_found_by_its_hash(repositories: Repositories) -> None:
    file = replace(a_file(), signature="Märchen.„Troll“ 1'")
    await repositories.infected.add(file)
    assert await repositories.infected.find(file.sha256) == file
    assert await repositories.infected.find(a_file().sha256) is None


async def test_a_file_that_is_known_stays_as_it_was(repositories: Repositories) -> None:
    file = a_file()
    await repositories.infected.add(file)
    again = replace(a_file(seconds=9), sha256=file.sha256, signature="Another.Name")
    await repositories.infected.add(again)
    assert await repositories.infected.find(file.sha256) == file
    assert list(await repositories.infected.all(limit=10)) == [file]


async def test_of_many_jobs_that_bring_a_file_at_once_one_is_remembered(
    repositories: Repositories,
) -> None:
    files = [replace(a_file(number), sha256="0d" * 32) for number in range(20)]
    await asyncio.gather(*map(repositories.infected.add, files))
    found = await repositories.infected.find("0d" * 32)
    assert found in files
    assert list(await repositories.infected.all(limit=100)) == [found]


async def test_files_are_listed_newest_first_up_to_the_limit(
    repositories: Repositories,
) -> None:
    files = [a_file(number) for number in (1, 3, 0, 2)]
    for file in files:
        await repositories.infected.add(file)
    newest_first = [files[1], files[3], files[0], files[2]]
    assert list(await repositories.infected.all(limit=10)) == newest_first
    assert list(await repositories.infected.all(limit=2)) == newest_first[:2]


async def test_a_file_that_is_forgotten_may_be_found_infected_again(
    repositories: Repositories,
) -> None:
    file, other = a_file(), a_file()
    for each in (file, other):
        await repositories.infected.add(each)
    await repositories.infected.forget(file.sha256)
    assert await repositories.infected.find(file.sha256) is None
    assert await repositories.infected.find(other.sha256) == other
    again = replace(a_file(seconds=9), sha256=file.sha256)
    await repositories.infected.add(again)
    assert await repositories.infected.find(file.sha256) == again


async def test_what_is_unknown_cannot_be_forgotten(repositories: Repositories) -> None:
    file = a_file()
    with pytest.raises(NotFound):
        await repositories.infected.forget(file.sha256)
    await repositories.infected.add(file)
    await repositories.infected.forget(file.sha256)
    with pytest.raises(NotFound):
        await repositories.infected.forget(file.sha256)
