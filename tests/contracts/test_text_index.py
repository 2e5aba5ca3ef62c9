"""Finding jobs by words: those with all of them, newest first, a page at a time."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import text

from photo.adapters.memory import MemoryTextIndex
from photo.adapters.postgres.jobs import PostgresJobRepository
from photo.adapters.postgres.texts import (
    MAX_EXPANSIONS,
    MAX_LOOKED_AT,
    PostgresTextIndex,
)
from photo.adapters.postgres.transactions import Database
from photo.adapters.postgres.uploads import PostgresUploadRepository
from photo.application.searching import SearchTexts
from photo.application.tenancy import acting_for
from photo.domain.access import Tenant
from photo.domain.errors import ValidationFailed
from photo.domain.job import JobId
from photo.domain.search import Query
from photo.domain.searchable import SearchableText
from tests.contracts.repositories import Repositories, add_job
from tests.makers import ACME, OTHER, a_job, a_text, an_upload, new_id


async def add(
    repositories: Repositories, *lines: str, tenant: Tenant = ACME
) -> SearchableText:
    upload = an_upload(tenant=tenant)
    job = await add_job(repositories, a_job(upload), upload)
    stored = SearchableText.of(job, a_text(lines).pages)
    await repositories.texts.add(stored)
    return stored


async def walk(
    repositories: Repositories, query: str, *, limit: int = 2, tenant: Tenant = ACME
) -> list[JobId]:
    """Every job of every page of a search."""
    search = SearchTexts(repositories.texts)
    before, seen = None, []
    while True:
        page = await search(tenant, Query.parse(query), limit=limit, before=before)
        assert len(page.items) <= limit
        seen += [found.job_id for found in page.items]
        before = page.before
        if before is None:
            return seen


async def test_others_are_answered_while_a_long_text_is_looked_through() -> None:
    texts = MemoryTextIndex()
    await texts.add(SearchableText.of(a_job(), a_text(("word",) * 9).pages))
    search = SearchTexts(texts)(ACME, Query.parse("word"), limit=1, before=None)
    searching, turns = asyncio.create_task(search), 0
    while not searching.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 1
    assert len((await searching).items) == 1


async def test_jobs_with_all_words_are_found_newest_first(
    repositories: Repositories,
) -> None:
    one = await add(repositories, "Receipt", "Grand total 12.50")
    two = await add(repositories, "Receipt", "Total 9.00")
    three = await add(repositories, "Invoice", "Grand total 12.50")
    expected = {
        "total": [three, two, one],
        "TOTAL grand": [three, one],
        "receipt total": [two, one],
        "receipt grand": [one],
        "invoice receipt": [],
        "nowhere": [],
        "nowhere total": [],
        '"total 12"': [three, one],
        '"grand 12"': [],
        "12.50": [three, one],
        "50.12": [],
        "inv*": [three],
        "rec* tot*": [two, one],
        "xyz*": [],
        "total xyz*": [],
    }
    for query, found in expected.items():
        assert await walk(repositories, query) == [stored.job_id for stored in found], (
            query
        )


@pytest.mark.parametrize("limit", [1, 3, 7, 50])
async def test_pages_hold_every_job_once(
    repositories: Repositories, limit: int
) -> None:
    added = [
        await add(repositories, f"receipt {'even' if n % 2 == 0 else 'odd'} {n}x")
        for n in range(11)
    ]
    newest_first = [stored.job_id for stored in reversed(added)]
    assert await walk(repositories, "receipt", limit=limit) == newest_first
    odd = newest_first[1::2]
    assert await walk(repositories, "odd receipt", limit=limit) == odd
    assert await walk(repositories, '"receipt odd"', limit=limit) == odd
    assert await walk(repositories, "rec* odd", limit=limit) == odd


async def test_letters_of_any_script_are_found(repositories: Repositories) -> None:
    tokyo = await add(repositories, "住所", "東京都千代田区")
    cafe = await add(repositories, "CAFÉ Ångström straße")
    for query in ("東京", "代田", "区", "東京都千代田区"):
        assert await walk(repositories, query) == [tokyo.job_id]
    for query in ("cafe", "ANGSTROM", "strasse", "ångs*"):
        assert await walk(repositories, query) == [cafe.job_id]
    assert await walk(repositories, "都京") == []


async def test_a_tenant_finds_its_own_texts(repositories: Repositories) -> None:
    mine = await add(repositories, "total")
    other = await add(repositories, "total", tenant=OTHER)
    assert await walk(repositories, "total") == [mine.job_id]
    assert await walk(repositories, "tot*", tenant=OTHER) == [other.job_id]
    both = [mine.job_id, other.job_id]
    assert await repositories.texts.texts(ACME, both) == [mine]


async def test_a_text_comes_back_as_it_was_stored(repositories: Repositories) -> None:
    one = await add(repositories, "Grand Total", "\u0000 \U0001f600 é")
    two = await add(repositories)
    found = await repositories.texts.texts(ACME, [one.job_id, two.job_id])
    assert found == [two, one]


async def test_a_text_that_is_added_again_stays_as_it_was(
    repositories: Repositories,
) -> None:
    stored = await add(repositories, "total")
    await repositories.texts.add(replace(stored, words=("changed",)))
    assert await repositories.texts.texts(ACME, [stored.job_id]) == [stored]
    assert await walk(repositories, "changed") == []


async def test_of_a_removed_text_nothing_is_left(repositories: Repositories) -> None:
    gone = await add(repositories, "grand total", "total")
    stays = await add(repositories, "total")
    assert await repositories.texts.remove(gone.job_id) == 3
    assert await repositories.texts.remove(gone.job_id) == 0
    assert await walk(repositories, "total") == [stays.job_id]
    assert await walk(repositories, "grand") == []
    assert await repositories.texts.texts(ACME, [gone.job_id]) == []


async def test_a_text_is_stored_with_the_rest_or_not_at_all(
    repositories: Repositories,
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with repositories.transactions.begin():
            await add(repositories, "total")
            raise ZeroDivisionError
    assert await walk(repositories, "total") == []


async def test_a_prefix_of_too_many_words_is_refused(database: Database) -> None:
    index = PostgresTextIndex(database)
    words = f"'acme', 'inv' || number, '{new_id('job')}'"
    async with database.connect() as connection:
        await connection.execute(
            text(
                f"INSERT INTO job_words SELECT {words} "  # noqa: S608 # a constant
                f"FROM generate_series(0, {MAX_EXPANSIONS}) AS number"
            )
        )
    with pytest.raises(ValidationFailed) as refused:
        await index.candidates(ACME, Query.parse("inv*"), limit=5, before=None)
    assert refused.value.pointer == "/q"
    found = await index.candidates(ACME, Query.parse("inv1*"), limit=5, before=None)
    assert len(found.job_ids) == 1


async def test_words_that_are_never_together_are_not_looked_for_without_end(
    database: Database,
) -> None:
    index, query = PostgresTextIndex(database), Query.parse("even odd")
    number = 2 * MAX_LOOKED_AT + 200
    words = "'acme', CASE number % 2 WHEN 0 THEN 'even' ELSE 'odd' END"
    async with database.connect() as connection:
        await connection.execute(
            text(
                f"INSERT INTO job_words SELECT {words}, "  # noqa: S608 # a constant
                "'job_' || lpad(number::text, 26, '0') "
                f"FROM generate_series(1, {2 * number}) AS number"
            )
        )
    before, rounds = None, 0
    while True:
        found = await index.candidates(ACME, query, limit=5, before=before)
        assert found.job_ids == []
        rounds += 1
        if found.before is None:
            break
        assert before is None or found.before < before
        before = found.before
    assert rounds == 3


async def test_the_database_itself_keeps_tenants_texts_apart(
    database: Database,
) -> None:
    index = PostgresTextIndex(database)
    upload = an_upload()
    job = a_job(upload)
    await PostgresUploadRepository(database).add(upload)
    await PostgresJobRepository(database).add(job)
    await index.add(SearchableText.of(job, a_text().pages))
    query = Query.parse("hello")
    with acting_for(OTHER):
        found = await index.candidates(ACME, query, limit=5, before=None)
        assert found.job_ids == []
        assert await index.texts(ACME, [job.id]) == []
        assert await index.remove(job.id) == 0
    found = await index.candidates(ACME, query, limit=5, before=None)
    assert found.job_ids == [job.id]
