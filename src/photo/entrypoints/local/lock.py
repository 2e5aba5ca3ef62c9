import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from photo.entrypoints.local.errors import StackError

LINGER_SECONDS = 20.0


@asynccontextmanager
async def locked(data_dir: Path) -> AsyncIterator[int]:
    """Keeps a data directory to this process; answers the lock's file descriptor.

    A child that inherits the descriptor holds the lock too: after a crash of this
    process, the next one waits until the last server is off the data.
    """
    descriptor = _open(data_dir)
    try:
        await _acquire(descriptor, data_dir)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _open(data_dir: Path) -> int:
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StackError(f"{data_dir} cannot be used: {error.strerror}.") from None


async def _acquire(descriptor: int, data_dir: Path) -> None:
    deadline = asyncio.get_running_loop().time() + LINGER_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.pread(descriptor, 20, 0).decode()
            if _is_alive(pid):
                raise StackError(
                    f"A local stack runs on {data_dir} already (pid {pid}). Stop it, "
                    "or choose another data directory."
                ) from None
            if asyncio.get_running_loop().time() > deadline:
                raise StackError(
                    f"Servers of a stack that was killed (pid {pid}) still run on "
                    f"{data_dir}. End them first."
                ) from None
            await asyncio.sleep(0.1)
        else:
            return


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
