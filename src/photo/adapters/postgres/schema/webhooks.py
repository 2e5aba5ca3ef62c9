"""Who is told when a job has ended, and how that went."""

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
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
    # Sealed: the secrets, and until when each is valid.
    Column("secrets", LargeBinary, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("failing_since", Time),
    Column("disabled_at", Time),
    Column("disabled_reason", Text),
    CheckConstraint(
        "(disabled_at IS NULL) = (disabled_reason IS NULL)", name="disabled"
    ),
)
Index("webhooks_newest", webhooks.c.tenant, webhooks.c.id.desc())
Index(
    "webhooks_of_jobs",
    webhooks.c.tenant,
    unique=True,
    postgresql_where=text("url IS NULL"),
)

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
    Column("finished_at", Time),
    # What each attempt met: when, status, milliseconds, error.
    Column("attempts", JSONB, nullable=False),
    CheckConstraint("status IN ('pending', 'delivered', 'failed')", name="status"),
)
Index(
    "webhook_deliveries_newest",
    webhook_deliveries.c.webhook_id,
    webhook_deliveries.c.id.desc(),
)
Index("webhook_deliveries_job", webhook_deliveries.c.job_id)
Index(
    "webhook_deliveries_pending",
    webhook_deliveries.c.created_at,
    postgresql_where=text("status = 'pending'"),
)
