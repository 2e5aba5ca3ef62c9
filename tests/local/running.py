"""A stack in a process of its own, to be stopped, killed and looked at."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil

from photo.entrypoints.local import child
from tests.local.a_stack import SERVING

SCRIPT = Path(__file__).with_name("a_stack.py")
ROOT = SCRIPT.parents[2]
IDLE = "import signal; signal.pause()"
#: Longer than all that a stack itself may take to begin.
SECONDS = 180.0


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not holds():  # noqa: ASYNC110 processes tell nobody when they end
            await asyncio.sleep(0.02)


class RunningStack:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid
        self.lines: list[str] = []

    async def read_until(self, end: str) -> None:
        """Reads what it says up to a line, or to its end."""
        assert self._process.stdout
        async with asyncio.timeout(SECONDS):
            async for line in self._process.stdout:
                self.lines.append(line.decode().rstrip("\n"))
                if self.lines[-1] == end:
                    return

    async def ended(self) -> int:
        """Reads the rest; its exit code."""
        await self.read_until("")
        return await self._process.wait()

    def all(self) -> list[psutil.Process]:
        """It and everything below it."""
        top = psutil.Process(self.pid)
        return [top, *top.children(recursive=True)]

    def users(self) -> set[int]:
        """Whom its processes run as; some, as Postgres's, may end at any time."""
        users = set()
        for process in self.all():
            with suppress(psutil.NoSuchProcess):
                users.add(process.uids().effective)
        return users

    def child(self, name: str) -> psutil.Process:
        """The one whose command line has this argument or program."""
        [found] = [
            process
            for process in psutil.Process(self.pid).children()
            if any(Path(part).name == name for part in process.cmdline())
        ]
        return found

    def press_ctrl_c(self) -> None:
        """What a terminal does: to all of the process group."""
        os.killpg(self.pid, signal.SIGINT)

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)


@asynccontextmanager
async def a_stack(
    data_dir: Path,
    port: int,
    *,
    worker: str = IDLE,
    prefix: Sequence[str] = (),
) -> AsyncIterator[RunningStack]:
    process = await asyncio.create_subprocess_exec(
        *prefix,
        sys.executable,
        str(SCRIPT),
        str(data_dir),
        str(port),
        worker,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    stack = RunningStack(process)
    try:
        yield stack
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await stack.ended()


@asynccontextmanager
async def a_serving_stack(
    data_dir: Path,
    port: int,
    *,
    worker: str = IDLE,
    prefix: Sequence[str] = (),
) -> AsyncIterator[RunningStack]:
    async with a_stack(data_dir, port, worker=worker, prefix=prefix) as stack:
        await stack.read_until(SERVING)
        assert stack.lines[-1] == SERVING, "\n".join(stack.lines)
        yield stack


def as_an_ordinary_user() -> list[str]:
    """Puts `nobody` before a command; reach into root's folders stays."""
    return [sys.executable, child.__file__, str(os.getpid()), "9", "65534:65534"]


def is_gone(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    return True


async def all_gone(processes: Sequence[psutil.Process]) -> None:
    await until(lambda: all(map(is_gone, processes)))
