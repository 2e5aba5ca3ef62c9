"""I9: at rest, nothing is held."""

from collections.abc import Iterator

from drill.evidence import Evidence, Violation
from photo.domain.webhook import DeliveryStatus


def nothing_left(evidence: Evidence) -> Iterator[Violation]:
    """I9: no unfinished job, delivery or workflow, no held lock, no dead's scratch."""
    for row in evidence.jobs.values():
        if not row.ended:
            yield Violation("I9", "a job is unfinished", row.id)
    for delivery in evidence.deliveries:
        if delivery.status == DeliveryStatus.PENDING:
            yield Violation("I9", "a delivery is pending", delivery.id)
    for workflow in evidence.running:
        yield Violation("I9", "a workflow runs", workflow)
    for session in evidence.sessions:
        yield Violation("I9", "a session of the database holds on", session)
    for file in evidence.scratch:
        yield Violation("I9", "a dead worker's scratch was left", file)
