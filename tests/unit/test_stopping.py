"""How a process ends that is told to."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from dishka import AsyncContainer, Provider, Scope, make_async_container
from structlog.testing import capture_logs

from photo.adapters.temporal.worker import GRACE, STOP_WITHIN
from photo.entrypoints.local.service import GRACE_SECONDS
from photo.entrypoints.stopping import CLOSE_SECONDS, closing

#: Says when it listens, that it was told, and how it went; stops when it is told so.
PROCESS = """
import asyncio, sys, uvloop
from photo.adapters.temporal.worker import GRACE, STOP_WITHIN
from photo.entrypoints.local.service import GRACE_SECONDS
from photo.entrypoints.stopping import told_to_stop

async def main():
    told = asyncio.Event()
    with told_to_stop(told.set):
        print("listening", flush=True)
        await told.wait()
        print("told", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    print("done", flush=True)

with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(main())
"""


async def says(process: Process, line: str) -> None:
    assert process.stdout
    async with asyncio.timeout(60):
        assert (await process.stdout.readline()).decode().strip() == line


@asynccontextmanager
async def listening() -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROCESS, stdin=PIPE, stdout=PIPE
    )
    try:
        await says(process, "listening")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_first_signal_lets_it_end_by_itself(number: signal.Signals) -> None:
    async with listening() as process:
        process.send_signal(number)
        await says(process, "told")
        assert process.stdin
        process.stdin.write(b"\n")
        await says(process, "done")
        assert await process.wait() == 0


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
async def test_the_second_signal_ends_it(
    first: signal.Signals, second: signal.Signals
) -> None:
    async with listening() as process:
        process.send_signal(first)
        await says(process, "told")
        process.send_signal(second)
        async with asyncio.timeout(60):
            assert await process.wait() == -second


class Resource:
    """Held while the process runs."""


def container(resource: Callable[[], AsyncIterator[Resource]]) -> AsyncContainer:
    provider = Provider(scope=Scope.APP)
    provider.provide(resource, provides=Resource)
    return make_async_container(provider)


async def test_what_is_held_is_given_back() -> None:
    given_back = []

    async def resource() -> AsyncIterator[Resource]:
        yield Resource()
        given_back.append(True)

    with pytest.raises(LookupError):
        async with closing(container(resource)) as opened:
            await opened.get(Resource)
            raise LookupError
    assert given_back


async def test_what_cannot_be_given_back_is_left_behind() -> None:
    async def silent() -> AsyncIterator[Resource]:
        yield Resource()
        await asyncio.Event().wait()

    with capture_logs() as logs:
        async with asyncio.timeout(10 * CLOSE_SECONDS):
            async with closing(container(silent)) as opened:
                await opened.get(Resource)
    assert [log["event"] for log in logs] == ["closing_cut_short"]


def test_whoever_stops_a_worker_waits_for_longer_than_it_takes() -> None:
    takes = STOP_WITHIN.total_seconds() + CLOSE_SECONDS
    assert takes < GRACE.total_seconds() + 5 < GRACE_SECONDS
