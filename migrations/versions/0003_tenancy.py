"""Tenants kept apart, and the tables of webhooks, search, events, usage, erasures."""

from alembic import op

revision = "0003"
down_revision = "0002"

JOBS = (
    """
    ALTER TABLE jobs
        ADD retry_of text COLLATE "C"
            CONSTRAINT jobs_retry_of_fkey REFERENCES jobs ON DELETE SET NULL,
        ADD webhook_url text,
        ADD version integer NOT NULL DEFAULT 1,
        DROP CONSTRAINT jobs_upload_id_key
    """,
    "DROP INDEX jobs_created",
    "CREATE INDEX jobs_upload ON jobs (upload_id)",
    # Every retry has a photo of its own, even when the job before it has gone.
    """
    CREATE UNIQUE INDEX jobs_upload_id_key ON jobs (upload_id)
    WHERE raw_key = tenant || '/' || upload_id
    """,
    "CREATE INDEX jobs_retries ON jobs (retry_of) WHERE retry_of IS NOT NULL",
    "ALTER TABLE infected_files ALTER job_id DROP NOT NULL",
    "CREATE INDEX infected_files_job ON infected_files (job_id)",
    """
    CREATE INDEX jobs_finished ON jobs (finished_at)
    WHERE finished_at IS NOT NULL
    """,
    """
    CREATE TABLE job_metadata (
        tenant text NOT NULL,
        key text COLLATE "C" NOT NULL,
        value text COLLATE "C" NOT NULL,
        job_id text COLLATE "C" NOT NULL CONSTRAINT job_metadata_job_fkey
            REFERENCES jobs ON DELETE CASCADE,
        CONSTRAINT job_metadata_pkey PRIMARY KEY (tenant, key, value, job_id)
    )
    """,
    """
    INSERT INTO job_metadata
    SELECT jobs.tenant, entry.key, entry.value, jobs.id
    FROM jobs, jsonb_each_text(jobs.metadata) AS entry
    """,
    "CREATE INDEX job_metadata_job ON job_metadata (job_id)",
    "DROP INDEX jobs_metadata",
    """
    CREATE TABLE job_events (
        job_id text COLLATE "C" NOT NULL CONSTRAINT job_events_job_fkey
            REFERENCES jobs ON DELETE CASCADE,
        version integer NOT NULL,
        tenant text NOT NULL,
        at timestamptz NOT NULL,
        changes json NOT NULL,
        CONSTRAINT job_events_pkey PRIMARY KEY (job_id, version)
    )
    """,
    "CREATE INDEX job_events_at ON job_events USING brin (at)",
)

TEXTS = (
    """
    CREATE TABLE job_texts (
        job_id text COLLATE "C" CONSTRAINT job_texts_pkey PRIMARY KEY
            CONSTRAINT job_texts_job_fkey REFERENCES jobs ON DELETE CASCADE,
        tenant text NOT NULL,
        pages json NOT NULL,
        words text[] COLLATE "C" NOT NULL
    )
    """,
    """
    CREATE TABLE job_words (
        tenant text NOT NULL,
        word text COLLATE "C" NOT NULL,
        job_id text COLLATE "C" NOT NULL,
        CONSTRAINT job_words_pkey PRIMARY KEY (tenant, word, job_id)
    )
    """,
)

ACCESS = (
    """
    ALTER TABLE api_keys
        ALTER secret_sha256 DROP NOT NULL,
        ADD secret_hmac text
            CONSTRAINT api_keys_secret_hmac CHECK (secret_hmac ~ '^[0-9a-f]{64}$'),
        ADD last_used_at timestamptz,
        ADD CONSTRAINT api_keys_secret
            CHECK (num_nonnulls(secret_sha256, secret_hmac) = 1)
    """,
    "CREATE INDEX api_keys_newest ON api_keys (tenant, id DESC)",
    """
    CREATE TABLE idempotency_keys (
        tenant text NOT NULL,
        key_sha256 text COLLATE "C" NOT NULL,
        request_sha256 text COLLATE "C" NOT NULL,
        answer bytea,
        created_at timestamptz NOT NULL,
        CONSTRAINT idempotency_keys_pkey PRIMARY KEY (tenant, key_sha256)
    )
    """,
    "CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at)",
    """
    CREATE TABLE audit_log (
        id text COLLATE "C" CONSTRAINT audit_log_pkey PRIMARY KEY,
        tenant text NOT NULL,
        at timestamptz NOT NULL,
        actor text NOT NULL,
        action text NOT NULL,
        target text NOT NULL,
        details jsonb NOT NULL
    )
    """,
    "CREATE INDEX audit_log_newest ON audit_log (tenant, id DESC)",
)

RECORDS = (
    """
    CREATE TABLE usage_days (
        tenant text NOT NULL,
        day date NOT NULL,
        slot smallint NOT NULL,
        jobs bigint NOT NULL DEFAULT 0,
        bytes bigint NOT NULL DEFAULT 0,
        succeeded bigint NOT NULL DEFAULT 0,
        failed bigint NOT NULL DEFAULT 0,
        cancelled bigint NOT NULL DEFAULT 0,
        CONSTRAINT usage_days_pkey PRIMARY KEY (tenant, day, slot)
    )
    """,
    """
    CREATE TABLE erasures (
        job_id text COLLATE "C" CONSTRAINT erasures_pkey PRIMARY KEY,
        tenant text NOT NULL,
        actor text NOT NULL,
        requested_at timestamptz NOT NULL,
        photo_sha256 text,
        raw_key text NOT NULL,
        objects jsonb NOT NULL,
        rows jsonb NOT NULL,
        completed_at timestamptz,
        confirmed_at timestamptz
    )
    """,
    """
    CREATE INDEX erasures_unconfirmed ON erasures (requested_at)
    WHERE confirmed_at IS NULL
    """,
)

