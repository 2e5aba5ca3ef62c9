"""The tables, and the rules that no writer of a row can get round."""

from photo.adapters.postgres.schema.access import api_keys, audit_log, idempotency_keys
from photo.adapters.postgres.schema.base import metadata
from photo.adapters.postgres.schema.jobs import (
    END_IS_FINAL,
    RETRIED_JOB_EXISTS,
    UNFINISHED,
    UPLOAD_EXISTS,
    UPLOAD_SERVES_ONE_JOB,
    infected_files,
    job_events,
    job_metadata,
    jobs,
    uploads,
)
from photo.adapters.postgres.schema.records import erasures, usage_days
from photo.adapters.postgres.schema.texts import job_texts, job_words
from photo.adapters.postgres.schema.webhooks import webhook_deliveries, webhooks

__all__ = [
    "END_IS_FINAL",
    "RETRIED_JOB_EXISTS",
    "UNFINISHED",
    "UPLOAD_EXISTS",
    "UPLOAD_SERVES_ONE_JOB",
    "api_keys",
    "audit_log",
    "erasures",
    "idempotency_keys",
    "infected_files",
    "job_events",
    "job_metadata",
    "job_texts",
    "job_words",
    "jobs",
    "metadata",
    "uploads",
    "usage_days",
    "webhook_deliveries",
    "webhooks",
]
