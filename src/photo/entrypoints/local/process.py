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
from photo.entrypoints.local.log import Log

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
        self, program: Program, process: asyncio.subprocess.Process, log: Log
    ) -> None:
        self.program = program
        self._process = process
        self.log = log

    @classmethod
    async def start(
        cls,
        program: Program,
        *,
        logs: Path,
        stdin: IO[bytes] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> Self:
        log = Log(logs / f"{program.name}.log")
        with log.open() as output:
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
        return cls(program, process, log)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def wait(self) -> int:
        return await self._process.wait()

    async def died(self) -> StackError:
        """Awaits its end and tells it, with the last lines of its log."""
        code = await self.wait()
        how = (
            f"was killed by {signal.Signals(-code).name}"
            if code < 0
            else f"ended with exit code {code}"
        )
        return self._error(how)

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
            raise self._error(f"was not ready in {seconds:.0f} s") from None
        finally:
            death.cancel()

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

    def _error(self, what: str) -> StackError:
        return StackError(
            f"{self.program.name} {what}. Its last lines:\n{self.log.tail()}"
        )
