"""Ids as they come in paths: what cannot be one is not found."""

import re

from structlog.contextvars import bind_contextvars

from photo.domain.access import KeyId
from photo.domain.errors import NotFound
from photo.domain.job import JobId
from photo.domain.upload import UploadId
from photo.domain.webhook import DeliveryId, WebhookId

_ID = re.compile(r"([a-z]{3})_[0-9a-z]{26}")


def job_named(id: str) -> JobId:
    """The job that this request is about, also for its log line."""
    job_id = JobId(_checked(id, "job"))
    bind_contextvars(job_id=job_id)
    return job_id


def upload_named(id: str) -> UploadId:
    return UploadId(_checked(id, "upl"))


def key_named(id: str) -> KeyId:
    return KeyId(_checked(id, "key"))


def webhook_named(id: str) -> WebhookId:
    return WebhookId(_checked(id, "whk"))


def delivery_named(id: str) -> DeliveryId:
    return DeliveryId(_checked(id, "msg"))


def is_id(id: str, prefix: str) -> bool:
    found = _ID.fullmatch(id)
    return found is not None and found[1] == prefix


def _checked(id: str, prefix: str) -> str:
    if not is_id(id, prefix):
        raise NotFound(f"This is no id: one looks like {prefix}_ and 26 characters.")
    return id
