"""I7: what is harmful never succeeds, what is good always does."""

from collections.abc import Iterator

from drill.evidence import Evidence, JobRow, Violation
from drill.ledger import Accepted, Kind
from photo.domain.errors import Infected
from photo.domain.job import Status

_HARMFUL = {Kind.INFECTED, Kind.BOMB, Kind.POISON}
_GOOD = {Kind.GOOD, Kind.UNWANTED, Kind.URL}


def judged_rightly(evidence: Evidence) -> Iterator[Violation]:
    """I7: of harmful photos there is no artifact, of infected ones nothing at all.

    Every good one succeeded, and its text has the word that stands on it.
    """
    for row in evidence.jobs.values():
        if row.error == Infected.code and row.raw_key in evidence.raw:
            yield Violation("I7", "an infected photo was kept", row.id)
    for job_id in evidence.ledger.mixed_up:
        yield Violation("I7", "its client got the text of another photo", job_id)
    for accepted in evidence.ledger.accepted:
        if found := evidence.jobs.get(accepted.job_id):
            if accepted.kind in _HARMFUL:
                yield from _harmful(evidence, found)
            if accepted.kind in _GOOD:
                yield from _good(evidence, accepted, found)


def _harmful(evidence: Evidence, row: JobRow) -> Iterator[Violation]:
    if row.status == Status.SUCCEEDED:
        yield Violation("I7", "a harmful photo succeeded", row.id)
    folder = f"{row.tenant}/{row.id}/"
    if any(key.startswith(folder) for key in evidence.artifacts):
        yield Violation("I7", "a harmful photo has artifacts", row.id)


def _good(evidence: Evidence, accepted: Accepted, row: JobRow) -> Iterator[Violation]:
    if row.status == Status.FAILED:
        yield Violation("I7", f"a good photo failed: {row.error}", row.id)
    text = evidence.texts.get(row.id, "")
    if row.status == Status.SUCCEEDED and _bare(accepted.word) not in _bare(text):
        yield Violation("I7", "its text is not what stands on the photo", row.id)


def _bare(text: str) -> str:
    return "".join(text.casefold().split())
