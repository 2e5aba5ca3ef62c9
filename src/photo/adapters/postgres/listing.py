"""Pages of jobs, whose cost does not depend on how many jobs there are.

Every index that leads to jobs is in the order of their ids, and these hold the time. Of
several filters that drives which lets the fewest of the newest jobs through. The rest
are scalar subqueries, because the planner may make joins of anything else.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Interval,
    Select,
    literal_column,
    select,
    true,
)
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.expression import ScalarSelect
from ulid import ULID

from photo.adapters.postgres.schema import job_metadata, jobs
from photo.application.ports import JobQuery

#: A job's id is made just before its `created_at`, or just after.
_SLACK = timedelta(seconds=10)
# Literals: a plan for any limit is a plan for a large one.
_ONE = literal_column("1", Integer)
# A filter lets the fewer through, the older its hundredth job from the newest is.
_SAMPLE = literal_column("99", Integer)

# Not the column itself: no index on it is to be preferred to the bounds on the id.
_created_at = jobs.c.created_at + literal_column("interval '0'", Interval)

Pair = tuple[str, str]


async def rows_of(db: AsyncConnection, query: JobQuery) -> Sequence[RowMapping]:
    statement = await _statement(db, query)
    found = await db.execute(statement.limit(query.limit))
    rows: Sequence[RowMapping] = found.mappings().all()
    return rows


async def _statement(db: AsyncConnection, query: JobQuery) -> Select[Any]:
    pairs = [*dict.fromkeys(query.metadata)]
    if not pairs:
        return _walk_jobs(query, [])
    samples = [*_samples(query, pairs)]
    if len(samples) == 1:
        return _walk_metadata(query, pairs[0], [])
    found = (await db.execute(select(*samples))).one()
    rarest = min(range(len(samples)), key=lambda index: found[index] or "")
    if rarest == len(pairs):
        return _walk_jobs(query, pairs)
    driver = pairs.pop(rarest)
    return _walk_metadata(query, driver, pairs)


def _walk_jobs(query: JobQuery, pairs: Sequence[Pair]) -> Select[Any]:
    return (
        select(jobs)
        .where(
            jobs.c.tenant == query.tenant,
            *_bounds(jobs.c.id, query),
            *_rest(query),
            *(_has(jobs.c.id, query, pair) for pair in pairs),
        )
        .order_by(jobs.c.id.desc())
    )


def _walk_metadata(query: JobQuery, driver: Pair, pairs: Sequence[Pair]) -> Select[Any]:
    walked = _with(query, driver).order_by(job_metadata.c.job_id.desc()).subquery()
    job_id = walked.c.job_id
    job = (
        select(jobs)
        .where(jobs.c.id == job_id, jobs.c.tenant == query.tenant, *_rest(query))
        .limit(_ONE)
        .lateral()
    )
    return (
        select(job)
        .select_from(walked.join(job, true()))
        .where(*(_has(job_id, query, pair) for pair in pairs))
        .order_by(job_id.desc())
    )


def _samples(query: JobQuery, pairs: Sequence[Pair]) -> Iterator[ScalarSelect[str]]:
    for pair in pairs:
        yield _sample(_with(query, pair), job_metadata.c.job_id)
    if query.status:
        of_status = select(jobs.c.id).where(
            jobs.c.tenant == query.tenant,
            jobs.c.status == query.status,
            *_bounds(jobs.c.id, query),
        )
        yield _sample(of_status, jobs.c.id)


def _sample(found: Select[str], job_id: ColumnElement[str]) -> ScalarSelect[str]:
    last = found.order_by(job_id.desc()).offset(_SAMPLE).limit(_ONE)
    return last.scalar_subquery()


def _with(query: JobQuery, pair: Pair) -> Select[str]:
    key, value = pair
    job_id = job_metadata.c.job_id
    return select(job_id).where(
        job_metadata.c.tenant == query.tenant,
        job_metadata.c.key == key,
        job_metadata.c.value == value,
        *_bounds(job_id, query),
    )


def _has(
    job_id: ColumnElement[str], query: JobQuery, pair: Pair
) -> ColumnElement[bool]:
    key, value = pair
    other = job_metadata.alias()
    return (
        select(true())
        .where(
            other.c.tenant == query.tenant,
            other.c.key == key,
            other.c.value == value,
            other.c.job_id == job_id,
        )
        .scalar_subquery()
        .is_not(None)
    )


def _rest(query: JobQuery) -> Iterator[ColumnElement[bool]]:
    """What the walked index does not know of."""
    if query.status:
        yield jobs.c.status == query.status
    if query.created_after:
        yield _created_at > query.created_after
    if query.created_before:
        yield _created_at < query.created_before


def _bounds(
    job_id: ColumnElement[str], query: JobQuery
) -> Iterator[ColumnElement[bool]]:
    if query.before is not None:
        yield job_id < query.before
    if query.created_after is not None:
        yield job_id >= _first_id(query.created_after, -_SLACK)
    if query.created_before is not None:
        yield job_id < _first_id(query.created_before, _SLACK)


def _first_id(at: datetime, slack: timedelta) -> str:
    """The smallest id that a job made then could have."""
    seconds = max(0.0, at.timestamp() + slack.total_seconds())
    ulid = ULID.from_bytes(int(seconds * 1000).to_bytes(6, "big") + bytes(10))
    return f"job_{str(ulid).lower()}"
