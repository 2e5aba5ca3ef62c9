"""Uploads, jobs, and what belongs to each job."""

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from photo.adapters.postgres.schema.base import Id, Time, metadata, tenant

#: A trigger, as the next one: to be found in the migrations alone.
END_IS_FINAL = "jobs_end_is_final"
UPLOAD_SERVES_ONE_JOB = "jobs_upload_id_key"
UPLOAD_EXISTS = "jobs_upload_fkey"
RETRIED_JOB_EXISTS = "jobs_retry_of_fkey"
UNFINISHED = text("status IN ('queued', 'running')")

uploads = Table(
    "uploads",
    metadata,
    Column("id", Id, primary_key=True),
    tenant(),
    Column("content_type", Text, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("max_bytes", BigInteger, nullable=False, server_default="50000000"),
    Column("size_bytes", BigInteger),
    Column("sha256", Text),
    Column("filename", Text),
    UniqueConstraint("tenant", "id", name="uploads_tenant_id_key"),
    CheckConstraint("max_bytes > 0", name="max_bytes"),
    CheckConstraint("size_bytes > 0", name="size_bytes"),
    CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
)

Index("uploads_created", uploads.c.created_at, postgresql_using="brin")

jobs = Table(
    "jobs",
    metadata,
    Column("id", Id, primary_key=True),
    tenant(),
    Column("upload_id", Id),
    Column("source_url", Text),
    Column("raw_key", Text, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("metadata", JSONB, nullable=False),
    Column("status", Text, nullable=False),
    Column("step", Text),
    Column("step_error", JSONB(none_as_null=True)),
    # Not JSONB, which forgets the order of the steps.
    Column("entered", JSON, nullable=False),
    Column("started_at", Time),
    Column("finished_at", Time),
    Column("photo", JSONB(none_as_null=True)),
    Column("text_preview", Text),
    Column("manifest_sha256", Text),
    Column("error", JSONB(none_as_null=True)),
    Column(
        "retry_of",
        Id,
        ForeignKey("jobs.id", name=RETRIED_JOB_EXISTS, ondelete="SET NULL"),
    ),
    Column("webhook_url", Text),
    Column("version", Integer, nullable=False, server_default="1"),
    ForeignKeyConstraint(
        ["tenant", "upload_id"],
        ["uploads.tenant", "uploads.id"],
        name=UPLOAD_EXISTS,
    ),
    CheckConstraint(
        "status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')",
        name="status",
    ),
    CheckConstraint(
        "step IN ('fetch', 'verify', 'scan', 'normalize', 'recognize', 'publish')",
        name="step",
    ),
    CheckConstraint("num_nonnulls(upload_id, source_url) = 1", name="source"),
    CheckConstraint("status = 'running' OR step IS NULL", name="only_running_has_step"),
    CheckConstraint(
        "status = 'running' OR step_error IS NULL", name="only_running_waits"
    ),
    CheckConstraint(
        "(status IN ('queued', 'running')) = (finished_at IS NULL)", name="finished_at"
    ),
    CheckConstraint(
        "(status IN ('failed', 'cancelled')) = (error IS NOT NULL)", name="error"
    ),
    CheckConstraint(
        "(status = 'succeeded') = (manifest_sha256 IS NOT NULL)", name="manifest"
    ),
    CheckConstraint("manifest_sha256 ~ '^[0-9a-f]{64}$'", name="manifest_sha256"),
    CheckConstraint("photo ->> 'sha256' ~ '^[0-9a-f]{64}$'", name="photo_sha256"),
)
Index("jobs_newest", jobs.c.tenant, jobs.c.id.desc())
Index("jobs_newest_by_status", jobs.c.tenant, jobs.c.status, jobs.c.id.desc())
Index(
    "jobs_finished",
    jobs.c.finished_at,
    postgresql_where=text("finished_at IS NOT NULL"),
)
Index("jobs_upload", jobs.c.upload_id)
Index(
    UPLOAD_SERVES_ONE_JOB,
    jobs.c.upload_id,
    unique=True,
    # Every retry has a photo of its own, even when the job before it has gone.
    postgresql_where=text("raw_key = tenant || '/' || upload_id"),
)
Index("jobs_retries", jobs.c.retry_of, postgresql_where=text("retry_of IS NOT NULL"))
Index("jobs_unfinished", jobs.c.status, jobs.c.created_at, postgresql_where=UNFINISHED)
Index("jobs_unfinished_raw_key", jobs.c.raw_key, postgresql_where=UNFINISHED)

#: The metadata of jobs once more, to find jobs by it.
job_metadata = Table(
    "job_metadata",
    metadata,
    tenant(primary_key=True),
    Column("key", Id, primary_key=True),
    Column("value", Id, primary_key=True),
    Column(
        "job_id",
        Id,
        ForeignKey("jobs.id", name="job_metadata_job_fkey", ondelete="CASCADE"),
        primary_key=True,
    ),
)
Index("job_metadata_job", job_metadata.c.job_id)

#: What each job was at each of its versions but the first, which never changes.
job_events = Table(
    "job_events",
    metadata,
    Column(
        "job_id",
        Id,
        ForeignKey("jobs.id", name="job_events_job_fkey", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("version", Integer, primary_key=True),
    tenant(),
    Column("at", Time, nullable=False),
    Column("changes", JSON, nullable=False),
)
Index("job_events_at", job_events.c.at, postgresql_using="brin")

infected_files = Table(
    "infected_files",
    metadata,
    Column("sha256", Id, primary_key=True),
    Column("signature", Text, nullable=False),
    Column("found_at", Time, nullable=False),
    # None: that job was erased.
    Column("job_id", Id),
    CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
)
Index("infected_files_newest", infected_files.c.found_at)
Index("infected_files_job", infected_files.c.job_id)
