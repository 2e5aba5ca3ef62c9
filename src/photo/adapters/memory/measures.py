"""What happened, remembered."""

from photo.application.ports import Measures, Outcome, Verdict
from photo.domain.job import Job
from photo.domain.text import Page
from photo.domain.upload import Upload
from photo.domain.webhook import DeliveryStatus


class MemoryMeasures(Measures):
    def __init__(self) -> None:
        #: Each with the name of what was told first.
        self.notes: list[tuple[object, ...]] = []

    def of(self, name: str) -> list[tuple[object, ...]]:
        """What was told under a name, the oldest first."""
        return [note[1:] for note in self.notes if note[0] == name]

    def granted(self, upload: Upload) -> None:
        self.notes.append(("granted", upload))

    def arrived(self, size_bytes: int) -> None:
        self.notes.append(("arrived", size_bytes))

    def expired(self, count: int) -> None:
        self.notes.append(("expired", count))

    def ended(self, job: Job) -> None:
        self.notes.append(("ended", job))

    def scanned(self, verdict: Verdict, seconds: float) -> None:
        self.notes.append(("scanned", verdict, seconds))

    def recognized(self, page: Page, seconds: float) -> None:
        self.notes.append(("recognized", page, seconds))

    def delivered(self, status: DeliveryStatus, seconds: float | None) -> None:
        self.notes.append(("delivered", status, seconds))

    def waited(self, queue: str, seconds: float) -> None:
        self.notes.append(("waited", queue, seconds))

    def attempted(self, step: str, outcome: Outcome) -> None:
        self.notes.append(("attempted", step, outcome))
