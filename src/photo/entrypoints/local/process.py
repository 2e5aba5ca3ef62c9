"""A supervised child process."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from photo.entrypoints.local import child
from photo.entrypoints.local.errors import StackError

TAIL_LINES = 20
TAIL_BYTES = 16_384
LOG_BYTES = 5_000_000
POLL_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run, and how it is ended.

    `death_signal` is what it gets when this process is killed (Linux).
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path | None = None
    user: tuple[int, int] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    grace_seconds: float = 15.0

    def command(self) -> list[str]:
        user = ":".join(map(str, self.user)) if self.user else "-"
        bond = [str(os.getpid()), str(int(self.death_signal)), user]
        return [sys.executable, "-ISs", child.__file__, *bond, *self.argv]


class Process:
    """A running program in a session of its own: a terminal's Ctrl-C passes it by."""

    def __init__(
        self, program: Program, process: asyncio.subprocess.Process, log: Path
    ) -> None:
        self.program = program
        self.pid = process.pid
        self._process = process
        self._log = log
        self._log_start = 0

    @classmethod
    async def start(
        cls,
        program: Program,
        *,
        logs: Path,
        stdin: IO[bytes] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> Self:
        log = logs / f"{program.name}.log"
        start = _rotate(log)
        with open(log, "ab", opener=_private) as output:  # noqa: PTH123 Path.open has no opener
            process = await asyncio.create_subprocess_exec(
                *program.command(),
                stdin=stdin or asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                env=dict(program.env),
                cwd=program.cwd,
                start_new_session=True,
                pass_fds=pass_fds,
            )
        started = cls(program, process, log)
        started._log_start = start
        return started

    async def wait(self) -> int:
        return await self._process.wait()

    async def stop(self) -> None:
        """Ends it: asks first, kills after the program's grace."""
        self._signal(self.program.stop_signal)
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.wait(), self.program.grace_seconds)
        finally:
            self.kill()
            await self.wait()

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def died(self) -> StackError:
        """Awaits its end and tells it, with the last lines of its log."""
        code = await self.wait()
        how = (
            f"was killed by {signal.Signals(-code).name}"
            if code < 0
            else f"ended with exit code {code}"
        )
        lines = "\n".join(f"  {line}" for line in self.log_tail()) or "  (no output)"
        return StackError(f"{self.program.name} {how}. Its last lines:\n{lines}")

    def log_tail(self) -> list[str]:
        with self._log.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_start, end - TAIL_BYTES))
            return log.read().decode(errors="replace").splitlines()[-TAIL_LINES:]

    async def until(
        self, is_ready: Callable[[], Awaitable[bool]], *, seconds: float
    ) -> None:
        """Awaits readiness; raises as soon as the process ends, or when time is up."""
        death = asyncio.create_task(self.died())
        try:
            async with asyncio.timeout(seconds):
                while not await is_ready():
                    if death.done():
                        raise death.result()
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            lines = "\n".join(f"  {line}" for line in self.log_tail())
            raise StackError(
                f"{self.program.name} was not ready in {seconds:.0f} s. "
                f"Its last lines:\n{lines}"
            ) from None
        finally:
            death.cancel()


def _rotate(log: Path) -> int:
    """Sets a long log aside; answers where the next line will begin."""
    size = log.stat().st_size if log.exists() else 0
    if size <= LOG_BYTES:
        return size
    log.replace(log.with_suffix(".log.1"))
    return 0


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
