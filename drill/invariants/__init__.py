"""What must hold when everything has settled, whatever struck."""

from collections.abc import Callable, Iterable

from drill.evidence import Evidence, Violation
from drill.invariants.answers import answered_outside_faults, followed_without_gaps
from drill.invariants.attempts import tried_within_policy
from drill.invariants.deliveries import announced_once
from drill.invariants.endings import (
    ended_as_its_kind,
    ended_once,
    had_its_photo_until_the_end,
)
from drill.invariants.files import files_as_promised, manifests_as_recorded
from drill.invariants.leftovers import nothing_left
from drill.invariants.requests import one_job_a_key, rows_were_asked_for
from drill.invariants.secrecy import told_no_secret
from drill.invariants.verdicts import judged_rightly

Rule = Callable[[Evidence], Iterable[Violation]]

RULES: tuple[Rule, ...] = (
    ended_as_its_kind,
    ended_once,
    rows_were_asked_for,
    one_job_a_key,
    files_as_promised,
    manifests_as_recorded,
    judged_rightly,
    announced_once,
    nothing_left,
    had_its_photo_until_the_end,
    tried_within_policy,
    answered_outside_faults,
    followed_without_gaps,
    told_no_secret,
)


def violations(evidence: Evidence) -> list[Violation]:
    return [violation for rule in RULES for violation in rule(evidence)]
