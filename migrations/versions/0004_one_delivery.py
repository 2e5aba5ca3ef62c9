"""One delivery of a job's end to a webhook, while deliveries are made and erased.

Nothing here is done in a transaction: none of its statements waits for a row, or keeps
anybody from the table. Whatever stops it in between, it can be done again.
"""

from alembic import op
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

revision = "0004"
down_revision = "0003"

# Of several the oldest stays. Who has locked a row erases it, or comes to an end: it is
# looked at again.
SPARE = text(
    """
    DELETE FROM webhook_deliveries WHERE id IN (
        SELECT id FROM webhook_deliveries AS later
        WHERE EXISTS (
            SELECT FROM webhook_deliveries AS first
            WHERE first.job_id = later.job_id
                AND first.webhook_id = later.webhook_id
                AND first.id < later.id
        )
        LIMIT 1000
        FOR UPDATE SKIP LOCKED
    )
    """
)

# An attempt that failed leaves an index that is not valid.
ANEW = "DROP INDEX CONCURRENTLY IF EXISTS {0}"
ONCE = "webhook_deliveries_once"
JOB = "webhook_deliveries_job"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # Row-level security shows the owner no rows either, until this is said.
        op.execute("SELECT set_config('photo.tenant', '*', false)")
        while not is_unique():
            pass
        op.execute("RESET photo.tenant")
        op.execute(ANEW.format(JOB))


def is_unique() -> bool:
    """Whether the index could be built: a duplicate may have come meanwhile."""
    op.execute(ANEW.format(ONCE))
    while op.get_bind().execute(SPARE).rowcount:
        pass
    try:
        op.execute(
            f"CREATE UNIQUE INDEX CONCURRENTLY {ONCE} "
            "ON webhook_deliveries (job_id, webhook_id)"
        )
    except IntegrityError:
        return False
    return True


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute(ANEW.format(JOB))
        op.execute(f"CREATE INDEX CONCURRENTLY {JOB} ON webhook_deliveries (job_id)")
        op.execute(ANEW.format(ONCE))
