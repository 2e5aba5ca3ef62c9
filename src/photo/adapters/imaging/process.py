"""One child process, seen from its parent."""

import asyncio
import os
import pickle
import signal
import sys
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

import msgspec

from photo.adapters.imaging.answers import Begun, Ready
from photo.adapters.imaging.box import Limits, environment
from photo.adapters.imaging.child import EXIT_OUT_OF_MEMORY
from photo.domain.errors import Unavailable

_START = (
    "import sys; sys.path[:] = sys.argv[1:]; "
    "from photo.adapters.imaging.child import main; main()"
)
_START_SECONDS = 60
#: A page of more text than any photo holds is a tenth of this.
_MAX_ANSWER_BYTES = 16 << 20

#: Reasons of deaths by a child's own limits; any other is a signal or an exit code.
OUT_OF_MEMORY = "memory"
OUT_OF_TIME = signal.SIGPROF.name


class ChildProcess:
    """Takes one call at a time. What went wrong with a call ends it: `bury` it then."""

    def __init__(self, process: Process) -> None:
        self._process = process
        #: The seals that the kernel does not know.
        self.lacking: list[str] = []
        #: Whether it may be given a call: it lives and has none.
        self.fit = False

    @classmethod
    async def spawn(cls) -> Self:
        return cls(
            await create_subprocess_exec(
                sys.executable, "-I", "-c", _START, *sys.path,
                stdin=PIPE, stdout=PIPE, env=environment(),
            )
        )  # fmt: skip

    async def get_ready(
        self, limits: Limits, load: Callable[[], object], scratch: str
    ) -> None:
        """Return when it has loaded what it needs; if it cannot, `Unavailable`."""
        try:
            async with asyncio.timeout(_START_SECONDS):
                await self._send(pickle.dumps((os.getpid(), limits, load, scratch)))
                ready = msgspec.msgpack.decode(await self._receive(), type=Ready)
        except (EOFError, OSError, msgspec.DecodeError, TimeoutError) as error:
            raise Unavailable(
                "The photo reader could not be started.", reason=await self.bury()
            ) from error
        self.lacking = ready.lacking
        self.fit = True

    async def begin(
        self, work: Callable[..., Any], args: tuple[object, ...], cpu_seconds: int
    ) -> bool:
        """Hand over a call; False if the child was dead already."""
        self.fit = False
        with suppress(EOFError, OSError, msgspec.DecodeError):
            await self._send(pickle.dumps((work, args, cpu_seconds)))
            msgspec.msgpack.decode(await self._receive(), type=Begun)
            return True
        return False

    async def answer(self) -> bytes:
        """How the call ended, or `EOFError` if it ended the child."""
        answer = await self._receive()
        self.fit = True
        return answer

    def kill(self) -> None:
        self.fit = False
        if self._process.returncode is None:
            # Not `Process.kill`, which may take the exit code from under asyncio.
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)

    async def bury(self) -> str:
        """End it, if it has not ended by itself, and say why it did."""
        self.kill()
        await self._process.communicate()
        return _reason(self._process.returncode or 0)

    async def _send(self, data: bytes) -> None:
        writer = self._process.stdin
        assert writer  # noqa: S101 - a pipe was asked for
        try:
            writer.write(data)
            await writer.drain()
        except RuntimeError as closed:  # as uvloop says that the child has gone
            raise EOFError from closed

    async def _receive(self) -> bytes:
        reader = self._process.stdout
        assert reader  # noqa: S101 - a pipe was asked for
        size = int.from_bytes(await reader.readexactly(4), "big")
        if size > _MAX_ANSWER_BYTES:
            raise EOFError
        return await reader.readexactly(size)


def _reason(code: int) -> str:
    if code == EXIT_OUT_OF_MEMORY:
        return OUT_OF_MEMORY
    return signal.Signals(-code).name if code < 0 else f"exit {code}"
