"""A child's output, kept in a file of bounded length."""

import os
from pathlib import Path
from typing import IO

ROTATE_BYTES = 5_000_000
TAIL_BYTES = 16_384
TAIL_LINES = 20


class Log:
    """Appends to what earlier runs wrote; a long file is set aside first."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._start = file.stat().st_size if file.exists() else 0
        if self._start > ROTATE_BYTES:
            file.replace(file.with_suffix(".log.1"))
            self._start = 0

    def open(self) -> IO[bytes]:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        return os.fdopen(os.open(self._file, flags, 0o600), "ab")

    def tail(self) -> str:
        """The last lines of this run, indented."""
        with self._file.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(self._start, end - TAIL_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-TAIL_LINES:] or ["(no output)"])
