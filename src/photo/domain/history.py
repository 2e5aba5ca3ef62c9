"""A job as it was: what its changes changed, and what none of them can."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from photo.domain.job import Job, Status

#: What changes of a job, as it is when the job is added.
AS_ADDED: Mapping[str, Any] = MappingProxyType(
    {
        "status": Status.QUEUED,
        "step": None,
        "step_error": None,
        "entered": {},
        "started_at": None,
        "finished_at": None,
        "photo": None,
        "text_preview": None,
        "manifest_sha256": None,
        "error": None,
    }
)


def as_added(job: Job) -> Job:
    """The first version of a job."""
    return job if job.version == 1 else replace(job, **AS_ADDED, version=1)


def changed_to(before: Job, after: Job) -> Job:
    """The version that follows; the same one if nothing was changed."""
    if after == before:
        return before
    return replace(after, version=before.version + 1)


def changes(job: Job) -> dict[str, Any]:
    """What is no longer as it was when the job was added."""
    return {
        name: value
        for name, at_first in AS_ADDED.items()
        if (value := getattr(job, name)) != at_first
    }
