import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from photo.entrypoints.local.errors import StackError

LINGER_SECONDS = 20.0


@asynccontextmanager
async def locked(data_dir: Path) -> AsyncIterator[int]:
    """Keeps a data directory to this process and its children.

    Answers the descriptor that every child is to inherit: after a crash of this
    process, the next one waits until the last server is off the data.
    """
    with _opened(data_dir, "pid") as owner, _opened(data_dir, "lock") as lock:
        if not _acquire(owner):
            pid = os.pread(owner, 20, 0).decode()
            raise StackError(
                f"A local stack runs on {data_dir} already (pid {pid}). Stop it, or "
                "choose another data directory."
            )
        os.ftruncate(owner, 0)
        os.pwrite(owner, str(os.getpid()).encode(), 0)
        await _acquire_in_time(lock, data_dir)
        yield lock


@contextmanager
def _opened(data_dir: Path, name: str) -> Iterator[int]:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(data_dir / name, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StackError(f"{data_dir} cannot be used: {error.strerror}.") from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)


async def _acquire_in_time(descriptor: int, data_dir: Path) -> None:
    deadline = asyncio.get_running_loop().time() + LINGER_SECONDS
    while not _acquire(descriptor):
        if asyncio.get_running_loop().time() > deadline:
            raise StackError(
                f"Servers of a stack that was killed still run on {data_dir}. "
                "End them first."
            )
        await asyncio.sleep(0.1)


def _acquire(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
