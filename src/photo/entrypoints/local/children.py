"""The processes of one data directory."""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self, TypeVar

from photo.entrypoints.local.lock import locked
from photo.entrypoints.local.process import Process, Program

T = TypeVar("T")

#: How often the length of the logs is looked at.
LOG_SECONDS = 10.0


class Children:
    """Started wave by wave, stopped in reverse when the block ends.

    The block owns the data directory; every child holds its lock as long as it lives.
    """

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.absolute()
        self.logs = self.data_dir / "logs"
        self._resources = AsyncExitStack()
        self._lock = -1
        self._waves: list[list[Process]] = [[]]

    async def __aenter__(self) -> Self:
        self._lock = await self._resources.enter_async_context(locked(self.data_dir))
        self.logs.mkdir(mode=0o700, exist_ok=True)
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            for wave in reversed(self._waves):
                await asyncio.gather(*(process.stop() for process in wave))
        finally:
            self.kill()
            await self._resources.aclose()

    async def start(self, program: Program) -> Process:
        process = await Process.start(program, logs=self.logs, pass_fds=[self._lock])
        self._waves[-1].append(process)
        return process

    def next_wave(self) -> None:
        """What starts from here on is stopped before all that runs now."""
        self._waves.append([])

    async def during(self, work: Coroutine[Any, Any, T]) -> T:
        """What `work` answers; a child that dies first cancels it and is raised."""
        task = asyncio.create_task(work)
        deaths = [
            asyncio.create_task(process.died())
            for wave in self._waves
            for process in wave
        ]
        logs = asyncio.create_task(self._bound_logs())
        try:
            await asyncio.wait([task, *deaths], return_when=asyncio.FIRST_COMPLETED)
            for death in deaths:
                if death.done():
                    raise death.result()
            return await task
        finally:
            for other in (task, *deaths, logs):
                other.cancel()
            await asyncio.gather(task, *deaths, logs, return_exceptions=True)

    async def _bound_logs(self) -> None:
        while True:
            for wave in self._waves:
                for process in wave:
                    process.log.bound()
            await asyncio.sleep(LOG_SECONDS)

    def kill(self) -> None:
        for wave in self._waves:
            for process in wave:
                process.kill()
