"""What disagreed and was put right, told to those who run the service."""

from enum import StrEnum
from typing import Protocol


class Repair(StrEnum):
    #: A queued job that no workflow moved.
    JOB_STARTED = "job_started"
    #: A running one.
    JOB_RESTARTED = "job_restarted"
    #: The workflow of a job that had ended or gone.
    WORKFLOW_CANCELLED = "workflow_cancelled"
    DELIVERY_STARTED = "delivery_started"
    #: A photo that no job needed any more, or ever did.
    PHOTO_DELETED = "photo_deleted"
    #: A file of a job that did not succeed or was erased, or that no manifest names.
    ARTIFACT_DELETED = "artifact_deleted"
    #: A write that never came to its end.
    WRITE_ABANDONED = "write_abandoned"
    #: A folder of a worker that died.
    SCRATCH_REMOVED = "scratch_removed"
    #: Files of a job that succeeded are gone or have changed: beyond repair.
    RESULT_DAMAGED = "result_damaged"
    #: Files of jobs that the database knows nothing of: kept.
    ARTIFACT_WITHOUT_ROW = "artifact_without_row"


class RepairLog(Protocol):
    def note(self, repair: Repair, *, count: int = 1, **about: object) -> None:
        """Count repairs of a kind, and log what they were about: ids and names."""
