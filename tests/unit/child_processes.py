"""What tests of child processes need."""

import asyncio
from pathlib import Path

import psutil

from photo.adapters.imaging.box import Limits

SMALL = Limits(memory_bytes=1 << 30, file_bytes=1 << 20)


def lives(pid: int) -> bool:
    """Whether a process runs; one that nobody has buried yet does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


async def until_gone(pid: int) -> None:
    async with asyncio.timeout(60):
        while lives(pid):  # noqa: ASYNC110 - other processes set no events
            await asyncio.sleep(0.01)


async def until_written(path: Path) -> int:
    async with asyncio.timeout(60):
        while not (path.exists() and path.read_text()):  # noqa: ASYNC110 - the same
            await asyncio.sleep(0.01)
    return int(path.read_text())
