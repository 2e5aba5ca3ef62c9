"""The local stack, from its start to whatever end it comes to."""

import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import asyncpg
import psutil
import pytest
from temporalio.client import Client

from photo.entrypoints.local.ports import choose_ports
from photo.entrypoints.local.postgres import database_url
from photo.entrypoints.local.seaweedfs import s3_server
from photo.entrypoints.local.state import State
from photo.entrypoints.local.temporal import target
from tests.local.running import (
    RunningStack,
    a_serving_stack,
    a_stack,
    all_gone,
    as_an_ordinary_user,
    until,
)
from tests.services import s3_client


@pytest.fixture
def port() -> int:
    return choose_ports(["http"])["http"]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    return data_dir


async def connect(data_dir: Path) -> asyncpg.Connection:
    state = State.open(data_dir)
    url = database_url(state, "photo", state.photo_password)
    return await asyncpg.connect(url.replace("+asyncpg", ""))


async def keep_something_everywhere(data_dir: Path) -> None:
    state = State.open(data_dir)
    connection = await connect(data_dir)
    await connection.execute("CREATE TABLE kept (id int)")
    await connection.close()
    async with s3_client(s3_server(state)) as s3:
        await s3.create_bucket(Bucket="kept")
        await s3.put_object(Bucket="kept", Key="key", Body=b"kept")
    client = await Client.connect(target(state))
    await client.start_workflow("nobody-runs-it", id="kept", task_queue="none")


async def everything_is_kept(data_dir: Path) -> bool:
    state = State.open(data_dir)
    connection = await connect(data_dir)
    rows = await connection.fetch("SELECT * FROM kept")
    await connection.close()
    async with s3_client(s3_server(state)) as s3:
        answer = await s3.get_object(Bucket="kept", Key="key")
        body = await answer["Body"].read()
    client = await Client.connect(target(state))
    workflow = await client.get_workflow_handle("kept").describe()
    return (rows, body, workflow.id) == ([], b"kept", "kept")


async def test_data_survives(data_dir: Path, port: int) -> None:
    async with a_serving_stack(data_dir, port) as stack:
        await keep_something_everywhere(data_dir)
        stack.send(signal.SIGTERM)
        assert await stack.ended() == 0
    async with a_serving_stack(data_dir, port):
        assert await everything_is_kept(data_dir)


@pytest.mark.parametrize(
    ("stop", "name"),
    [
        pytest.param(RunningStack.press_ctrl_c, "SIGINT", id="ctrl-c"),
        pytest.param(lambda it: it.send(signal.SIGTERM), "SIGTERM", id="terminate"),
    ],
)
async def test_a_signal_stops_all_in_order_and_leaves_no_process(
    data_dir: Path, port: int, stop: Callable[[RunningStack], None], name: str
) -> None:
    tells_its_signal = (
        "import signal; both = {signal.SIGINT, signal.SIGTERM};"
        "signal.pthread_sigmask(signal.SIG_BLOCK, both);"
        "print(signal.sigwait(both).name)"
    )
    async with a_serving_stack(data_dir, port, worker=tells_its_signal) as stack:
        processes = stack.all()
        stop(stack)
        assert await stack.ended() == 0
        assert stack.lines[-1] == f"ended by {name}"
        await all_gone(processes[1:])
    worker_log = (data_dir / "logs" / "worker.log").read_text()
    assert worker_log in {"", "SIGTERM\n"}
    assert not (data_dir / "postgres" / "postmaster.pid").exists()


async def test_a_signal_during_the_first_start_leaves_no_process(
    data_dir: Path, port: int
) -> None:
    async with a_stack(data_dir, port) as stack:
        await until(lambda: len(stack.all()) > 3)
        processes = stack.all()
        stack.press_ctrl_c()
        assert await stack.ended() == 0
        await all_gone(processes[1:])
    async with a_serving_stack(data_dir, port):
        pass


async def test_the_second_ctrl_c_kills_at_once(data_dir: Path, port: int) -> None:
    stubborn = (
        "import signal; signal.signal(signal.SIGTERM, lambda *_: print('no'));"
        "[signal.pause() for _ in range(99)]"
    )
    async with a_serving_stack(data_dir, port, worker=stubborn) as stack:
        processes = stack.all()
        stack.press_ctrl_c()
        await stack.read_until("Stopping. Once more to kill.")
        stack.press_ctrl_c()
        await stack.ended()
        await all_gone(processes[1:])


async def test_nothing_outlives_a_killed_parent(data_dir: Path, port: int) -> None:
    async with a_serving_stack(data_dir, port) as stack:
        processes = stack.all()
        stack.send(signal.SIGKILL)
        await all_gone(processes[1:])


async def test_a_start_right_after_a_kill_awaits_the_last_server_and_keeps_the_data(
    data_dir: Path, port: int
) -> None:
    async with a_serving_stack(data_dir, port) as stack:
        await keep_something_everywhere(data_dir)
        stack.send(signal.SIGKILL)
        async with a_serving_stack(data_dir, port):
            assert await everything_is_kept(data_dir)


async def test_the_data_survives_all_processes_killed_at_once(
    data_dir: Path, port: int
) -> None:
    async with a_serving_stack(data_dir, port) as stack:
        await keep_something_everywhere(data_dir)
        processes = stack.all()
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        await all_gone(processes[1:])
    async with a_serving_stack(data_dir, port):
        assert await everything_is_kept(data_dir)


@pytest.mark.parametrize("name", ["postgres", "weed"])
async def test_a_server_that_dies_brings_the_rest_down_and_is_named(
    data_dir: Path, port: int, name: str
) -> None:
    async with a_serving_stack(data_dir, port) as stack:
        processes = stack.all()
        stack.child(name).kill()
        assert await stack.ended() == 1
        assert "was killed by SIGKILL. Its last lines:" in "\n".join(stack.lines)
        await all_gone(processes[1:])


async def test_a_worker_that_ends_shows_its_code_and_its_last_lines(
    data_dir: Path, port: int
) -> None:
    broken = "print(*range(100), sep='\\n'); raise SystemExit('no model')"
    async with a_stack(data_dir, port, worker=broken) as stack:
        assert await stack.ended() == 1
    said = "\n".join(stack.lines)
    assert "worker ended with exit code 1. Its last lines:\n  81\n" in said
    assert "\n  no model" in said


async def test_a_taken_port_is_named_before_anything_starts(
    data_dir: Path, port: int
) -> None:
    with socket.create_server(("127.0.0.1", port)):
        async with a_stack(data_dir, port) as stack:
            assert await stack.ended() == 1
    assert stack.lines == [
        f"Port {port}, wanted for the API, is taken. Choose another with --port."
    ]
    assert not (data_dir / "postgres").exists()


async def test_a_taken_port_of_a_server_is_named(data_dir: Path, port: int) -> None:
    wanted = State.open(data_dir).ports["seaweedfs s3"]
    with socket.create_server(("127.0.0.1", wanted)):
        async with a_stack(data_dir, port) as stack:
            assert await stack.ended() == 1
    assert f"Port {wanted}, wanted for seaweedfs s3, is taken." in stack.lines[0]
    assert not (data_dir / "postgres").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="every other test is one of this")
async def test_an_ordinary_user_runs_it_too(data_dir: Path, port: int) -> None:
    os.chown(data_dir, 65534, 65534)
    prefix = as_an_ordinary_user()
    async with a_serving_stack(data_dir, port, prefix=prefix) as stack:
        processes = stack.all()
        assert stack.users() == {65534}
        stack.send(signal.SIGKILL)
        await all_gone(processes[1:])