WEBHOOKS = (
    """
    CREATE TABLE webhooks (
        id text COLLATE "C" CONSTRAINT webhooks_pkey PRIMARY KEY,
        tenant text NOT NULL,
        url text,
        events text[] NOT NULL,
        secrets jsonb NOT NULL,
        created_at timestamptz NOT NULL,
        failing_since timestamptz,
        disabled_at timestamptz,
        disabled_reason text,
        CONSTRAINT webhooks_disabled
            CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL))
    )
    """,
    "CREATE INDEX webhooks_newest ON webhooks (tenant, id DESC)",
    "CREATE UNIQUE INDEX webhooks_of_jobs ON webhooks (tenant) WHERE url IS NULL",
    """
    CREATE TABLE webhook_deliveries (
        id text COLLATE "C" CONSTRAINT webhook_deliveries_pkey PRIMARY KEY,
        tenant text NOT NULL,
        webhook_id text COLLATE "C" NOT NULL CONSTRAINT webhook_deliveries_webhook_fkey
            REFERENCES webhooks ON DELETE CASCADE,
        job_id text COLLATE "C" NOT NULL CONSTRAINT webhook_deliveries_job_fkey
            REFERENCES jobs ON DELETE CASCADE,
        event text NOT NULL,
        url text NOT NULL,
        status text NOT NULL CONSTRAINT webhook_deliveries_status
            CHECK (status IN ('pending', 'delivered', 'failed')),
        created_at timestamptz NOT NULL,
        started_at timestamptz NOT NULL,
        due_at timestamptz,
        finished_at timestamptz,
        attempts jsonb NOT NULL,
        CONSTRAINT webhook_deliveries_due_at
            CHECK ((status = 'pending') = (due_at IS NOT NULL)),
        CONSTRAINT webhook_deliveries_finished_at
            CHECK ((status = 'pending') = (finished_at IS NULL))
    )
    """,
    """
    CREATE INDEX webhook_deliveries_newest
    ON webhook_deliveries (webhook_id, id DESC)
    """,
    """
    CREATE INDEX webhook_deliveries_newest_by_status
    ON webhook_deliveries (webhook_id, status, id DESC)
    """,
    "CREATE INDEX webhook_deliveries_job ON webhook_deliveries (job_id)",
    """
    CREATE INDEX webhook_deliveries_due ON webhook_deliveries (due_at)
    WHERE due_at IS NOT NULL
    """,
)

NEW_TABLES = (
    "audit_log",
    "erasures",
    "idempotency_keys",
    "job_events",
    "job_metadata",
    "job_texts",
    "job_words",
    "usage_days",
    "webhook_deliveries",
    "webhooks",
)
OLD_TABLES = ("api_keys", "jobs", "uploads")

# Nothing is shown to a connection that does not say for whom it asks. The owner, which
# the service's role usually is, is no exception. In a subquery of its own the setting
# is read once a statement, not once a row.
WHOSE = """
CREATE POLICY whose ON {table} USING (
    tenant = (SELECT current_setting('photo.tenant', true))
    OR (SELECT current_setting('photo.tenant', true)) = '*'
)
"""


def upgrade() -> None:
    for statement in (*JOBS, *TEXTS, *ACCESS, *RECORDS, *WEBHOOKS):
        op.execute(statement)
    for table in (*OLD_TABLES, *NEW_TABLES):
        op.execute(WHOSE.format(table=table))
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


DOWN = (
    "CREATE INDEX jobs_created ON jobs (tenant, created_at)",
    # A key whose plain hash is not known any more is of no use.
    "DELETE FROM api_keys WHERE secret_sha256 IS NULL",
    "DROP INDEX api_keys_newest",
    """
    ALTER TABLE api_keys
        DROP CONSTRAINT api_keys_secret,
        DROP secret_hmac,
        DROP last_used_at,
        ALTER secret_sha256 SET NOT NULL
    """,
    "DELETE FROM jobs WHERE raw_key <> tenant || '/' || upload_id",
    "DELETE FROM infected_files WHERE job_id IS NULL",
    "DROP INDEX infected_files_job",
    "ALTER TABLE infected_files ALTER job_id SET NOT NULL",
    "DROP INDEX jobs_upload, jobs_upload_id_key, jobs_retries",
    "DROP INDEX jobs_finished",
    """
    ALTER TABLE jobs
        DROP retry_of,
        DROP webhook_url,
        DROP version,
        ADD CONSTRAINT jobs_upload_id_key UNIQUE (upload_id)
    """,
    """
    CREATE INDEX jobs_metadata ON jobs USING gin (metadata jsonb_path_ops)
    WITH (fastupdate = off)
    """,
)


def downgrade() -> None:
    for table in OLD_TABLES:
        op.execute(f"DROP POLICY whose ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    op.execute(f"DROP TABLE {', '.join(NEW_TABLES)}")
    for statement in DOWN:
        op.execute(statement)
