"""The pool of child processes: what happens to a call, and to the next one."""

import asyncio
import os
import pickle
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, create_subprocess_exec
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from photo.adapters.imaging.answers import ChildBroke
from photo.adapters.imaging.box import Limits
from photo.adapters.imaging.child import load_models
from photo.adapters.imaging.children import ImagingPool
from photo.domain.errors import CorruptImage, TimedOut, Unavailable
from tests.unit.child_processes import (
    SMALL,
    lives,
    until_gone,
    until_written,
)


def hang(pid_file: Path) -> None:
    pid_file.write_text(str(os.getpid()))
    signal.pause()


def refuse() -> None:
    raise CorruptImage("no")


def stumble() -> None:
    raise LookupError("the photo's text")


def this_module() -> None:
    """What children load here: they start ten times as fast without the models."""


@pytest.fixture
async def pool() -> AsyncIterator[ImagingPool]:
    async with ImagingPool(workers=1, load=this_module, limits=SMALL) as pool:
        yield pool


async def test_a_call_runs_in_another_process(pool: ImagingPool) -> None:
    assert await pool.run(int, os.getpid) != os.getpid()


async def test_a_census_tells_what_the_children_do(tmp_path: Path) -> None:
    pool = ImagingPool(workers=2, load=this_module, limits=SMALL)
    assert pool.census() == {"busy": 0, "idle": 0, "starting": 0}
    async with AsyncExitStack() as stack:
        opening = asyncio.create_task(stack.enter_async_context(pool))
        await asyncio.sleep(0)
        starting = pool.census()
        await opening
        assert starting == {"busy": 0, "idle": 0, "starting": 2}
        assert pool.census() == {"busy": 0, "idle": 2, "starting": 0}
        pid_file = tmp_path / "pid"
        call = asyncio.create_task(pool.run(type(None), hang, pid_file))
        await until_written(pid_file)
        assert pool.census() == {"busy": 1, "idle": 1, "starting": 0}
    assert pool.census() == {"busy": 0, "idle": 0, "starting": 0}
    with pytest.raises(Unavailable):
        await call


async def test_an_error_of_the_domain_comes_through(pool: ImagingPool) -> None:
    with pytest.raises(CorruptImage, match="no"):
        await pool.run(type(None), refuse)


async def test_a_bug_comes_through_by_type_and_place_alone(pool: ImagingPool) -> None:
    with pytest.raises(ChildBroke, match=r"^LookupError at .*test_children\.py:\d+$"):
        await pool.run(type(None), stumble)


async def test_a_cancelled_call_is_killed(pool: ImagingPool, tmp_path: Path) -> None:
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


async def test_calls_are_served_in_the_order_in_which_they_came(
    pool: ImagingPool,
) -> None:
    served: list[str] = []

    async def call(name: str) -> None:
        for _ in range(2):
            await pool.run(int, os.getpid)
            served.append(name)

    await asyncio.gather(*map(call, "abc"))
    assert "".join(served) == "abcabc"


async def test_a_call_that_takes_too_long_times_out(tmp_path: Path) -> None:
    async with ImagingPool(
        workers=1, load=this_module, timeout=timedelta(seconds=0.5)
    ) as pool:
        (child,) = pool._children
        with (
            capture_logs() as logs,
            pytest.raises(TimedOut, match=r"longer than 0\.5 seconds"),
        ):
            await pool.run(type(None), hang, tmp_path / "pid")
        assert [log["event"] for log in logs] == ["imaging_child_timed_out"]
        await until_gone(child._process.pid)


async def test_the_loop_is_free_while_a_child_works(
    pool: ImagingPool, tmp_path: Path
) -> None:
    call = asyncio.create_task(pool.run(type(None), hang, tmp_path / "pid"))
    await until_written(tmp_path / "pid")
    assert not call.done()
    call.cancel()


async def test_nothing_runs_before_the_pool_is_open_or_after_it_is_closed() -> None:
    pool = ImagingPool(workers=1, load=this_module, limits=SMALL)
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
    async with ImagingPool(workers=1, load=this_module, limits=SMALL) as pool:
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


@pytest.mark.parametrize("share", [0, 0.01, 0.5])
async def test_a_child_whose_parent_died_as_it_started_leaves_without_a_word(
    share: float,
) -> None:
    start = pickle.dumps((0, Limits(), load_models, "/"))
    child = await create_subprocess_exec(
        sys.executable, "-c", "from photo.adapters.imaging.child import main; main()",
        stdin=PIPE, stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    said = await child.communicate(start[: int(len(start) * share)])
    assert (child.returncode, said) == (0, (b"", b""))
