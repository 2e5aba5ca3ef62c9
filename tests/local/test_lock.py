import asyncio
import os
from pathlib import Path

import pytest

from photo.entrypoints.local.errors import StackError
from photo.entrypoints.local.lock import locked


async def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    async with locked(tmp_path):
        with pytest.raises(StackError, match=f"pid {os.getpid()}"):
            async with locked(tmp_path):
                pass


async def test_servers_of_a_killed_stack_are_awaited(tmp_path: Path) -> None:
    async with locked(tmp_path) as descriptor:
        held_by_a_server = os.dup(descriptor)

    async def enter() -> None:
        async with locked(tmp_path):
            pass

    next_stack = asyncio.create_task(enter())
    done, _ = await asyncio.wait([next_stack], timeout=0.3)
    assert not done
    os.close(held_by_a_server)
    await asyncio.wait_for(next_stack, 60)


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StackError, match="file/data cannot be used: Not a directory"):
        async with locked(tmp_path / "file" / "data"):
            pass
