"""Points before and after every durable step at which a process can be made to die.

A point is armed by a file of its name, such as `before:commit:end`, in the folder that
a process is told of. Whoever comes by first takes the file away, and is gone: a point
kills once.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from drill.shapes import Part

#: Names the folder to a process.
FOLDER_VARIABLE = "CRASH_POINTS"

#: What a shell says of a process that SIGKILL ended.
KILLED = 137

_STEPS = {
    Part.API: (
        "upload-row",
        "raw-write",
        "job-row",
        "idempotency-answer",
        "commit:accept",
        "workflow-start",
        "ending-row",
        "commit:end",
        "workflow-cancel",
        "erasure-row",
        "commit:erasure",
        "erased-objects",
    ),
    Part.WORKER: (
        "step:fetch",
        "raw-write",
        "step:verify",
        "step:scan",
        "infected-file",
        "raw-delete",
        "step:normalize",
        "artifact:original",
        "artifact:normalized.jpg",
        "artifact:thumbnail.webp",
        "step:recognize",
        "artifact:text.json",
        "artifact:text.txt",
        "step:publish",
        "artifact:manifest.json",
        "text-index",
        "ending-row",
        "delivery-row",
        "commit:end",
        "courier-start",
        "webhook-send",
        "attempt-row",
        "commit:attempt",
    ),
}


class CrashPoint(NamedTuple):
    #: The process that comes by.
    part: Part
    name: str


def crash_points() -> tuple[CrashPoint, ...]:
    return tuple(
        CrashPoint(part, f"{when}:{step}")
        for part, steps in _STEPS.items()
        for step in steps
        for when in ("before", "after")
    )


class Points:
    """Those of one part of the stack: what its processes and the drill share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def arm(self, point: str) -> None:
        self.victim(point)
        (self._folder / point).touch()

    def disarm(self, point: str) -> None:
        (self._folder / point).unlink(missing_ok=True)

    def is_armed(self, point: str) -> bool:
        return (self._folder / point).exists()

    def victim(self, point: str) -> int | None:
        """The process that has died there since it was armed, told once."""
        for taken in self._folder.glob(f"{point}@*"):
            taken.unlink()
            return int(taken.name.rpartition("@")[2])
        return None

    def come_by(self, point: str) -> None:
        """Die here, if that is wished."""
        with suppress(FileNotFoundError):
            (self._folder / point).rename(self._folder / f"{point}@{os.getpid()}")
            os._exit(KILLED)
