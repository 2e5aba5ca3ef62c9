"""A clock that is wrong, for one process: libfaketime."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import psutil

_SHARED = Path("/dev/shm")  # noqa: S108 # the library's choice
_LIBRARY = Path("vendor", "libfaketime", "src", "libfaketime.so.1")


def library() -> Path | None:
    """Where it is, if it is installed and was made for this system."""
    spec = find_spec("libfaketime")
    if spec is None or spec.origin is None:
        return None
    found = Path(spec.origin).parent / _LIBRARY
    return found if found.exists() else None


def wrong_by(seconds: int) -> Mapping[str, str]:
    """For the environment of a process. What measures time passing is left alone."""
    return {
        "LD_PRELOAD": str(library()),
        "FAKETIME": f"{seconds:+d}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def clean_up() -> None:
    """Delete what the library shares between processes, and leaves when they die."""
    for file in _SHARED.glob("*faketime_*_*"):
        if not psutil.pid_exists(int(file.name.rpartition("_")[2])):
            file.unlink(missing_ok=True)
