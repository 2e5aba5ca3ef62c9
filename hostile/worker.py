"""What the worker shows of itself meanwhile: its memory, its children, its log."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from hostile.photos import HEADING

DIED, TIMED_OUT = "imaging_child_died", "imaging_child_timed_out"
_SECONDS = 0.2
_MEGABYTE = 1 << 20


class WorkerLog:
    """Read as it grows: the file is set aside and begun anew when it gets long."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._at = file.stat().st_size
        #: How children ended that were at work.
        self.crashes: Counter[str] = Counter()
        #: The same, by the job that they worked on.
        self.crashed: dict[str, str] = {}
        #: By job, the seconds of each step that was done.
        self.seconds: dict[str, dict[str, float]] = defaultdict(dict)
        #: By job, or for none, what the log should not hold.
        self.faults: dict[str, list[str]] = defaultdict(list)

    def read(self) -> None:
        for line in self._lines():
            try:
                self._take(json.loads(line), line)
            except ValueError:
                self._suspect(line, "")

    def _lines(self) -> Iterator[str]:
        if self._file.stat().st_size < self._at:
            yield from self._new_lines(self._file.with_suffix(".log.1"))
            self._at = 0
        yield from self._new_lines(self._file)

    def _new_lines(self, file: Path) -> Iterator[str]:
        with file.open("rb") as log:
            log.seek(self._at)
            whole, end, _ = log.read().rpartition(b"\n")
        self._at += len(whole) + len(end)
        for line in whole.splitlines():
            yield line.decode(errors="replace")

    def _take(self, record: Mapping[str, Any], line: str) -> None:
        event, job_id = record.get("event", ""), record.get("job_id", "")
        self._suspect(line, job_id)
        if "exception" in record:
            self.faults[job_id].append(f"The worker's log has a traceback: {event}.")
        if event in (DIED, TIMED_OUT):
            self.crashes[event] += 1
            self.crashed[job_id] = event
        if event == "step_done":
            self.seconds[job_id][record["step"]] = record["duration_ms"] / 1000

    def _suspect(self, line: str, job_id: str) -> None:
        if HEADING in line:
            self.faults[job_id].append("The worker's log has a photo's text.")
        if "Traceback" in line:
            self.faults[job_id].append("The worker's log has a traceback.")


class WorkerMemory:
    """Megabytes: at the beginning, at most, and at the end."""

    def __init__(self, worker: psutil.Process) -> None:
        self._worker = worker
        self.start = self.end = self.peak = _resident(worker)
        self.largest_child = self.all_children = 0.0

    def look(self) -> None:
        children = [_resident(child) for child in children_of(self._worker)]
        self.end = _resident(self._worker)
        self.peak = max(self.peak, self.end)
        self.largest_child = max([self.largest_child, *children])
        self.all_children = max(self.all_children, sum(children))


def is_alive(worker: psutil.Process) -> bool:
    """Whether it is still the process that it was."""
    return worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE


def children_of(worker: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return worker.children(recursive=True)
    return []


async def watch(log: WorkerLog, memory: WorkerMemory) -> None:
    """Until it is cancelled."""
    while True:
        log.read()
        memory.look()
        await asyncio.sleep(_SECONDS)


def _resident(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        resident: int = process.memory_info().rss
        return resident / _MEGABYTE
    return 0.0
