"""A child's output, kept in a file of bounded length."""

import os
import shutil
from pathlib import Path
from typing import IO

ROTATE_BYTES = 5_000_000
TAIL_BYTES = 16_384
TAIL_LINES = 20


class Log:
    """Appends to what earlier runs wrote."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.bound()
        self._start = self._size()

    def bound(self) -> None:
        """Set a long file's content aside; whoever writes to it begins it anew."""
        if self._size() > ROTATE_BYTES:
            shutil.copy(self._file, self._file.with_suffix(".log.1"))
            os.truncate(self._file, 0)
            self._start = 0

    def open(self) -> IO[bytes]:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        return os.fdopen(os.open(self._file, flags, 0o600), "ab")

    def _size(self) -> int:
        return self._file.stat().st_size if self._file.exists() else 0

    def tail(self) -> str:
        """The last lines of this run, indented."""
        with self._file.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(self._start, end - TAIL_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-TAIL_LINES:] or ["(no output)"])
