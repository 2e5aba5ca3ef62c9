"""Ends of jobs that nothing can change."""

from alembic import op

revision = "0005"
down_revision = "0004"

# What a transition of a job may change: a column that is added to these belongs here.
STATE = (
    "status, step, step_error, entered, started_at, finished_at, photo, text_preview, "
    "manifest_sha256, error, version"
)

# Whoever changes jobs ends soon; those who come meanwhile wait behind this.
PATIENCE = "SET LOCAL lock_timeout = '3s'"

UP = (
    PATIENCE,
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
)

DOWN = (
    PATIENCE,
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
