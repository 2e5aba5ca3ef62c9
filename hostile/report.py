"""What a run found: a table, figures, and the inputs to look at again."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from hostile.run import Result, Run

_SLOWEST = 10


def figures(run: Run, *, seed: int) -> dict[str, Any]:
    """Everything but the files themselves, for `results.json`."""
    slowest = sorted(run.results, key=lambda result: -result.evidence.seconds)
    crashed = [result for result in run.results if result.evidence.crash]
    seconds = [result.evidence.seconds for result in run.results]
    return {
        "seed": seed,
        "files": len(run.results),
        "seconds": round(run.seconds, 1),
        "files_a_second": round(len(run.results) / run.seconds, 2),
        "median_s": round(median(seconds), 3),
        "outcomes": dict(Counter(map(_ending, run.results)).most_common()),
        "by_kind": _by_kind(run),
        "child_crashes": dict(run.crashes),
        "crashed_by": {result.case.name: result.evidence.crash for result in crashed},
        "slowest_s": {
            result.case.name: round(result.evidence.seconds, 1)
            for result in slowest[:_SLOWEST]
        },
        "memory_mb": {
            "worker_start": round(run.memory.start),
            "worker_peak": round(run.memory.peak),
            "worker_end": round(run.memory.end),
            "largest_child": round(run.memory.largest_child),
            "all_children": round(run.memory.all_children),
        },
        "faults": [*run.faults, *_faulty(run)],
    }


def show(run: Run, found: dict[str, Any]) -> None:
    console = Console()
    console.print(_table(run))
    for name, value in found.items():
        if name not in {"by_kind", "outcomes", "faults"}:
            console.print(f"{name}: {value}", markup=False, soft_wrap=True)
    for fault in found["faults"]:
        console.print(f"FAULT {fault}", style="bold red", markup=False, soft_wrap=True)


def keep_faulty(run: Run, folder: Path) -> None:
    """Each file that was treated wrongly, under its name."""
    for result in run.results:
        if result.faults:
            file = folder / result.case.name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(result.case.attempt.content)


def _by_kind(run: Run) -> dict[str, dict[str, int]]:
    counted: dict[str, Counter[str]] = {}
    for result in run.results:
        kind = f"{result.case.source}: {result.case.kind}"
        counted.setdefault(kind, Counter())[_ending(result)] += 1
    return {kind: dict(counts.most_common()) for kind, counts in counted.items()}


def _table(run: Run) -> Table:
    table = Table("kind", "files", "became")
    for kind, counts in sorted(_by_kind(run).items()):
        table.add_row(kind, *_counted(counts))
    table.add_section()
    table.add_row("all", *_counted(Counter(map(_ending, run.results))))
    return table


def _counted(counts: Mapping[str, int]) -> tuple[str, str]:
    each = (f"{count} {ending}" for ending, count in counts.items())
    return str(sum(counts.values())), ", ".join(each)


def _ending(result: Result) -> str:
    outcome = result.outcome
    refused = outcome.status == "refused"
    return f"refused: {outcome.verdict}" if refused else outcome.verdict


def _faulty(run: Run) -> list[str]:
    return [
        f"{result.case.name}: {' '.join(result.faults)}"
        for result in run.results
        if result.faults
    ]
