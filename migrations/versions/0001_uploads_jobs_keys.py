"""Uploads, jobs and API keys."""

from alembic import op

revision = "0001"
down_revision = None

UPLOADS = """
CREATE TABLE uploads (
    id text COLLATE "C" CONSTRAINT uploads_pkey PRIMARY KEY,
    tenant text NOT NULL,
    content_type text NOT NULL,
    created_at timestamptz NOT NULL,
    size_bytes bigint CONSTRAINT uploads_size_bytes CHECK (size_bytes > 0),
    sha256 text CONSTRAINT uploads_sha256 CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    filename text,
    CONSTRAINT uploads_tenant_id_key UNIQUE (tenant, id)
)
"""

JOBS = """
CREATE TABLE jobs (
    id text COLLATE "C" CONSTRAINT jobs_pkey PRIMARY KEY,
    tenant text NOT NULL,
    upload_id text COLLATE "C" NOT NULL CONSTRAINT jobs_upload_id_key UNIQUE,
    raw_key text NOT NULL,
    created_at timestamptz NOT NULL,
    metadata jsonb NOT NULL,
    status text NOT NULL CONSTRAINT jobs_status
        CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    step text CONSTRAINT jobs_step CHECK (
        step IN ('fetch', 'verify', 'scan', 'normalize', 'recognize', 'publish')
    ),
    entered json NOT NULL,
    started_at timestamptz,
    finished_at timestamptz,
    photo jsonb CONSTRAINT jobs_photo_sha256
        CHECK (photo ->> 'sha256' ~ '^[0-9a-f]{64}$'),
    text_preview text,
    manifest_sha256 text CONSTRAINT jobs_manifest_sha256
        CHECK (manifest_sha256 ~ '^[0-9a-f]{64}$'),
    error jsonb,
    CONSTRAINT jobs_upload_fkey
        FOREIGN KEY (tenant, upload_id) REFERENCES uploads (tenant, id),
    CONSTRAINT jobs_only_running_has_step CHECK (status = 'running' OR step IS NULL),
    CONSTRAINT jobs_finished_at
        CHECK ((status IN ('queued', 'running')) = (finished_at IS NULL)),
    CONSTRAINT jobs_error
        CHECK ((status IN ('failed', 'cancelled')) = (error IS NOT NULL)),
    CONSTRAINT jobs_manifest
        CHECK ((status = 'succeeded') = (manifest_sha256 IS NOT NULL))
)
"""

JOB_INDEXES = (
    "CREATE INDEX jobs_newest ON jobs (tenant, id DESC)",
    "CREATE INDEX jobs_newest_by_status ON jobs (tenant, status, id DESC)",
    "CREATE INDEX jobs_created ON jobs (tenant, created_at)",
    """
    CREATE INDEX jobs_metadata ON jobs USING gin (metadata jsonb_path_ops)
    WITH (fastupdate = off)
    """,
    """
    CREATE INDEX jobs_unfinished ON jobs (status, created_at)
    WHERE status IN ('queued', 'running')
    """,
)

# A job ends once, whoever writes the row.
JOB_MOVES = (
    """
    CREATE FUNCTION refuse_job_move() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'a job does not go from % to %', OLD.status, NEW.status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'jobs_moves';
    END $$
    """,
    """
    CREATE TRIGGER jobs_moves BEFORE UPDATE OF status ON jobs FOR EACH ROW
    WHEN (
        NEW.status <> OLD.status AND (
            OLD.status IN ('succeeded', 'failed', 'cancelled') OR NEW.status = 'queued'
        )
    )
    EXECUTE FUNCTION refuse_job_move()
    """,
)

API_KEYS = """
CREATE TABLE api_keys (
    id text COLLATE "C" CONSTRAINT api_keys_pkey PRIMARY KEY,
    tenant text NOT NULL,
    name text NOT NULL,
    scopes text[] NOT NULL CONSTRAINT api_keys_scopes
        CHECK (scopes <@ ARRAY['photos:write', 'photos:read', 'admin']),
    secret_sha256 text NOT NULL CONSTRAINT api_keys_secret_sha256
        CHECK (secret_sha256 ~ '^[0-9a-f]{64}$'),
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz
)
"""


def upgrade() -> None:
    for statement in (UPLOADS, JOBS, *JOB_INDEXES, *JOB_MOVES, API_KEYS):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE api_keys, jobs, uploads")
    op.execute("DROP FUNCTION refuse_job_move()")
