"""What stays when a job has gone."""

from sqlalchemy import BigInteger, Column, Date, Index, SmallInteger, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from photo.adapters.postgres.schema.base import Id, Time, metadata, tenant

#: By day (UTC): what was accepted, and how it ended. The sum of the slots counts: a
#: tenant's jobs would take turns at a single row, each for as long as a commit takes.
usage_days = Table(
    "usage_days",
    metadata,
    tenant(primary_key=True),
    Column("day", Date, primary_key=True),
    Column("slot", SmallInteger, primary_key=True, autoincrement=False),
    *(
        Column(name, BigInteger, nullable=False, server_default="0")
        for name in ("jobs", "bytes", "succeeded", "failed", "cancelled")
    ),
)

erasures = Table(
    "erasures",
    metadata,
    Column("job_id", Id, primary_key=True),
    tenant(),
    Column("actor", Text, nullable=False),
    Column("requested_at", Time, nullable=False),
    Column("photo_sha256", Text),
    Column("raw_key", Text, nullable=False),
    Column("objects", JSONB, nullable=False),
    Column("rows", JSONB, nullable=False),
    Column("completed_at", Time),
    #: When it was made sure that no step still at work has written again.
    Column("confirmed_at", Time),
)
Index(
    "erasures_unconfirmed",
    erasures.c.requested_at,
    postgresql_where=text("confirmed_at IS NULL"),
)
