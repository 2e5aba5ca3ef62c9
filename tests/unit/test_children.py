"""The pool of child processes: what happens to a call, and to the next one."""

import asyncio
import ctypes
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, create_subprocess_exec
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from photo.adapters.imaging.children import ChildDied, ImagingPool
from photo.domain.errors import CorruptImage, TimedOut, Unavailable


def hang_in_c(pid_file: Path) -> None:
    """Stay in a C call that looks at no signal, as a decoder does."""
    pid_file.write_text(str(os.getpid()))
    sum(range(10**15))


def crash() -> None:
    ctypes.string_at(0)


def eat_memory() -> int:
    return len(bytearray(64 << 30))


def refuse() -> None:
    raise CorruptImage("no")


def shout() -> None:
    os.write(1, b"the photo's text")
    os.write(2, b"the photo's text")


@pytest.fixture
async def pool() -> AsyncIterator[ImagingPool]:
    async with ImagingPool(workers=1, timeout=timedelta(seconds=30)) as pool:
        yield pool


def lives(pid: int) -> bool:
    """Whether a process runs; one that nobody has buried yet does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


async def until_gone(pid: int) -> None:
    async with asyncio.timeout(1):
        while lives(pid):  # noqa: ASYNC110 - other processes set no events
            await asyncio.sleep(0.01)


async def until_written(path: Path) -> int:
    async with asyncio.timeout(30):
        while not (path.exists() and path.read_text()):  # noqa: ASYNC110 - the same
            await asyncio.sleep(0.01)
    return int(path.read_text())


async def test_a_call_runs_in_another_process(pool: ImagingPool) -> None:
    assert await pool.run(os.getpid) != os.getpid()


async def test_an_error_of_the_domain_comes_through(pool: ImagingPool) -> None:
    with pytest.raises(CorruptImage, match="no"):
        await pool.run(refuse)


@pytest.mark.parametrize("work", [crash, eat_memory, os.abort])
async def test_a_crash_fails_its_call_and_not_the_next(
    pool: ImagingPool, work: type
) -> None:
    with pytest.raises(ChildDied):
        await pool.run(work)
    assert await pool.run(os.getpid) != os.getpid()


async def test_a_cancelled_call_is_killed_within_a_second(
    pool: ImagingPool, tmp_path: Path
) -> None:
    call = asyncio.create_task(pool.run(hang_in_c, tmp_path / "pid"))
    pid = await until_written(tmp_path / "pid")
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await until_gone(pid)
    assert await pool.run(os.getpid) != pid


async def test_a_call_that_waits_its_turn_can_be_cancelled_for_nothing(
    pool: ImagingPool, tmp_path: Path
) -> None:
    first = asyncio.create_task(pool.run(hang_in_c, tmp_path / "first"))
    pid = await until_written(tmp_path / "first")
    second = asyncio.create_task(pool.run(hang_in_c, tmp_path / "second"))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    assert lives(pid)
    assert not (tmp_path / "second").exists()
    first.cancel()


async def test_a_call_that_takes_too_long_times_out(tmp_path: Path) -> None:
    async with ImagingPool(workers=1, timeout=timedelta(seconds=0.5)) as pool:
        with pytest.raises(TimedOut, match=r"longer than 0\.5 seconds"):
            await pool.run(hang_in_c, tmp_path / "pid")
        await until_gone(int((tmp_path / "pid").read_text()))


async def test_a_child_killed_while_idle_is_replaced(pool: ImagingPool) -> None:
    pid = await pool.run(os.getpid)
    os.kill(pid, signal.SIGKILL)
    await until_gone(pid)
    assert await pool.run(os.getpid) != pid


async def test_the_loop_is_free_while_a_child_works(
    pool: ImagingPool, tmp_path: Path
) -> None:
    call = asyncio.create_task(pool.run(hang_in_c, tmp_path / "pid"))
    await until_written(tmp_path / "pid")
    before = asyncio.get_running_loop().time()
    await asyncio.sleep(0)
    assert asyncio.get_running_loop().time() - before < 0.1
    call.cancel()


async def test_nothing_runs_before_the_pool_is_open_or_after_it_is_closed() -> None:
    pool = ImagingPool(workers=1)
    with pytest.raises(Unavailable):
        await pool.run(os.getpid)
    async with pool:
        pid = await pool.run(os.getpid)
    with pytest.raises(Unavailable):
        await pool.run(os.getpid)
    await until_gone(pid)


async def test_a_pool_whose_children_cannot_start_says_so() -> None:
    with pytest.raises(Unavailable):
        async with ImagingPool(workers=1, memory_bytes=256 << 20):
            pass


async def test_children_are_silent(
    pool: ImagingPool, capfd: pytest.CaptureFixture[str]
) -> None:
    await pool.run(shout)
    assert capfd.readouterr() == ("", "")


PARENT = """
import asyncio, sys
from photo.adapters.imaging.children import ImagingPool

WORK = "import os, signal; open({!r}, 'w').write(str(os.getpid())); signal.pause()"

async def main():
    async with ImagingPool(workers=1) as pool:
        await pool.run(exec, WORK.format(sys.argv[1]))

asyncio.run(main())
"""


async def test_children_at_work_die_with_a_parent_that_is_killed(
    tmp_path: Path,
) -> None:
    pid_file = tmp_path / "pid"
    parent = await create_subprocess_exec(
        sys.executable, "-c", PARENT, str(pid_file), stderr=DEVNULL
    )
    child = await until_written(pid_file)
    assert lives(child)
    parent.kill()
    await parent.wait()
    await until_gone(child)
