"""The pool of child processes: what happens to a call, and to the next one."""

import asyncio
import ctypes
import gc
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, create_subprocess_exec
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import psutil
import pytest
from structlog.testing import capture_logs

from photo.adapters.imaging.answers import ChildBroke
from photo.adapters.imaging.box import Limits
from photo.adapters.imaging.children import ChildDied, ImagingPool
from photo.domain.errors import CorruptImage, TimedOut, Unavailable


def hang(pid_file: Path) -> None:
    pid_file.write_text(str(os.getpid()))
    signal.pause()


def hang_in_c() -> None:
    """Stay in a C call that looks at no signal, as a decoder does."""
    sum(range(10**15))


def crash() -> None:
    ctypes.string_at(0)


def eat_memory() -> int:
    return len(bytearray(64 << 30))


def eat_memory_bit_by_bit() -> None:
    eaten = []
    while True:
        eaten.append(b"x" * (16 << 20))


def quit_in_the_middle() -> None:
    os._exit(0)


def refuse() -> None:
    raise CorruptImage("no")


def stumble() -> None:
    raise LookupError("the photo's text")


def say_too_much() -> str:
    return "a" * (32 << 20)


DEATHS = {
    crash: "SIGSEGV",
    eat_memory: "memory",
    eat_memory_bit_by_bit: "memory",
    os.abort: "SIGABRT",
    quit_in_the_middle: "exit 0",
}


SMALL = Limits(memory_bytes=1 << 30, cpu_seconds=1)


def nothing() -> None:
    """What children load here: they start ten times as fast without the models."""


@pytest.fixture
async def pool() -> AsyncIterator[ImagingPool]:
    async with ImagingPool(workers=1, load=nothing, limits=SMALL) as pool:
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
    assert await pool.run(int, os.getpid) != os.getpid()


async def test_an_error_of_the_domain_comes_through(pool: ImagingPool) -> None:
    with pytest.raises(CorruptImage, match="no"):
        await pool.run(type(None), refuse)


async def test_a_bug_comes_through_by_type_and_place_alone(pool: ImagingPool) -> None:
    with pytest.raises(ChildBroke, match=r"^LookupError at .*test_children\.py:\d+$"):
        await pool.run(type(None), stumble)


@pytest.mark.parametrize("work", DEATHS)
async def test_a_crash_fails_its_call_and_not_the_next(
    pool: ImagingPool, work: Callable[[], None]
) -> None:
    with capture_logs() as logs, pytest.raises(ChildDied, match=DEATHS[work]):
        await pool.run(type(None), work)
    assert logs == [
        {
            "event": "imaging_child_died",
            "log_level": "warning",
            "reason": DEATHS[work],
            "work": work.__name__,
        }
    ]
    assert await pool.run(int, os.getpid) != os.getpid()


async def test_an_answer_of_another_kind_ends_the_child(pool: ImagingPool) -> None:
    pid = await pool.run(int, os.getpid)
    with capture_logs() as logs, pytest.raises(ChildDied):
        await pool.run(str, cast("Any", os.getpid))
    assert len(logs) == 1
    assert await pool.run(int, os.getpid) != pid


async def test_an_endless_answer_is_not_taken_in(pool: ImagingPool) -> None:
    with pytest.raises(ChildDied):
        await pool.run(str, say_too_much)
    assert await pool.run(int, os.getpid)


async def test_many_deaths_at_once_leave_the_pool_whole() -> None:
    deaths = list(DEATHS) * 2
    async with ImagingPool(workers=2, load=nothing, limits=SMALL) as pool:
        ends = await asyncio.gather(
            *(pool.run(type(None), work) for work in deaths), return_exceptions=True
        )
        assert [type(end) for end in ends] == [ChildDied] * 10
        pids = await asyncio.gather(*(pool.run(int, os.getpid) for _ in range(6)))
        assert len(set(pids)) <= 2


async def test_deaths_leave_nothing_behind_in_the_parent(pool: ImagingPool) -> None:
    parent = psutil.Process()

    async def die() -> int:
        with pytest.raises(ChildDied):
            await pool.run(type(None), os.abort)
        await pool.run(int, os.getpid)
        gc.collect()
        return parent.num_fds() + parent.num_threads()

    await die()
    before = await die()
    assert await die() == before
    assert len(parent.children()) == 1


