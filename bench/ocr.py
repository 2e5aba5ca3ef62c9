"""Compare the runtimes that are installed: the same models, the same photos.

    python -m bench.ocr [FOLDER]

The runtimes take turns, photo by photo, each in a process and with one thread of its
own, so that whatever else the machine does slows them alike. Photos with their text
beside them (NAME.txt) are scored as well.
"""

import resource
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean, median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

RUNTIMES = ("onnxruntime", "openvino")


class Reading(NamedTuple):
    text: str
    seconds: float
    cpu_seconds: float


def main(folder: Path = Path("samples")) -> dict[str, Any]:
    """Print a table and return its figures by runtime."""
    installed = [runtime for runtime in RUNTIMES if find_spec(runtime)]
    spawn = get_context("spawn")
    pools = {runtime: ProcessPoolExecutor(1, spawn) for runtime in installed}
    with TemporaryDirectory() as pages, ProcessPoolExecutor(1, spawn) as normalizer:
        started = {name: pools[name].submit(_load, name).result() for name in pools}
        readings: dict[str, list[tuple[Path, Reading]]] = {name: [] for name in pools}
        for photo in _photos(folder):
            page = normalizer.submit(_normalize, photo, Path(pages)).result()
            for name, pool in pools.items():
                readings[name].append((photo, pool.submit(_read, name, page).result()))
        peaks = {name: pool.submit(_peak).result() for name, pool in pools.items()}
    for pool in pools.values():
        pool.shutdown()
    figures = {
        name: _figures(done, started[name], peaks[name])
        for name, done in readings.items()
    }
    _print(figures)
    return figures


@cache
def _models(runtime: str) -> Any:
    from rapidocr import EngineType  # noqa: PLC0415 - in the child, and timed

    from photo.adapters.imaging.ocr import Models  # noqa: PLC0415 - the same

    return Models(EngineType(runtime))


def _load(runtime: str) -> float:
    start = time.perf_counter()
    _models(runtime)
    return time.perf_counter() - start


def _normalize(photo: Path, into: Path) -> Path:
    from photo.adapters.imaging.normalize import normalize_page  # noqa: PLC0415
    from photo.domain.files import page_name  # noqa: PLC0415
    from photo.domain.media import SNIFF_BYTES, MediaType  # noqa: PLC0415

    content_type = MediaType.of(photo.read_bytes()[:SNIFF_BYTES])
    if content_type is None:
        raise SystemExit(f"{photo} is no photo.")
    normalize_page(photo, content_type, 1, into)
    return into / page_name(1)


def _read(runtime: str, page: Path) -> Reading:
    from photo.adapters.imaging.lines import read_page  # noqa: PLC0415

    start, cpu = time.perf_counter(), time.process_time()
    text = read_page(page, _models(runtime)).text
    return Reading(text, time.perf_counter() - start, time.process_time() - cpu)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _photos(folder: Path) -> list[Path]:
    known = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".heic"}
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in known)


def _figures(
    done: list[tuple[Path, Reading]], load: float, peak: float
) -> dict[str, float]:
    seconds = sorted(reading.seconds for _, reading in done)
    return {
        "photos": len(done),
        "load_s": round(load, 2),
        "median_s": round(median(seconds), 3),
        "p95_s": round(seconds[int(len(seconds) * 0.95)], 3),
        "median_cpu_s": round(median(reading.cpu_seconds for _, reading in done), 3),
        "mean_cpu_s": round(fmean(reading.cpu_seconds for _, reading in done), 3),
        "peak_mb": round(peak),
        "word_f1": round(_word_f1(done), 4),
    }


def _word_f1(done: list[tuple[Path, Reading]]) -> float:
    """Of the photos whose text is known, words in any order."""
    same = total = 0
    for photo, reading in done:
        truth = photo.with_suffix(".txt")
        if truth.exists():
            read, known = (
                Counter(text.casefold().split())
                for text in (reading.text, truth.read_text("utf-8"))
            )
            same += 2 * (read & known).total()
            total += read.total() + known.total()
    return same / total if total else float("nan")


def _print(figures: dict[str, dict[str, float]]) -> None:
    columns = list(next(iter(figures.values())))
    print(f"{'runtime':12s}", *(f"{column:>13s}" for column in columns))
    for name, row in figures.items():
        print(f"{name:12s}", *(f"{row[column]:13g}" for column in columns))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
