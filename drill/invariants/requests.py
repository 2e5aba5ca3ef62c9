"""I3, I4: every job was asked for, and one request has one job."""

from collections import Counter
from collections.abc import Iterator

from drill.evidence import Evidence, Violation


def rows_were_asked_for(evidence: Evidence) -> Iterator[Violation]:
    """I3: answers named every job, but those of clients that gave up waiting for one.

    A row whose first answer was lost is named by the answer to the repetition. Jobs of
    `POST /v1/read` do not bear their request: there are no more of them without a name
    than clients that gave up. All have ended, promised or not.
    """
    named = {job_id for ids in evidence.ledger.jobs_of.values() for job_id in ids}
    given_up = {*evidence.ledger.given_up}
    unnamed = [row for row in evidence.jobs.values() if row.id not in named]
    requested = {row.request for row in unnamed}
    nameless = len(given_up - requested)
    for row in unnamed:
        if row.request is None and nameless:
            nameless -= 1
        elif row.request not in given_up:
            yield Violation("I3", "nobody was told of this job", row.id)
        if not row.ended:
            yield Violation("I3", f"it is still {row.status}", row.id)


def one_job_a_key(evidence: Evidence) -> Iterator[Violation]:
    """I4: all answers to an idempotency key name one job, and there is but one row."""
    for key, ids in evidence.ledger.jobs_of.items():
        if len(ids) > 1:
            yield Violation("I4", f"its answers name {len(ids)} jobs", key)
        rows = [evidence.jobs[job_id] for job_id in ids if job_id in evidence.jobs]
        if any(row.request not in {None, key} for row in rows):
            yield Violation("I4", "its answer names the job of another request", key)
    requests = Counter(row.request for row in evidence.jobs.values() if row.request)
    for key, rows_made in requests.items():
        if rows_made > 1:
            yield Violation("I4", f"it made {rows_made} jobs", key)