async def test_a_cancelled_call_is_killed_within_a_second(
    pool: ImagingPool, tmp_path: Path
) -> None:
    call = asyncio.create_task(pool.run(type(None), hang, tmp_path / "pid"))
    pid = await until_written(tmp_path / "pid")
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await until_gone(pid)
    assert await pool.run(int, os.getpid) != pid


async def test_a_call_that_waits_its_turn_can_be_cancelled_for_nothing(
    pool: ImagingPool, tmp_path: Path
) -> None:
    first = asyncio.create_task(pool.run(type(None), hang, tmp_path / "first"))
    pid = await until_written(tmp_path / "first")
    second = asyncio.create_task(pool.run(type(None), hang, tmp_path / "second"))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    assert lives(pid)
    assert not (tmp_path / "second").exists()
    first.cancel()


async def test_a_call_that_takes_too_long_times_out(tmp_path: Path) -> None:
    async with ImagingPool(
        workers=1, load=nothing, timeout=timedelta(seconds=0.5)
    ) as pool:
        with (
            capture_logs() as logs,
            pytest.raises(TimedOut, match=r"longer than 0\.5 seconds"),
        ):
            await pool.run(type(None), hang, tmp_path / "pid")
        assert [log["event"] for log in logs] == ["imaging_child_timed_out"]
        await until_gone(int((tmp_path / "pid").read_text()))


async def test_a_call_that_uses_too_much_processor_time_is_killed(
    pool: ImagingPool,
) -> None:
    for _ in range(2):
        since = time.monotonic()
        with pytest.raises(ChildDied, match="SIGXCPU"):
            await pool.run(type(None), hang_in_c)
        assert time.monotonic() - since < 15


async def test_processor_time_is_counted_by_call(pool: ImagingPool) -> None:
    pid = await pool.run(int, os.getpid)
    for _ in range(6):
        await pool.run(int, sum, range(10**7))
    assert await pool.run(int, os.getpid) == pid


async def test_a_child_killed_while_idle_is_replaced(pool: ImagingPool) -> None:
    pid = await pool.run(int, os.getpid)
    os.kill(pid, signal.SIGKILL)
    await until_gone(pid)
    with capture_logs() as logs:
        assert await pool.run(int, os.getpid) != pid
    assert [(log["reason"], log["work"]) for log in logs] == [("SIGKILL", None)]


async def test_the_loop_is_free_while_a_child_works(
    pool: ImagingPool, tmp_path: Path
) -> None:
    call = asyncio.create_task(pool.run(type(None), hang, tmp_path / "pid"))
    await until_written(tmp_path / "pid")
    before = asyncio.get_running_loop().time()
    await asyncio.sleep(0)
    assert asyncio.get_running_loop().time() - before < 0.1
    call.cancel()


async def test_nothing_runs_before_the_pool_is_open_or_after_it_is_closed() -> None:
    pool = ImagingPool(workers=1, load=nothing, limits=SMALL)
    with pytest.raises(Unavailable):
        await pool.run(int, os.getpid)
    async with pool:
        pid = await pool.run(int, os.getpid)
    with pytest.raises(Unavailable):
        await pool.run(int, os.getpid)
    await until_gone(pid)


async def test_calls_that_run_or_wait_when_the_pool_closes_are_no_photos_fault(
    tmp_path: Path,
) -> None:
    async with ImagingPool(workers=1, load=nothing, limits=SMALL) as pool:
        calls = [
            asyncio.create_task(pool.run(type(None), hang, tmp_path / "pid"))
            for _ in range(3)
        ]
        await until_written(tmp_path / "pid")
    ends = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(end) for end in ends] == [Unavailable] * 3


async def test_a_pool_whose_children_cannot_start_says_so(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(Unavailable):
        async with ImagingPool(workers=1, limits=Limits(memory_bytes=256 << 20)):
            pass
    assert "ImportError" in capfd.readouterr().err


PARENT = """
import asyncio, sys
from photo.adapters.imaging.children import ImagingPool

WORK = "import os, signal; open({!r}, 'w').write(str(os.getpid())); signal.pause()"

async def main():
    async with ImagingPool(workers=1) as pool:
        await pool.run(type(None), exec, WORK.format(sys.argv[1]))

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
