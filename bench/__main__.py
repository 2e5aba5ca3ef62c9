"""`make bench`: every benchmark, as a table and in `bench/results.json`."""

import json
import sys
from pathlib import Path

from bench import api, intake, load, observing, ocr, pipeline

_RESULTS = Path(__file__).with_name("results.json")


def main(folder: Path) -> None:
    results = {
        "ocr": ocr.main(folder),
        "intake": intake.main(folder),
        "pipeline": pipeline.main(folder),
        "api": api.main(),
        "load": load.main(),
        "observing": observing.main(folder),
    }
    _RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    for name in ("intake", "pipeline", "api", "load", "observing"):
        print(name, json.dumps(results[name], indent=2))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("samples"))
