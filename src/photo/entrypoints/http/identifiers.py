"""Ids as they come in paths: what cannot be one is not found."""

import re

from structlog.contextvars import bind_contextvars

from photo.domain.errors import NotFound
from photo.domain.job import JobId
from photo.domain.upload import UploadId

_ID = re.compile(r"(upl|job)_[0-9a-z]{26}")


def job_named(id: str) -> JobId:
    """The job that this request is about, also for its log line."""
    job_id = JobId(_checked(id, "job"))
    bind_contextvars(job_id=job_id)
    return job_id


def upload_named(id: str) -> UploadId:
    return UploadId(_checked(id, "upl"))


def is_job_id(id: str) -> bool:
    found = _ID.fullmatch(id)
    return found is not None and found[1] == "job"


def _checked(id: str, prefix: str) -> str:
    found = _ID.fullmatch(id)
    if found is None or found[1] != prefix:
        raise NotFound(f"This is no id: one looks like {prefix}_ and 26 characters.")
    return id
