"""Statements on a real database, in the trace of whoever they are made for."""

from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from photo.adapters.postgres.jobs import PostgresJobRepository
from photo.adapters.postgres.reading import Reader
from photo.adapters.postgres.transactions import Database
from photo.adapters.postgres.uploads import PostgresUploadRepository
from photo.adapters.tracing.queries import (
    query_log,
    watch_statements,
    watch_transactions,
)
from photo.application.tenancy import EVERYONE
from tests.makers import a_job, an_upload
from tests.tracing import Spans, recording

CANARY = "c4n4ry"


@pytest.fixture
def spans() -> Iterator[Spans]:
    with recording() as spans:
        yield spans


@pytest.fixture
async def watched(
    engine: AsyncEngine, migrated_url: str, spans: Spans
) -> AsyncIterator[Database]:
    await engine.dispose()  # connections of before are not watched
    watch_statements(engine.sync_engine, spans.tracer)
    watch_transactions(engine.sync_engine, spans.tracer)
    reader = Reader(migrated_url)
    reader.tell(query_log(spans.tracer))
    yield Database(engine, acts_for=EVERYONE, reader=reader)
    await reader.close()


async def test_what_a_repository_asks_is_within_the_span_it_is_asked_in(
    watched: Database, spans: Spans
) -> None:
    upload = an_upload()
    job = a_job(upload)
    jobs = PostgresJobRepository(watched)
    with spans.tracer.start_as_current_span("request"):
        await PostgresUploadRepository(watched).add(upload)
        await jobs.add(job)
        await jobs.get(job.id)
    await jobs.get(job.id)
    names = {span.name for span in spans.ended}
    assert {"INSERT uploads", "INSERT jobs", "SELECT jobs"} <= names
    root = spans.named("request")
    assert root.context
    others = [span for span in spans.ended if span.name != "request"]
    assert {span.parent and span.parent.span_id for span in others} == {
        root.context.span_id
    }
    told = "".join(spans.told())
    assert job.id not in told
    assert upload.key not in told


async def test_a_transaction_that_is_refused_says_by_which_code(
    watched: Database, engine: AsyncEngine, spans: Spans
) -> None:
    upload = an_upload()
    await PostgresUploadRepository(watched).add(upload)
    again = text("INSERT INTO uploads SELECT * FROM uploads WHERE id = :id")
    with (
        spans.tracer.start_as_current_span("request"),
        pytest.raises(IntegrityError),
    ):
        async with engine.begin() as connection:
            await connection.execute(text(f"SELECT '{CANARY}'"))
            await connection.execute(again, {"id": upload.id})
    names = [span.name for span in spans.ended]
    assert {"request", "BEGIN", "SELECT", "INSERT uploads", "ROLLBACK"} <= {*names}
    attributes = spans.named("INSERT uploads").attributes
    assert attributes
    assert attributes["error.type"] == "23505"
    told = "".join(spans.told())
    assert upload.id not in told
    assert CANARY not in told
