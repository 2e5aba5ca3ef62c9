"""`make drill`: break everything while jobs are under way, then count them."""

import argparse
import asyncio
import json
import logging
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

from drill.report import figures, show
from drill.run import Orders, drill
from drill.scenarios import SCENARIOS
from photo.entrypoints.levels import LogLevels
from photo.entrypoints.logging import configure_logging

RESULTS = Path(__file__).with_name("results.json")
SHORT = Orders(seed=1, jobs=110, faults=28, seconds=90)
FULL = Orders(seed=1, jobs=350, faults=60, seconds=350, scenarios=[*SCENARIOS])


def main() -> int:
    options = _options()
    orders = _orders(options)
    configure_logging(LogLevels("error"), as_json=False)
    # Whoever sends webhooks is killed now and then.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    folder = options.folder or Path(mkdtemp(prefix="photo-drill-"))
    found = asyncio.run(drill(orders, folder))
    told = figures(found)
    RESULTS.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    show(found, told)
    if found.violations:
        sys.stdout.write(f"\nThe logs are in {folder}. Once more: {_again(options)}\n")
        return 1
    shutil.rmtree(folder)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="drill", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--short", action="store_true", help="minutes, no scenarios")
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--faults", type=int)
    parser.add_argument("--seconds", type=float, help="over which these are spread")
    parser.add_argument(
        "--only", action="append", choices=[*SCENARIOS], help="of the scenarios"
    )
    parser.add_argument("--folder", type=Path, help="empty, for logs and data")
    return parser.parse_args()


def _orders(options: argparse.Namespace) -> Orders:
    wished = {
        "seed": options.seed,
        "jobs": options.jobs,
        "faults": options.faults,
        "seconds": options.seconds,
        "scenarios": options.only,
    }
    given = {name: value for name, value in wished.items() if value is not None}
    return replace(SHORT if options.short else FULL, **given)


def _again(options: argparse.Namespace) -> str:
    sizes = {name: getattr(options, name) for name in ("jobs", "faults", "seconds")}
    given = [
        *(["--short"] if options.short else []),
        *(f"--{name} {size}" for name, size in sizes.items() if size is not None),
        *(f"--only {scenario}" for scenario in options.only or ()),
    ]
    return f"make drill SEED={options.seed} ARGS='{' '.join(given)}'"


if __name__ == "__main__":
    sys.exit(main())
