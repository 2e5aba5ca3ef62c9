"""Photos by URL, steps that wait, limits as granted, files known as infected."""

from alembic import op

revision = "0002"
down_revision = "0001"

UP = (
    # The default is for rows of older versions: the largest limit that they knew.
    """
    ALTER TABLE uploads
        ADD max_bytes bigint NOT NULL DEFAULT 50000000,
        ADD CONSTRAINT uploads_max_bytes CHECK (max_bytes > 0)
    """,
    # A block range for each hour or so: all that the sweep needs.
    "CREATE INDEX uploads_created ON uploads USING brin (created_at)",
    """
    ALTER TABLE jobs
        ALTER upload_id DROP NOT NULL,
        ADD source_url text,
        ADD step_error jsonb,
        ADD CONSTRAINT jobs_source CHECK (num_nonnulls(upload_id, source_url) = 1),
        ADD CONSTRAINT jobs_only_running_waits
            CHECK (status = 'running' OR step_error IS NULL)
    """,
    """
    CREATE INDEX jobs_unfinished_raw_key ON jobs (raw_key)
    WHERE status IN ('queued', 'running')
    """,
    """
    CREATE TABLE infected_files (
        sha256 text COLLATE "C" CONSTRAINT infected_files_pkey PRIMARY KEY
            CONSTRAINT infected_files_sha256 CHECK (sha256 ~ '^[0-9a-f]{64}$'),
        signature text NOT NULL,
        found_at timestamptz NOT NULL,
        job_id text COLLATE "C" NOT NULL
    )
    """,
    "CREATE INDEX infected_files_newest ON infected_files (found_at)",
)

DOWN = (
    "DROP TABLE infected_files",
    "DELETE FROM jobs WHERE upload_id IS NULL",
    "DROP INDEX jobs_unfinished_raw_key",
    """
    ALTER TABLE jobs
        DROP CONSTRAINT jobs_source,
        DROP CONSTRAINT jobs_only_running_waits,
        DROP source_url,
        DROP step_error,
        ALTER upload_id SET NOT NULL
    """,
    "DROP INDEX uploads_created",
    "ALTER TABLE uploads DROP max_bytes",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
