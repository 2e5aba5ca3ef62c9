"""Who may call, what they were answered, and what they changed."""

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from photo.adapters.postgres.schema.base import Id, Time, metadata, tenant

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Id, primary_key=True),
    tenant(),
    Column("name", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    # Of older keys, until they are next used.
    Column("secret_sha256", Text),
    Column("created_at", Time, nullable=False),
    Column("expires_at", Time),
    Column("revoked_at", Time),
    Column("secret_hmac", Text),
    Column("last_used_at", Time),
    CheckConstraint("secret_sha256 ~ '^[0-9a-f]{64}$'", name="secret_sha256"),
    CheckConstraint("secret_hmac ~ '^[0-9a-f]{64}$'", name="secret_hmac"),
    CheckConstraint("num_nonnulls(secret_sha256, secret_hmac) = 1", name="secret"),
    CheckConstraint(
        "scopes <@ ARRAY['photos:write', 'photos:read', 'admin']", name="scopes"
    ),
)
Index("api_keys_newest", api_keys.c.tenant, api_keys.c.id.desc())

#: What a POST with an Idempotency-Key was answered, sealed with that key.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    tenant(primary_key=True),
    Column("key_sha256", Id, primary_key=True),
    Column("request_sha256", Id, nullable=False),
    Column("answer", LargeBinary),
    Column("created_at", Time, nullable=False),
)
Index("idempotency_keys_created", idempotency_keys.c.created_at)

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", Id, primary_key=True),
    tenant(),
    Column("at", Time, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("details", JSONB, nullable=False),
)
Index("audit_log_newest", audit_log.c.tenant, audit_log.c.id.desc())
