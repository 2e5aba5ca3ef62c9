"""`make hostile`: attack a service of its own, and report what became of it."""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from hostile.cases import Case, corpus, endless, good_cases, variants
from hostile.report import figures, keep_faulty, show
from hostile.run import Run, attack
from hostile.service import Target, serve

_HERE = Path(__file__).parent
_RESULTS, _FAULTY = _HERE / "results.json", _HERE / "faulty"


def main() -> int:
    options = _options()
    cases = _cases(options)
    if not cases:
        raise SystemExit(f"No file is called {options.only}.")
    run = _attacked(cases, options.at_once)
    found = figures(run, seed=options.seed)
    _RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    keep_faulty(run, _FAULTY)
    show(run, found)
    return 0 if run.clean else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="hostile", description=__doc__)
    parser.add_argument("corpus", nargs="?", type=Path, help="a folder of files")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--variants", type=int, default=2_000)
    parser.add_argument("--at-once", type=int, default=32)
    parser.add_argument("--only", help="the name of one file of the same run")
    options = parser.parse_args()
    if options.corpus and not options.corpus.is_dir():
        parser.error(f"{options.corpus} is no folder.")
    return options


def _cases(options: argparse.Namespace) -> list[Case]:
    cases: Iterable[Case] = chain(
        good_cases(),
        [endless()],
        variants(options.seed, options.variants),
        corpus(options.corpus) if options.corpus else (),
    )
    return [case for case in cases if options.only in {None, case.name}]


def _attacked(cases: list[Case], at_once: int) -> Run:
    runs: list[Run] = []

    async def under_attack(target: Target) -> None:
        runs.append(await attack(target, cases, at_once=at_once))

    with TemporaryDirectory(prefix="photo-hostile-") as data_dir:
        asyncio.run(serve(Path(data_dir), under_attack))
    if not runs:
        raise SystemExit("The service was stopped before the attack was over.")
    return runs[0]


if __name__ == "__main__":
    sys.exit(main())
