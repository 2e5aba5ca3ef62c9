"""What a drill found: a table and figures, with nothing of the machine in them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from drill.evidence import Evidence, Violation
from drill.invariants.answers import failed_later
from drill.invariants.attempts import begun_again, done_twice
from drill.run import Found
from drill.shapes import Deed

_SHOWN = 40


def figures(found: Found) -> dict[str, Any]:
    """For `results.json`."""
    evidence, orders = found.evidence, found.orders
    struck = [each for each in evidence.struck if each.met]
    return {
        "seed": orders.seed,
        "seconds": round(found.seconds),
        "jobs": len(evidence.ledger.accepted),
        "jobs_by_kind": _jobs_by_kind(evidence),
        "given_up": len(evidence.ledger.given_up),
        "faults": len(struck),
        "faults_by_kind": _counted(
            f"{each.fault.deed} {each.fault.part}" for each in struck
        ),
        "kinds_of_faults": len({(each.fault.deed, each.fault.part) for each in struck}),
        "left_out": [*found.left_out],
        "crash_points": len(
            {
                (each.fault.part, each.fault.detail)
                for each in struck
                if each.fault.deed is Deed.CRASH
            }
        ),
        "lost": _broken(found, "I1"),
        "double_terminal": _broken(found, "I2"),
        "mismatched_artifacts": _broken(found, "I5", "I6"),
        "steps_done_twice_percent": round(100 * done_twice(evidence), 2),
        "attempts_repeated_percent": round(100 * begun_again(evidence), 2),
        "artifacts_cleared_away": evidence.tidied.artifacts_deleted,
        "jobs_settled_s": round(found.settled.jobs_s, 1),
        "deliveries_settled_s": round(found.settled.deliveries_s, 1),
        "deliveries_hurried": found.settled.hurried,
        "requests_failed_meanwhile": failed_later(evidence),
        "answers": _counted(
            str(answer.status or "none") for answer in evidence.ledger.answers
        ),
        "scenarios": dict(found.figures),
        "violations": _counted(violation.invariant for violation in found.violations),
    }


def show(found: Found, told: Mapping[str, Any]) -> None:
    console = Console(soft_wrap=True)
    console.print(_table(found))
    for name, value in told.items():
        if name not in {"jobs_by_kind", "faults_by_kind"}:
            console.print(f"{name}: {value}", markup=False)
    for violation in found.violations[:_SHOWN]:
        console.print(_sentence(violation), style="bold red", markup=False)
    if more := len(found.violations[_SHOWN:]):
        console.print(f"… and {more} more", style="bold red")


def _table(found: Found) -> Table:
    table = Table("what", "how many", "of which")
    told = figures(found)
    for name in ("jobs", "faults"):
        kinds = told[f"{name}_by_kind"].items()
        table.add_row(
            name, str(told[name]), ", ".join(f"{n} {kind}" for kind, n in kinds)
        )
    for name in ("lost", "double_terminal", "mismatched_artifacts"):
        table.add_row(name.replace("_", " "), str(told[name]), "")
    table.add_row("violations", str(len(found.violations)), str(told["violations"]))
    return table


def _sentence(violation: Violation) -> str:
    return f"{violation.invariant} {violation.what}: {violation.about}"


def _jobs_by_kind(evidence: Evidence) -> Mapping[str, int]:
    jobs = {accepted.job_id: accepted.kind for accepted in evidence.ledger.accepted}
    return _counted(jobs.values())


def _broken(found: Found, *invariants: str) -> int:
    about = {each.about for each in found.violations if each.invariant in invariants}
    return len(about)


def _counted(things: Iterable[str]) -> dict[str, int]:
    return dict(Counter(map(str, things)).most_common())
