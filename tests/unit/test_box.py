"""The box: what a child may not do, tried in one."""

import ctypes
import errno
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from photo.adapters.imaging.children import ImagingPool
from tests.unit.child_processes import SMALL

linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's seals")


def this_module() -> None:
    """What children load here: they start ten times as fast without the models."""


@pytest.fixture(scope="module")
async def pool(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[ImagingPool]:
    scratch = str(tmp_path_factory.getbasetemp())
    secret = {"AWS_SECRET_ACCESS_KEY": "SECRET", "DATABASE_URL": "SECRET"}
    os.environ.update(secret)
    try:
        async with ImagingPool(
            workers=1, load=this_module, limits=SMALL, scratch=scratch
        ) as pool:
            yield pool
    finally:
        for name in secret:
            del os.environ[name]


def refused(work: Callable[..., object], *args: object) -> str:
    """The error number's name that came of trying."""
    try:
        work(*args)
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return ""


def spawn() -> None:
    os.posix_spawn(sys.executable, [sys.executable, "-c", ""], {})


def run_a_shell() -> None:
    subprocess.run(["/bin/true"], check=True)


def connect() -> None:
    socket.create_connection(("127.0.0.1", 9))


def replace_itself() -> None:
    os.execv("/bin/true", ["/bin/true"])  # noqa: S606 - it is not to run


def kill_the_parent() -> None:
    os.kill(os.getppid(), signal.SIGURG)


def bound_the_parent() -> None:
    resource.prlimit(os.getppid(), resource.RLIMIT_CORE, (0, 0))


def trace_the_parent() -> None:
    _system_call({"x86_64": 101, "aarch64": 117}, 16, os.getppid(), 0, 0)


def make_a_namespace() -> None:
    _system_call({"x86_64": 272, "aarch64": 97}, 0x10000000)


def set_up_io_uring() -> None:
    _system_call({"x86_64": 425, "aarch64": 425}, 1, ctypes.create_string_buffer(120))


def fork_the_new_way() -> None:
    _system_call({"x86_64": 435, "aarch64": 435}, ctypes.create_string_buffer(88), 88)


def use_another_table_of_calls() -> None:
    """Whose numbers have a bit more: x32 of x86_64."""
    _system_call({"x86_64": 0x40000000 + 57, "aarch64": 1 << 20})


def _system_call(numbers: dict[str, int], *args: object) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.syscall(numbers[os.uname().machine], *args) < 0:
        raise OSError(ctypes.get_errno(), "refused")


def link_to_a_secret(folder: Path) -> None:
    (folder / "normalized.jpg").symlink_to("/etc/passwd")


def make_a_fifo(folder: Path) -> None:
    os.mkfifo(folder / "normalized.jpg")


@linux
@pytest.mark.parametrize(
    "work",
    [
        os.fork,
        spawn,
        run_a_shell,
        replace_itself,
        connect,
        socket.socket,
        socket.socketpair,
        kill_the_parent,
        bound_the_parent,
        trace_the_parent,
        make_a_namespace,
        set_up_io_uring,
        use_another_table_of_calls,
    ],
)
async def test_the_kernel_refuses(pool: ImagingPool, work: Callable[[], None]) -> None:
    assert await pool.run(str, refused, work) == "EPERM"
    assert not psutil.Process(await pool.run(int, os.getpid)).children()


@linux
async def test_the_newest_way_to_fork_is_not_there(pool: ImagingPool) -> None:
    assert await pool.run(str, refused, fork_the_new_way) == "ENOSYS"


@linux
@pytest.mark.parametrize("work", [link_to_a_secret, make_a_fifo])
async def test_a_name_leads_to_what_was_written(
    pool: ImagingPool, tmp_path: Path, work: Callable[[Path], None]
) -> None:
    assert await pool.run(str, refused, work, tmp_path) == "EPERM"
    assert not list(tmp_path.iterdir())


def start_a_thread() -> bool:
    done = threading.Event()
    threading.Thread(target=done.set).start()
    return done.wait(5)


async def test_threads_may_start(pool: ImagingPool) -> None:
    assert await pool.run(bool, start_a_thread)


async def test_the_environment_holds_no_secret(pool: ImagingPool) -> None:
    child = psutil.Process(await pool.run(int, os.getpid))
    for seen in (
        child.environ(),
        await pool.run(dict[str, str], eval, "dict(__import__('os').environ)"),
    ):
        assert "SECRET" not in seen.values()
        assert "PATH" not in seen


@linux
@pytest.mark.parametrize("name", ["environ", "mem", "maps", "fd", "cmdline"])
async def test_the_parent_is_hidden(pool: ImagingPool, name: str) -> None:
    path = Path(f"/proc/{os.getpid()}/{name}")
    look = os.listdir if name == "fd" else Path.read_bytes
    assert await pool.run(str, refused, look, path) == "EACCES"


@linux
async def test_the_parent_is_closed_to_its_own_user(pool: ImagingPool) -> None:
    get_dumpable = 3
    assert ctypes.CDLL(None).prctl(get_dumpable, 0, 0, 0, 0) == 0


@linux
@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/proc/self/environ", "pyproject.toml"]
)
async def test_files_are_hidden(pool: ImagingPool, path: str) -> None:
    assert await pool.run(str, refused, Path.read_bytes, Path(path)) == "EACCES"


@linux
async def test_code_cannot_be_changed(pool: ImagingPool) -> None:
    path = Path(os.__file__).with_name("changed.py")
    assert await pool.run(str, refused, path.write_text, "x") == "EACCES"


async def test_files_in_scratch_can_be_read_and_written(
    pool: ImagingPool, tmp_path: Path
) -> None:
    assert await pool.run(int, (tmp_path / "a").write_text, "text") == 4
    assert await pool.run(str, (tmp_path / "a").read_text) == "text"


async def test_a_file_over_the_limit_is_not_written(
    pool: ImagingPool, tmp_path: Path
) -> None:
    large = bytes(SMALL.file_bytes + 1)
    file = tmp_path / "large"
    assert await pool.run(str, refused, file.write_bytes, large) == "EFBIG"
    assert file.stat().st_size <= SMALL.file_bytes


def open_many() -> int:
    return len([os.fdopen(os.dup(0)) for _ in range(100)])


async def test_few_files_can_be_open(pool: ImagingPool) -> None:
    assert await pool.run(str, refused, open_many) == "EMFILE"


def limits() -> list[tuple[int, int]]:
    names = (resource.RLIMIT_AS, resource.RLIMIT_CORE, resource.RLIMIT_FSIZE)
    return [resource.getrlimit(name) for name in names]


async def test_limits_cannot_be_raised(pool: ImagingPool) -> None:
    memory, files = SMALL.memory_bytes, SMALL.file_bytes
    assert await pool.run(list[tuple[int, int]], limits) == [
        (memory, memory),
        (0, 0),
        (files, files),
    ]


def shout() -> None:
    for stream in (1, 2):
        os.write(stream, b"the photo's text")


async def test_children_are_silent(
    pool: ImagingPool, capfd: pytest.CaptureFixture[str]
) -> None:
    await pool.run(type(None), shout)
    assert capfd.readouterr() == ("", "")


async def test_children_have_no_input(pool: ImagingPool) -> None:
    assert await pool.run(bytes, os.read, 0, 1) == b""
