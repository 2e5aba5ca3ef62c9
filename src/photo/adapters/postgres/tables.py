"""The tables, and the rules that no writer of a row can get round."""

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "ck": "%(table_name)s_%(constraint_name)s",
    }
)

#: Compared byte by byte, so that ids sort by time whatever the database's locale.
_Id = Text(collation="C")
_Time = DateTime(timezone=True)

UPLOAD_SERVES_ONE_JOB = "jobs_upload_id_key"
UPLOAD_EXISTS = "jobs_upload_fkey"
UNFINISHED = text("status IN ('queued', 'running')")

uploads = Table(
    "uploads",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("created_at", _Time, nullable=False),
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
    Column("id", _Id, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("upload_id", _Id),
    Column("source_url", Text),
    Column("raw_key", Text, nullable=False),
    Column("created_at", _Time, nullable=False),
    Column("metadata", JSONB, nullable=False),
    Column("status", Text, nullable=False),
    Column("step", Text),
    Column("step_error", JSONB(none_as_null=True)),
    # Not JSONB, which forgets the order of the steps.
    Column("entered", JSON, nullable=False),
    Column("started_at", _Time),
    Column("finished_at", _Time),
    Column("photo", JSONB(none_as_null=True)),
    Column("text_preview", Text),
    Column("manifest_sha256", Text),
    Column("error", JSONB(none_as_null=True)),
    UniqueConstraint("upload_id", name=UPLOAD_SERVES_ONE_JOB),
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
Index("jobs_created", jobs.c.tenant, jobs.c.created_at)
Index(
    "jobs_metadata",
    jobs.c.metadata,
    postgresql_using="gin",
    postgresql_ops={"metadata": "jsonb_path_ops"},
    # A list of what is yet to be indexed made a search ten times slower.
    postgresql_with={"fastupdate": "off"},
)
Index("jobs_unfinished", jobs.c.status, jobs.c.created_at, postgresql_where=UNFINISHED)
Index("jobs_unfinished_raw_key", jobs.c.raw_key, postgresql_where=UNFINISHED)

infected_files = Table(
    "infected_files",
    metadata,
    Column("sha256", _Id, primary_key=True),
    Column("signature", Text, nullable=False),
    Column("found_at", _Time, nullable=False),
    Column("job_id", _Id, nullable=False),
    CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
)
Index("infected_files_newest", infected_files.c.found_at)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("secret_sha256", Text, nullable=False),
    Column("created_at", _Time, nullable=False),
    Column("expires_at", _Time),
    Column("revoked_at", _Time),
    CheckConstraint("secret_sha256 ~ '^[0-9a-f]{64}$'", name="secret_sha256"),
    CheckConstraint(
        "scopes <@ ARRAY['photos:write', 'photos:read', 'admin']", name="scopes"
    ),
)
