"""What lies on the disk that workers decode photos on."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


def left_on(scratch: Path) -> Iterator[str]:
    """At rest nothing should be there but the empty folders of workers that live."""
    for entry in sorted(scratch.iterdir()):
        if entry.is_dir() and _is_owned(entry):
            yield from (f"{entry.name}/{file.name}" for file in entry.iterdir())
        else:
            yield entry.name


def _is_owned(folder: Path) -> bool:
    """Its owner has it locked for as long as he lives."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(opened)
    return False
