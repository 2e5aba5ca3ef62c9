"""I8: every end was told, under one id."""

from collections import defaultdict
from collections.abc import Collection, Iterator

from drill.evidence import DeliveryRow, Evidence, Violation
from drill.ledger import Received
from photo.domain.webhook import DeliveryStatus

#: What a receiver says when it has taken one.
_TAKEN = range(200, 300)


def announced_once(evidence: Evidence) -> Iterator[Violation]:
    """I8: every ended job has one delivery a webhook, each delivered and so received.

    The receiver saw all its copies under one id, and none with a wrong signature.
    """
    rows, received = defaultdict(list), defaultdict(set)
    for delivery in evidence.deliveries:
        rows[delivery.job_id].append(delivery)
    for copy in evidence.ledger.received:
        received[copy.job_id].add(copy.webhook_id)
    called_back = {each.job_id for each in evidence.ledger.accepted if each.called_back}
    for job in evidence.jobs.values():
        if job.ended and not rows[job.id]:
            yield Violation("I8", "its end was announced to nobody", job.id)
        elif job.ended and job.id in called_back and len(rows[job.id]) == 1:
            yield Violation("I8", "its own webhook is owed nothing", job.id)
        yield from _one_id(job.id, rows[job.id], received[job.id])
    yield from _accepted(evidence)
    if evidence.ledger.forged:
        yield Violation("I8", "signatures are wrong", str(evidence.ledger.forged))


def _one_id(
    job_id: str, owed: Collection[DeliveryRow], received: set[str]
) -> Iterator[Violation]:
    if len({delivery.webhook_id for delivery in owed}) != len(owed):
        yield Violation("I8", "a webhook is owed the news twice", job_id)
    if received - {delivery.id for delivery in owed}:
        yield Violation("I8", "it was announced under another id", job_id)


def _accepted(evidence: Evidence) -> Iterator[Violation]:
    accepted = {copy.webhook_id for copy in evidence.ledger.received if _is_ok(copy)}
    for delivery in evidence.deliveries:
        if delivery.status != DeliveryStatus.DELIVERED:
            yield Violation("I8", f"a delivery is {delivery.status}", delivery.id)
        elif delivery.id not in accepted:
            yield Violation("I8", "the receiver never accepted it", delivery.id)


def _is_ok(copy: Received) -> bool:
    return copy.status in _TAKEN
