"""A small disk for the workers alone, which can be filled: a tmpfs in a namespace.

A user may mount one in a namespace of his own, where the system allows those. A process
that does nothing holds it, so that files outlive the workers, as on a disk.
"""

import asyncio
import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from shlex import quote

from photo.entrypoints.local.children import Children
from photo.entrypoints.local.errors import StackError
from photo.entrypoints.local.process import Program

_BYTES = 256 << 20
_PIECE = bytes(1 << 20)
_READY_SECONDS = 30.0
#: The file that says so.
_READY = "ready"


class Scratch:
    def __init__(self, folder: Path, holder: int | None) -> None:
        #: As the workers see it.
        self.inside = folder
        self._holder = holder

    @classmethod
    async def made(cls, children: Children, folder: Path) -> "Scratch":
        """On a disk of its own, or else as a mere folder."""
        await asyncio.to_thread(folder.mkdir, mode=0o700)
        unshare = shutil.which("unshare")
        if unshare is None or not shutil.which("nsenter"):
            return cls(folder, None)
        script = (
            f"mount -t tmpfs -o size={_BYTES},mode=700 scratch {quote(str(folder))} "
            f"&& {quote(sys.executable)} -c '' "
            f"&& : > {quote(str(folder / _READY))} && exec sleep infinity"
        )
        holder = await children.start(
            Program(
                name="scratch",
                argv=[unshare, "--map-root-user", "--mount", "/bin/sh", "-c", script],
                env={"PATH": os.environ["PATH"]},
            )
        )
        made = cls(folder, holder.pid)
        try:
            await holder.until(made._is_ready, seconds=_READY_SECONDS)
        except StackError:
            return cls(folder, None)
        return made

    @property
    def fillable(self) -> bool:
        return self._holder is not None

    @property
    def outside(self) -> Path:
        """The same folder, as everybody else reaches it."""
        if self._holder is None:
            return self.inside
        return Path(f"/proc/{self._holder}/root{self.inside}")

    @property
    def entering(self) -> Sequence[str]:
        """What to put before a command that is to run there."""
        if self._holder is None:
            return []
        nsenter = shutil.which("nsenter") or ""
        ways = ["--user", "--mount", "--preserve-credentials"]
        where = f"--wd={self.inside.parent}"
        return [nsenter, f"--target={self._holder}", *ways, where]

    def fill(self) -> None:
        with self._filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(_PIECE)

    def free(self) -> None:
        self._filler.unlink(missing_ok=True)

    @property
    def _filler(self) -> Path:
        return self.outside / "filler"

    async def _is_ready(self) -> bool:
        try:
            (self.outside / _READY).unlink()
        except OSError:
            return False
        return True
