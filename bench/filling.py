"""Databases full of jobs of a year, made by Postgres itself."""

from datetime import UTC, datetime
from typing import Any

import asyncpg
from ulid import ULID

from photo.domain.access import Tenant

TENANT = Tenant("acme")
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 365

# As a ULID: ten digits of time, and here the job's number for the rest.
_ID = """
CREATE FUNCTION pg_temp.id_of(made timestamptz, number bigint) RETURNS text
LANGUAGE sql AS $$
    SELECT 'job_' || string_agg(
        substr(
            '0123456789abcdefghjkmnpqrstvwxyz',
            (((extract(epoch FROM made) * 1000)::bigint >> 5 * (9 - digit)) & 31)::int
                + 1,
            1
        ),
        '' ORDER BY digit
    ) || lpad(to_hex(number), 16, '0')
    FROM generate_series(0, 9) AS digit
$$
"""
# One job in five is another tenant's. Words are as frequent as Zipf has it.
_PLANNED = """
CREATE TEMPORARY TABLE planned AS
SELECT
    number,
    pg_temp.id_of(made, number) AS id,
    made,
    CASE WHEN random() < 0.8 THEN 'acme' ELSE 'other' || number % 3 END AS tenant,
    CASE
        WHEN number > {size} - 5 THEN 'running'
        WHEN random() < 0.01 THEN 'failed'
        ELSE 'succeeded'
    END AS status,
    jsonb_build_object(
        'order', number::text,
        'shop', floor(100 ^ random())::text,
        'source', CASE WHEN random() < 0.5 THEN 'web' ELSE 'app' END
    ) AS metadata,
    CASE WHEN random() < 0.8 THEN ARRAY['total'] ELSE ARRAY[]::text[] END
    || ARRAY(
        SELECT DISTINCT 'w' || floor(20000 ^ random())::int
        FROM generate_series(1, 12) WHERE number > 0
    )
    || ARRAY['inv' || lpad(number::text, 8, '0')]
    || CASE WHEN number < {size} / 2 THEN ARRAY['older'] ELSE ARRAY['newer'] END
        AS words
FROM (
    SELECT
        number,
        timestamptz '{beginning}' + number * interval '{days} days' / {size} AS made
    FROM generate_series(1, {size}) AS number
) AS numbers
"""
_JOBS = """
INSERT INTO jobs (
    id, tenant, source_url, raw_key, created_at, metadata, status, step, entered,
    started_at, finished_at, photo, text_preview, manifest_sha256, error
)
SELECT
    id, tenant, 'https://example.com/receipt.jpg', tenant || '/' || id, made, metadata,
    status, CASE WHEN status = 'running' THEN 'scan' END,
    json_build_object('verify', made, 'scan', made, 'normalize', made,
        'recognize', made, 'publish', made),
    made, CASE WHEN status <> 'running' THEN made END,
    jsonb_build_object('content_type', 'image/jpeg', 'size_bytes', 200000,
        'sha256', repeat('0a', 32), 'width', 1000, 'height', 2000),
    repeat('text ', 40),
    CASE WHEN status = 'succeeded' THEN repeat('0a', 32) END,
    CASE WHEN status = 'failed' THEN jsonb_build_object('code', 'corrupt_image',
        'detail', 'This is no photo.', 'retryable', false) END
FROM planned
"""
_METADATA = """
INSERT INTO job_metadata
SELECT tenant, entry.key, entry.value, id
FROM planned, jsonb_each_text(metadata) AS entry
ORDER BY tenant, entry.key COLLATE "C", entry.value COLLATE "C", id
"""
_TEXTS = """
INSERT INTO job_texts
SELECT
    id, tenant,
    ('[[["' || array_to_string(words, '",' || box || '],["') || '",' || box || ']]]')
        ::json,
    words
FROM planned, (SELECT '[[10,20],[80,20],[80,40],[10,40]]' AS box) AS boxes
WHERE status = 'succeeded'
"""
_WORDS = "INSERT INTO job_words SELECT tenant, unnest(words), job_id FROM job_texts"
_FAST = (
    "SET session_replication_role = replica",
    "SET synchronous_commit = off",
    "SET maintenance_work_mem = '1GB'",
    "SET work_mem = '256MB'",
    "ALTER SYSTEM SET max_wal_size = '8GB'",
    "SELECT pg_reload_conf()",
)
_INDEXES = """
SELECT indexname, indexdef FROM pg_indexes
WHERE tablename IN ('jobs', 'job_metadata')
AND indexname NOT IN (SELECT conname FROM pg_constraint)
"""
_SIZES = """
SELECT sum(pg_total_relation_size(name::regclass)) FROM unnest($1::text[]) AS name
"""


def first_id(at: datetime) -> str:
    made = int(at.timestamp() * 1000).to_bytes(6, "big")
    return f"job_{str(ULID.from_bytes(made + bytes(10))).lower()}"


async def fill(url: str, size: int) -> None:
    """Fill an empty database with so many jobs, as its superuser."""
    admin: Any = await asyncpg.connect(url)
    planned = _PLANNED.format(size=size, beginning=BEGINNING.isoformat(), days=DAYS)
    try:
        indexes = await admin.fetch(_INDEXES)
        for step in (
            *_FAST,
            *(f"DROP INDEX {name}" for name, _ in indexes),
            "ALTER TABLE job_words DROP CONSTRAINT job_words_pkey",
            *(_ID, planned, _JOBS, _METADATA, _TEXTS, _WORDS),
            *(definition for _, definition in indexes),
            """
            ALTER TABLE job_words
            ADD CONSTRAINT job_words_pkey PRIMARY KEY (tenant, word, job_id)
            """,
            "VACUUM (ANALYZE) jobs, job_metadata, job_texts, job_words",
        ):
            await admin.execute(step)
    finally:
        await admin.close()


async def bytes_per_job(url: str, tables: list[str], jobs: int) -> int:
    connection: Any = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        size: int = await connection.fetchval(_SIZES, tables)
        return round(size / jobs)
    finally:
        await connection.close()
