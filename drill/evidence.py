"""What is left when everything has settled, as plain values to judge."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from drill.ledger import Ledger
from drill.shapes import Struck
from photo.domain.files import StoredFile
from photo.domain.job import ENDED


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    id: str
    tenant: str
    status: str
    #: The code of its failure.
    error: str | None = None
    #: How each child died that worked on it, if that is what it failed of.
    crashes: Sequence[str] = ()
    manifest_sha256: str | None = None
    raw_key: str = ""
    #: The idempotency key of the request that made it.
    request: str | None = None
    version: int = 1

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def ending(self) -> str:
        """What `ledger.ENDINGS` calls it."""
        return self.error or self.status


class Change(NamedTuple):
    """A version of a job after its first."""

    job_id: str
    version: int
    status: str


class DeliveryRow(NamedTuple):
    id: str
    tenant: str
    webhook_id: str
    job_id: str
    status: str


class Artifact(NamedTuple):
    """An object of the processed bucket: what it really is."""

    size_bytes: int
    sha256: str


class Step(NamedTuple):
    """An activity that a job's workflow scheduled once."""

    #: The workflow's run.
    run_id: str
    job_id: str
    name: str
    #: How often it was begun.
    attempts: int


class Line(NamedTuple):
    """Of a log."""

    place: str
    text: str


class Tidied(NamedTuple):
    """What the hourly tidying did when it was let go on a day later."""

    photos_deleted: int = 0
    artifacts_deleted: int = 0
    #: Results of which something is missing, or is not what the manifest says.
    damaged: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    ledger: Ledger
    struck: Sequence[Struck] = ()
    #: From when to when the service worked off what random faults had left behind.
    catching_up: tuple[float, float] = (0.0, 0.0)
    jobs: Mapping[str, JobRow] = field(default_factory=dict)
    changes: Sequence[Change] = ()
    deliveries: Sequence[DeliveryRow] = ()
    #: Sessions of the database that hold what nobody should at rest.
    sessions: Sequence[str] = ()
    #: Keys of the raw bucket, when all jobs had ended.
    raw: Collection[str] = ()
    #: The same a day later.
    raw_a_day_later: Collection[str] = ()
    tidied: Tidied = field(default_factory=Tidied)
    #: By key.
    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    #: By job.
    manifests: Mapping[str, Sequence[StoredFile]] = field(default_factory=dict)
    #: By job.
    texts: Mapping[str, str] = field(default_factory=dict)
    #: Ids of workflows.
    running: Sequence[str] = ()
    steps: Sequence[Step] = ()
    #: Scratch of workers that are dead.
    scratch: Sequence[str] = ()
    lines: Sequence[Line] = ()
    #: What no log may tell.
    secrets: Collection[str] = ()


class Violation(NamedTuple):
    invariant: str
    what: str
    #: The job, key, object or place.
    about: str
