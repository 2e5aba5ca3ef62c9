"""What the database says."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import asyncpg

from drill.evidence import Change, DeliveryRow, JobRow
from drill.ledger import REQUEST

_JOBS = """
    SELECT id, tenant, status, error ->> 'code' AS error, manifest_sha256, raw_key,
        metadata ->> $1 AS request, version,
        ARRAY(SELECT jsonb_array_elements_text(error -> 'crashes')) AS crashes
    FROM jobs
"""
#: Without a status in its changes a version is as the job was when it was added.
_CHANGES = """
    SELECT job_id, version, coalesce(changes ->> 'status', 'queued') AS status
    FROM job_events
"""
_DELIVERIES = """
    SELECT id, tenant, webhook_id, job_id, status FROM webhook_deliveries
"""
_PENDING = f"{_DELIVERIES} WHERE due_at IS NOT NULL"
_UNFINISHED = "SELECT id FROM jobs WHERE finished_at IS NULL"
#: Locks that outlive statements, and transactions that nobody goes on with.
_SESSIONS = """
    SELECT 'advisory lock of ' || pid FROM pg_locks WHERE locktype = 'advisory'
    UNION ALL
    SELECT state || ': ' || pid FROM pg_stat_activity
    WHERE state LIKE 'idle in transaction%'
        AND state_change < now() - interval '10 seconds'
    UNION ALL
    SELECT 'prepared: ' || gid FROM pg_prepared_xacts
"""


class Rows(NamedTuple):
    jobs: Mapping[str, JobRow]
    changes: Sequence[Change]
    deliveries: Sequence[DeliveryRow]
    sessions: Sequence[str]


async def read_rows(database_url: str) -> Rows:
    async with connected(database_url) as db:
        jobs = [JobRow(**row) for row in await db.fetch(_JOBS, REQUEST)]
        return Rows(
            {job.id: job for job in jobs},
            [Change(*row) for row in await db.fetch(_CHANGES)],
            [DeliveryRow(*row) for row in await db.fetch(_DELIVERIES)],
            [row[0] for row in await db.fetch(_SESSIONS)],
        )


async def unfinished_jobs(database_url: str) -> Sequence[str]:
    async with connected(database_url) as db:
        return [row[0] for row in await db.fetch(_UNFINISHED)]


async def pending_deliveries(database_url: str) -> Sequence[DeliveryRow]:
    async with connected(database_url) as db:
        return [DeliveryRow(*row) for row in await db.fetch(_PENDING)]


@asynccontextmanager
async def connected(database_url: str) -> AsyncIterator[Any]:
    """A connection of asyncpg's, which has no types."""
    db = await asyncpg.connect(database_url, timeout=10, command_timeout=60)
    try:
        yield db
    finally:
        await db.close()
