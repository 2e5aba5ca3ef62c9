"""I1, I2, I10: every job that was promised ends, once, and as it should."""

from collections import defaultdict
from collections.abc import Iterator

from drill.evidence import Evidence, Violation
from drill.ledger import ENDINGS
from photo.domain.errors import UploadMissing
from photo.domain.job import ENDED


def ended_as_its_kind(evidence: Evidence) -> Iterator[Violation]:
    """I1: every accepted job exists and has ended in a way that its kind allows."""
    for job_id, kind in {
        (accepted.job_id, accepted.kind) for accepted in evidence.ledger.accepted
    }:
        row = evidence.jobs.get(job_id)
        if row is None:
            yield Violation("I1", f"a promised {kind} job is lost", job_id)
        elif not row.ended:
            yield Violation("I1", f"a {kind} job is still {row.status}", job_id)
        elif row.ending not in ENDINGS[kind]:
            yield Violation("I1", f"a {kind} job ended as {row.ending}", job_id)


def ended_once(evidence: Evidence) -> Iterator[Violation]:
    """I2: a job's history has one end, with nothing after it, and is what its row is.

    Versions are counted without a gap from the second on.
    """
    histories = defaultdict(list)
    for change in sorted(evidence.changes):
        histories[change.job_id].append(change)
    for job_id, changes in histories.items():
        ends = [change for change in changes if change.status in ENDED]
        if len(ends) > 1 or (ends and changes[-1] != ends[0]):
            what = f"it ended {len(ends)} times in {len(changes) + 1} versions"
            yield Violation("I2", what, job_id)
        if [change.version for change in changes] != [*range(2, len(changes) + 2)]:
            yield Violation("I2", "its history has gaps", job_id)
    for job_id, told in evidence.ledger.told.items():
        row = evidence.jobs.get(job_id)
        if row and told - {row.status}:
            what = f"it is {row.status}, and {sorted(told)} had been told"
            yield Violation("I2", what, job_id)
    for row in evidence.jobs.values():
        last = histories[row.id][-1] if histories[row.id] else None
        if row.ended and (last is None or last[1:] != (row.version, row.status)):
            yield Violation("I2", "its history ends otherwise than its row", row.id)


def had_its_photo_until_the_end(evidence: Evidence) -> Iterator[Violation]:
    """I10: no job missed its photo, and a day later none is left.

    Those on which children died are kept for somebody to look at.
    """
    for row in evidence.jobs.values():
        if row.error == UploadMissing.code:
            yield Violation("I10", "its photo was gone before it ended", row.id)
        if row.crashes and row.raw_key not in evidence.raw_a_day_later:
            yield Violation("I10", "nobody can look at what killed", row.id)
    needed = {
        row.raw_key for row in evidence.jobs.values() if row.crashes or not row.ended
    }
    for key in {*evidence.raw_a_day_later} - needed:
        yield Violation("I10", "a photo that no job needs is kept for over a day", key)
