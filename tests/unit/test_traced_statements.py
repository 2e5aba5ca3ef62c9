"""What spans say of statements, and what they do not."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import StaticPool

from photo.adapters.tracing.queries import query_log, watch_statements
from tests.tracing import Spans, recording

CANARY = "c4n4ry"


@pytest.fixture
def spans() -> Iterator[Spans]:
    with recording() as spans:
        yield spans


def test_a_statement_is_told_by_its_kind_and_its_table(spans: Spans) -> None:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    watch_statements(engine, spans.tracer)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE jobs (id TEXT UNIQUE)"))
        with spans.tracer.start_as_current_span("request"):
            insert = text("INSERT INTO jobs VALUES (:id)")
            connection.execute(insert, {"id": CANARY})
            connection.execute(text(f"SELECT * FROM jobs WHERE id = '{CANARY}'"))  # noqa: S608 - a constant
            with pytest.raises(IntegrityError):
                connection.execute(insert, {"id": CANARY})
    engine.dispose()
    assert spans.trees() == [
        ("request", [("INSERT jobs", []), ("SELECT jobs", []), ("INSERT jobs", [])])
    ]
    *_, failed = spans.ended
    assert failed.attributes == {
        "db.system.name": "postgresql",
        "db.operation.name": "INSERT",
        "db.query.summary": "INSERT jobs",
        "error.type": "IntegrityError",
    }
    assert not failed.events
    assert CANARY not in "".join(spans.told())


def logged(query: str, exception: Exception | None = None) -> SimpleNamespace:
    """As asyncpg tells it."""
    return SimpleNamespace(
        query=query, args=(CANARY,), elapsed=0.25, exception=exception
    )


def test_what_the_driver_ran_itself_is_told_afterwards(spans: Spans) -> None:
    told = query_log(spans.tracer)
    told(logged("SELECT 1"))
    refused = ConnectionError(CANARY)
    with spans.tracer.start_as_current_span("request"):
        told(logged("BEGIN;"))
        told(logged("UPDATE ONLY jobs SET a = $1", refused))
    assert {span.name for span in spans.ended} == {"request", "BEGIN", "UPDATE jobs"}
    begin, update = spans.named("BEGIN"), spans.named("UPDATE jobs")
    assert begin.end_time
    assert begin.start_time
    assert begin.end_time - begin.start_time >= 0.25e9
    assert update.attributes
    assert update.attributes["error.type"] == "ConnectionError"
    assert CANARY not in "".join(spans.told())


def test_a_refusal_of_the_server_is_told_by_its_code(spans: Spans) -> None:
    refused = ValueError(CANARY)
    refused.sqlstate = "23505"  # type: ignore[attr-defined] # as asyncpg's have
    with spans.tracer.start_as_current_span("request"):
        query_log(spans.tracer)(logged("INSERT INTO jobs VALUES ($1)", refused))
    attributes = spans.named("INSERT jobs").attributes
    assert attributes
    assert attributes["error.type"] == "23505"
