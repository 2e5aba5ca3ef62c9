import asyncio
import errno
import os
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from signal import SIGTERM

import psutil
import pytest

from drill import clock
from drill.clamd import reload
from drill.scratch import Scratch
from drill.supervisor import Kept, Running
from photo.entrypoints.local.ports import choose_ports
from photo.entrypoints.local.process import Process, Program
from tests.scanning import Clamd

SLEEPING = ["-c", "import signal; signal.pause()"]
WRITING = """
import os, sys
try:
    with open(os.environ["TMPDIR"] + "/photo", "wb", 0) as file:
        file.write(bytes(1 << 16))
except OSError as error:
    sys.exit(error.errno)
"""
NOW = "from datetime import datetime, UTC; print(datetime.now(UTC).isoformat())"


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with Running(tmp_path) as running:
        yield running


def a_program(*arguments: str, **env: str) -> Program:
    return Program(name="it", argv=[sys.executable, *arguments], env=env)


@pytest.fixture
async def kept(running: Running) -> AsyncIterator[Kept]:
    program = a_program(*SLEEPING)
    kept = Kept("it", running, lambda: running.start(program))
    await running.start(program)
    kept.keep()
    yield kept
    await kept.let_go()


@pytest.mark.parametrize(
    "end", [Process.kill, lambda process: os.kill(process.pid, SIGTERM)]
)
async def test_what_ends_comes_back(kept: Kept, end: Callable[[Process], None]) -> None:
    first = kept.process
    end(first)
    await kept.replaced()
    assert kept.process.pid != first.pid
    assert psutil.Process(kept.process.pid).is_running()


async def test_what_dies_on_its_way_back_comes_back_too(kept: Kept) -> None:
    pids = {kept.process.pid}
    for _ in range(3):
        kept.process.kill()
        await kept.replaced()
        pids.add(kept.process.pid)
    assert len(pids) == 4


async def test_what_is_let_go_stays_away(kept: Kept) -> None:
    last = kept.process
    await kept.let_go()
    await last.stop()
    assert kept.process is last


async def test_what_is_stopped_holds_still_and_goes_on(kept: Kept) -> None:
    process = psutil.Process(kept.process.pid)
    with kept.stopped():
        while process.status() != psutil.STATUS_STOPPED:  # noqa: ASYNC110 # a signal
            await asyncio.sleep(0.01)
    while process.status() == psutil.STATUS_STOPPED:  # noqa: ASYNC110 # a signal
        await asyncio.sleep(0.01)
    assert process.is_running()


@pytest.fixture
async def scratch(running: Running) -> Scratch:
    made = await Scratch.made(running, running.data_dir / "scratch")
    if not made.fillable:
        pytest.skip("this machine allows no user namespaces")
    return made


async def write(running: Running, scratch: Scratch) -> int:
    """What a worker's attempt to write comes to."""
    env = {"TMPDIR": str(scratch.inside)}
    argv = [*scratch.entering, sys.executable, "-c", WRITING]
    process = await running.start(Program(name="writer", argv=argv, env=env))
    return await process.wait()


async def test_a_full_disk_is_full_until_it_is_freed(
    running: Running, scratch: Scratch
) -> None:
    assert await write(running, scratch) == 0
    assert [file.name for file in scratch.outside.iterdir()] == ["photo"]
    assert not [*scratch.inside.iterdir()]
    (scratch.outside / "photo").unlink()

    scratch.fill()
    assert await write(running, scratch) == errno.ENOSPC

    scratch.free()
    assert await write(running, scratch) == 0


async def test_a_clock_is_wrong_by_so_many_seconds_and_leaves_nothing(
    running: Running,
) -> None:
    process = await running.start(a_program("-c", NOW, **clock.wrong_by(-1200)))
    assert await process.wait() == 0
    told = datetime.fromisoformat((running.logs / "it.log").read_text().strip())
    late = datetime.now(UTC) - told
    assert timedelta(seconds=1195) < late < timedelta(seconds=1260)
    clock.clean_up()
    assert not [*Path("/dev/shm").glob(f"*faketime*_{process.pid}")]  # noqa: S108


async def test_a_scanner_that_is_there_reads_its_signatures_anew(clamd: Clamd) -> None:
    port = int(clamd.tcp_url.rpartition(":")[2])
    assert await reload(port)
    await clamd.answers()
    assert not await reload(choose_ports(["nobody"])["nobody"])
