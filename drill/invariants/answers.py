"""I12, I13: what clients were told while things broke."""

from collections.abc import Iterator

from drill.evidence import Evidence, Violation
from drill.ledger import Answer
from photo.domain.errors import Overloaded

#: After a fault has ended: connections are made anew, breakers close. After many it is
#: until the jobs have ended that were held up: how long that takes is for the report.
GRACE_SECONDS = 15.0

_INTERNAL = 500


def failed(answer: Answer) -> bool:
    if answer.code == Overloaded.code and answer.retry_after is not None:
        return False
    return answer.status is None or answer.status >= _INTERNAL


def answered_outside_faults(evidence: Evidence) -> Iterator[Violation]:
    """I12: outside faults nothing fails; "overloaded" is a refusal, no failure.

    A 500 is a bug at any time, and so is to turn down for good what was in order.
    """
    for refused in evidence.ledger.refused:
        yield Violation("I12", "a request in order was turned down", refused)
    for answer in evidence.ledger.answers:
        about = f"{answer.method} {answer.route} at {answer.at:.1f}"
        if answer.status == _INTERNAL:
            yield Violation("I12", "the service broke", about)
        elif failed(answer) and not _excused(answer.at, evidence):
            what = f"{answer.status or 'no answer'} {answer.code or ''}".rstrip()
            yield Violation("I12", f"{what}, and nothing was at fault", about)


def followed_without_gaps(evidence: Evidence) -> Iterator[Violation]:
    """I13: followers are told of every version, in order, from first to last."""
    for job_id, versions in evidence.ledger.followed.items():
        if versions != [*range(1, len(versions) + 1)]:
            yield Violation("I13", f"it was told of versions {versions}", job_id)
        row = evidence.jobs.get(job_id)
        if row and versions[-1:] != [row.version]:
            what = f"its last version is {row.version}, and {versions} were told"
            yield Violation("I13", what, job_id)


def failed_later(evidence: Evidence) -> int:
    """How many requests failed while the service caught up."""
    answers = evidence.ledger.answers
    return sum(failed(each) and _is_late(each.at, evidence) for each in answers)


def _excused(at: float, evidence: Evidence) -> bool:
    return _is_late(at, evidence) or any(
        each.began <= at <= each.ended + GRACE_SECONDS for each in evidence.struck
    )


def _is_late(at: float, evidence: Evidence) -> bool:
    began, ended = evidence.catching_up
    return began <= at <= ended
