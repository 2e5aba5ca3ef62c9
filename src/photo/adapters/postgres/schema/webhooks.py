"""Who is told when a job has ended, and how that went."""

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from photo.adapters.postgres.schema.base import Id, Time, metadata, tenant

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Id, primary_key=True),
    tenant(),
    # None: the one whose secrets sign what goes to the `webhook_url` of single jobs.
    Column("url", Text),
    Column("events", ARRAY(Text), nullable=False),
    # The secrets, each sealed, and until when it is valid.
    Column("secrets", JSONB, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("failing_since", Time),
    Column("disabled_at", Time),
    Column("disabled_reason", Text),
    CheckConstraint(
        "(disabled_at IS NULL) = (disabled_reason IS NULL)", name="disabled"
    ),
)
Index("webhooks_newest", webhooks.c.tenant, webhooks.c.id.desc())
NO_URL = text("url IS NULL")
Index("webhooks_of_jobs", webhooks.c.tenant, unique=True, postgresql_where=NO_URL)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", Id, primary_key=True),
    tenant(),
    Column(
        "webhook_id",
        Id,
        ForeignKey(
            "webhooks.id", name="webhook_deliveries_webhook_fkey", ondelete="CASCADE"
        ),
        nullable=False,
    ),
    Column(
        "job_id",
        Id,
        ForeignKey("jobs.id", name="webhook_deliveries_job_fkey", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("event", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("started_at", Time, nullable=False),
    Column("due_at", Time),
    Column("finished_at", Time),
    # What each attempt met: when, status, milliseconds, error.
    Column("attempts", JSONB, nullable=False),
    CheckConstraint("status IN ('pending', 'delivered', 'failed')", name="status"),
    CheckConstraint("(status = 'pending') = (due_at IS NOT NULL)", name="due_at"),
    CheckConstraint("(status = 'pending') = (finished_at IS NULL)", name="finished_at"),
)
Index(
    "webhook_deliveries_newest",
    webhook_deliveries.c.webhook_id,
    webhook_deliveries.c.id.desc(),
)
Index(
    "webhook_deliveries_newest_by_status",
    webhook_deliveries.c.webhook_id,
    webhook_deliveries.c.status,
    webhook_deliveries.c.id.desc(),
)
#: A job ends once, and each webhook is told so once.
Index(
    "webhook_deliveries_once",
    webhook_deliveries.c.job_id,
    webhook_deliveries.c.webhook_id,
    unique=True,
)
Index(
    "webhook_deliveries_due",
    webhook_deliveries.c.due_at,
    postgresql_where=text("due_at IS NOT NULL"),
)
