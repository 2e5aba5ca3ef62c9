"""The receipt of an erasure: all that is left of a job and its photo."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from photo.domain.access import Tenant
from photo.domain.job import Job, JobId


class Bucket(StrEnum):
    RAW = "raw"
    PROCESSED = "processed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedObject:
    bucket: Bucket
    key: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """Written together with the end of the rows, before any object is deleted."""

    job_id: JobId
    tenant: Tenant
    #: A credential's public name, or `service`.
    actor: str
    requested_at: datetime
    photo_sha256: str | None
    #: Where the photo lay, or may yet arrive, in the raw bucket.
    raw_key: str
    objects: tuple[ErasedObject, ...]
    #: How many rows of which kind.
    rows: Mapping[str, int] = field(default_factory=dict)
    #: When the objects were gone.
    completed_at: datetime | None = None
    #: When it was made sure that no step still at work had written again.
    confirmed_at: datetime | None = None

    @classmethod
    def of(
        cls, job: Job, *, actor: str, objects: tuple[ErasedObject, ...], at: datetime
    ) -> "Erasure":
        return cls(
            job_id=job.id,
            tenant=job.tenant,
            actor=actor,
            requested_at=at,
            photo_sha256=job.photo.sha256 if job.photo else None,
            raw_key=job.raw_key,
            objects=objects,
        )

    @property
    def processed_prefix(self) -> str:
        """How the keys of all files made of the photo begin."""
        return f"{self.tenant}/{self.job_id}/"
