"""Files that the scanner knew as harmful: remembered, so that none comes twice."""

from dataclasses import dataclass
from datetime import datetime

from photo.domain.errors import Infected
from photo.domain.job import JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class InfectedFile:
    #: Lower-case hex, of the whole file.
    sha256: str
    #: The scanner's name for what it found. For operators: no client is told.
    signature: str
    found_at: datetime
    #: The job that brought it first; None if that was erased.
    job_id: JobId | None

    def refusal(self) -> Infected:
        return Infected(
            "The virus scanner found something harmful in this photo. It was deleted.",
            reason=self.signature,
        )
