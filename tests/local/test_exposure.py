"""What a running stack shows to others: one stack, looked at from all sides."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import asyncpg
import httpx
import psutil
import pytest

from photo.entrypoints.local.ports import choose_ports
from photo.entrypoints.local.state import State
from tests.local.running import RunningStack, a_serving_stack, a_stack


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stack") / "data"


@pytest.fixture(scope="module")
async def stack(data_dir: Path) -> AsyncIterator[RunningStack]:
    async with a_serving_stack(data_dir, choose_ports(["http"])["http"]) as stack:
        yield stack


def logs(folder: Path) -> list[Path]:
    return list(folder.glob("logs/*"))


def modes(folder: Path) -> dict[Path, int]:
    """What others than the owner may do with each file of the stack."""
    paths = [folder, *folder.iterdir(), *folder.glob("*/*.json"), *logs(folder)]
    return {path: path.stat().st_mode & 0o077 for path in paths if path.name != "site"}


async def test_all_listen_on_loopback_only(stack: RunningStack) -> None:
    addresses = {
        connection.laddr.ip
        for process in stack.all()
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert addresses == {"127.0.0.1"}


async def test_the_last_of_its_processes_holds_the_data(
    stack: RunningStack, data_dir: Path
) -> None:
    lock = str(data_dir / "lock")
    for process in stack.all():
        assert lock in {file.path for file in process.open_files()}


async def test_what_is_kept_is_for_the_owner_alone(
    stack: RunningStack, data_dir: Path
) -> None:
    assert not any(modes(data_dir).values())


async def test_no_secret_stands_on_a_command_line_or_in_a_log(
    stack: RunningStack, data_dir: Path
) -> None:
    state = State.open(data_dir)
    shown = [" ".join(process.cmdline()) for process in stack.all()]
    shown += [log.read_text() for log in logs(data_dir)]
    for secret in (state.postgres_password, state.photo_password, state.s3_secret_key):
        assert not [text for text in shown if secret in text]


async def test_only_s3_and_only_with_a_key_lets_anyone_at_the_files(
    stack: RunningStack, data_dir: Path
) -> None:
    ports = State.open(data_dir).ports
    async with httpx.AsyncClient(timeout=60) as client:
        for name in ("seaweedfs filer", "seaweedfs s3"):
            answer = await client.get(f"http://127.0.0.1:{ports[name]}/")
            assert answer.status_code in {401, 403}


@pytest.mark.parametrize("user", ["photo", "postgres"])
async def test_postgres_lets_nobody_in_without_the_password(
    stack: RunningStack, data_dir: Path, user: str
) -> None:
    port = State.open(data_dir).ports["postgres"]
    for password in ("", "wrong"):
        url = f"postgresql://{user}:{quote(password)}@127.0.0.1:{port}/{user}"
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(url)


async def test_a_second_stack_on_the_same_data_is_refused_with_the_firsts_pid(
    stack: RunningStack, data_dir: Path
) -> None:
    async with a_stack(data_dir, choose_ports(["http"])["http"]) as second:
        assert await second.ended() == 1
    assert f"(pid {stack.pid})" in second.lines[0]
    assert all(process.is_running() for process in stack.all())
