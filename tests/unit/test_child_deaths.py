"""Children that die: each costs its own call, and nobody learns of it but the log."""

import asyncio
import ctypes
import gc
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from tempfile import gettempdir
from typing import Any, cast

import psutil
import pytest
import uvloop
from structlog.contextvars import bound_contextvars, merge_contextvars
from structlog.testing import capture_logs

from photo.adapters.imaging import PillowNormalizer, RapidOcrRecognizer
from photo.adapters.imaging.children import ChildDied, ImagingPool
from photo.adapters.imaging.process import ChildProcess
from photo.domain.errors import CorruptImage, RecognitionFailed, Unavailable
from photo.domain.media import MediaType
from tests.unit.child_processes import SMALL, until_gone, until_written


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


def hang_in_c() -> None:
    """Stay in a C call that looks at no signal, as a decoder does."""
    sum(range(10**15))


def say_too_much() -> str:
    return "a" * (32 << 20)


DEATHS = {
    crash: "SIGSEGV",
    eat_memory: "memory",
    eat_memory_bit_by_bit: "memory",
    os.abort: "SIGABRT",
    quit_in_the_middle: "exit 0",
}


def this_module() -> None:
    """What children load here: they start ten times as fast without the models."""


@pytest.fixture
async def pool() -> AsyncIterator[ImagingPool]:
    async with ImagingPool(workers=1, load=this_module, limits=SMALL) as pool:
        yield pool


@pytest.mark.parametrize("work", DEATHS)
async def test_a_crash_fails_its_call_and_not_the_next(
    pool: ImagingPool, work: Callable[[], None]
) -> None:
    with capture_logs() as logs, pytest.raises(ChildDied) as death:
        await pool.run(type(None), work)
    assert death.value.reason == DEATHS[work]
    assert death.value.may_pass == (DEATHS[work] != "memory")
    assert logs == [
        {
            "event": "imaging_child_died",
            "log_level": "warning",
            "reason": DEATHS[work],
            "work": work.__name__,
        }
    ]
    assert await pool.run(int, os.getpid) != os.getpid()


async def test_what_is_logged_of_a_child_says_for_whom_it_worked(
    pool: ImagingPool,
) -> None:
    with capture_logs(processors=[merge_contextvars]) as logs:
        with bound_contextvars(job_id="job_1"), pytest.raises(ChildDied):
            await pool.run(type(None), crash)
        await pool.run(int, os.getpid)
    assert [log["job_id"] for log in logs] == ["job_1"]


def test_on_the_services_own_loop_a_child_may_die_before_it_is_told_anything() -> None:
    async def ask_the_dead() -> bool:
        child = await ChildProcess.spawn()
        child.kill()
        await child.bury()
        with pytest.raises(Unavailable) as failure:
            await child.get_ready(SMALL, this_module, gettempdir())
        assert failure.value.reason == "SIGKILL"
        return await child.begin(os.getpid, (), 1)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(ask_the_dead()) is False


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
    async with ImagingPool(workers=2, load=this_module, limits=SMALL) as pool:
        ends = await asyncio.gather(
            *(pool.run(type(None), work) for work in deaths), return_exceptions=True
        )
        assert [type(end) for end in ends] == [ChildDied] * 10
        pids = await asyncio.gather(*(pool.run(int, os.getpid) for _ in range(6)))
        assert len(set(pids)) <= 2


async def test_deaths_leave_nothing_behind_in_the_parent(pool: ImagingPool) -> None:
    parent = psutil.Process()

    async def die() -> tuple[int, ...]:
        with pytest.raises(ChildDied):
            await pool.run(type(None), os.abort)
        await pool.run(int, os.getpid)
        gc.collect()
        return parent.num_fds(), parent.num_threads(), len(parent.children())

    await die()
    before = await die()
    assert await die() == before


async def test_a_child_killed_while_idle_is_replaced(pool: ImagingPool) -> None:
    pid = await pool.run(int, os.getpid)
    os.kill(pid, signal.SIGKILL)
    await until_gone(pid)
    with capture_logs() as logs:
        assert await pool.run(int, os.getpid) != pid
    assert [(log["reason"], log["work"]) for log in logs] == [("SIGKILL", None)]


async def test_a_call_that_uses_too_much_processor_time_is_killed(
    pool: ImagingPool,
) -> None:
    for _ in range(2):
        since = time.monotonic()
        with pytest.raises(ChildDied, match="SIGPROF") as death:
            await pool.run(type(None), hang_in_c, cpu_seconds=1)
        assert not death.value.may_pass
        # Less than the minute of processor time that is usual.
        assert time.monotonic() - since < 50


class FatalPool(ImagingPool):
    """Every call is a child's last."""

    def __init__(self, reason: str) -> None:
        super().__init__(workers=1)
        self._death = ChildDied(reason)

    async def run(self, *_work: object, **_limits: object) -> Any:
        raise self._death


async def normalize(pool: ImagingPool, folder: Path) -> object:
    normalizer = PillowNormalizer(pool)
    return await normalizer.normalize(folder / "photo", MediaType.PNG, into=folder)


async def recognize(pool: ImagingPool, folder: Path) -> object:
    return await RapidOcrRecognizer(pool).recognize(folder / "page.jpg")


@pytest.mark.parametrize("read", [normalize, recognize])
@pytest.mark.parametrize(
    ("reason", "may_pass"), [("SIGSEGV", True), ("memory", False), ("SIGPROF", False)]
)
async def test_a_photo_is_told_how_a_child_died_of_it_and_whether_another_may_try(
    read: Callable[[ImagingPool, Path], Awaitable[object]],
    reason: str,
    may_pass: bool,
    tmp_path: Path,
) -> None:
    with pytest.raises((CorruptImage, RecognitionFailed)) as told:
        await read(FatalPool(reason), tmp_path)
    assert (told.value.crash, told.value.retryable) == (reason, may_pass)


def burn(seconds: float) -> int:
    """Use so much processor time, and say by whom."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass
    return os.getpid()


async def test_each_call_has_its_whole_budget_however_much_was_used_before(
    pool: ImagingPool,
) -> None:
    pids = [await pool.run(int, burn, 1.5, cpu_seconds=2) for _ in range(3)]
    assert len(set(pids)) == 1


def timer() -> tuple[float, float]:
    return signal.getitimer(signal.ITIMER_PROF)


async def test_the_budget_of_a_call_is_its_own(pool: ImagingPool) -> None:
    for seconds in (60, 5, 60):
        left, again = await pool.run(tuple[float, float], timer, cpu_seconds=seconds)
        assert seconds - 0.5 < left <= seconds + 0.01
        assert again == 0


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
async def test_a_signal_to_the_whole_group_ends_no_call(
    pool: ImagingPool, tmp_path: Path, name: str
) -> None:
    go_on = tmp_path / "go_on"
    call = asyncio.create_task(pool.run(int, be_busy, tmp_path / "pid", go_on))
    pid = await until_written(tmp_path / "pid")
    os.kill(pid, signal.Signals[name])
    go_on.touch()
    assert await call == pid


def be_busy(pid_file: Path, go_on: Path) -> int:
    pid_file.write_text(str(os.getpid()))
    while not go_on.exists():
        pass
    return os.getpid()
