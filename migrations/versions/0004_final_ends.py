"""Ends of jobs that nothing can change, and one delivery of each to a webhook."""

from alembic import op

revision = "0004"
down_revision = "0003"

# What a transition of a job may change: a column that is added to these belongs here.
STATE = (
    "status, step, step_error, entered, started_at, finished_at, photo, text_preview, "
    "manifest_sha256, error, version"
)

UP = (
    # The triggers say by their names, as constraints do, what they stand for. They act
    # in the order of these: what is left to `jobs_moves` is that none is queued again.
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the change is refused by %', TG_NAME
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
    END
    $$
    """,
    """
    CREATE TRIGGER jobs_end_is_final BEFORE UPDATE ON jobs FOR EACH ROW
    WHEN (
        OLD.finished_at IS NOT NULL
        AND (OLD.status, OLD.finished_at, OLD.error, OLD.manifest_sha256)
            IS DISTINCT FROM
            (NEW.status, NEW.finished_at, NEW.error, NEW.manifest_sha256)
    )
    EXECUTE FUNCTION refuse_change()
    """,
    # Who writes what a row was before, and has not locked it, undoes what others did.
    f"""
    CREATE TRIGGER jobs_version_grows BEFORE UPDATE OF {STATE} ON jobs FOR EACH ROW
    WHEN (NEW.version <= OLD.version)
    EXECUTE FUNCTION refuse_change()
    """,
    # Row-level security shows the owner no rows either, until this is said.
    "SELECT set_config('photo.tenant', '*', true)",
    """
    DELETE FROM webhook_deliveries AS later
    USING webhook_deliveries AS first
    WHERE first.job_id = later.job_id
        AND first.webhook_id = later.webhook_id
        AND first.id < later.id
    """,
    """
    CREATE UNIQUE INDEX webhook_deliveries_once
    ON webhook_deliveries (job_id, webhook_id)
    """,
    "DROP INDEX webhook_deliveries_job",
)

DOWN = (
    "CREATE INDEX webhook_deliveries_job ON webhook_deliveries (job_id)",
    "DROP INDEX webhook_deliveries_once",
    "DROP TRIGGER jobs_version_grows ON jobs",
    "DROP TRIGGER jobs_end_is_final ON jobs",
    "DROP FUNCTION refuse_change",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
