"""I11: nothing is tried for ever, and little is done twice."""

import json
from collections import Counter
from collections.abc import Iterator

from drill.evidence import Evidence, Violation
from photo.adapters.temporal.tries import (
    CHILD_DEATHS,
    LOST_WORKERS,
    OVERRUNS,
    WORKER_LOST,
)

#: A step that has come one short of every limit on its ways of being cut short.
MOST_SCHEDULED = CHILD_DEATHS + LOST_WORKERS + OVERRUNS - 2

#: Steps done more often than once, of all that were done.
MOST_DONE_TWICE = 0.05


def tried_within_policy(evidence: Evidence) -> Iterator[Violation]:
    """I11: no step is scheduled more often than policy says, or done twice too often.

    A step waits for its dependencies as long as it must: attempts that were told
    "unavailable" are no runs.
    """
    scheduled = Counter(
        (step.run_id, step.job_id, step.name) for step in evidence.steps
    )
    for (_, job_id, name), times in scheduled.items():
        if times > MOST_SCHEDULED:
            yield Violation("I11", f"{name} was scheduled {times} times", job_id)
    for row in evidence.jobs.values():
        killed = len(row.crashes) - row.crashes.count(WORKER_LOST)
        if killed > CHILD_DEATHS:
            yield Violation("I11", f"its photo killed {killed} children", row.id)
    twice = done_twice(evidence)
    if twice > MOST_DONE_TWICE:
        yield Violation("I11", "steps were done twice", f"{twice:.1%}")


def done_twice(evidence: Evidence) -> float:
    """The share of steps that workers finished although that had been done before.

    Deliveries are done again as long as their receivers refuse them.
    """
    done = Counter(
        (event["job_id"], event["step"])
        for line in evidence.lines
        if '"step_done"' in line.text
        for event in [json.loads(line.text)]
        if "job_id" in event and "delivery_id" not in event
    )
    return (done.total() - len(done)) / max(done.total(), 1)


def begun_again(evidence: Evidence) -> float:
    """The share of attempts that were not a step's first, whatever ended that."""
    attempts = sum(step.attempts for step in evidence.steps)
    steps = len({(step.job_id, step.name) for step in evidence.steps})
    return (attempts - steps) / max(attempts, 1)
