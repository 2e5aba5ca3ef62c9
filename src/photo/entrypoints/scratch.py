"""Where this process has its temporary files, and those of its dead predecessors."""

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from photo.application.ports import Repair, RepairLog
from photo.domain.errors import Unavailable

_PREFIX = "photo-worker-"

#: With less there is no room for a photo.
_ROOM_BYTES = 1 << 20


def scratch_place() -> Path:
    """Where temporary files belong: there, or nowhere.

    Python would go elsewhere, unasked, if this were full or missing.
    """
    return Path(os.environ.get("TMPDIR") or "/tmp")  # noqa: S108 - each makes its own


@contextmanager
def own_scratch(place: Path, repairs: RepairLog) -> Iterator[Path]:
    """Have a folder that temporary files go to, and remove it at the end.

    Raises `Unavailable` while nothing can be written there.

    A process that is killed leaves its folder. Those that nobody owns any more are
    removed here: their owner has them locked, and the kernel opens every lock of a
    process that dies. So neither process ids nor containers that share a volume can
    deceive.
    """
    for folder in place.glob(f"{_PREFIX}*"):
        if _remove_unowned(folder):
            repairs.note(Repair.SCRATCH_REMOVED, folder=folder.name)
    usual = tempfile.tempdir
    folder, lock = _usable(place)
    tempfile.tempdir = str(folder)
    try:
        yield folder
    finally:
        tempfile.tempdir = usual
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _usable(place: Path) -> tuple[Path, int]:
    """A new folder that can be written to, and its lock."""
    try:
        folder, lock = _owned(place)
        try:
            _must_have_room(folder)
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)
            raise
    except OSError as error:
        raise Unavailable(
            "There is no room in TMPDIR, or it is not there.",
            reason=errno.errorcode.get(error.errno or 0),
        ) from error
    return folder, lock


def _must_have_room(folder: Path) -> None:
    room = folder / "room"
    room.write_bytes(bytes(_ROOM_BYTES))
    room.unlink()


def _owned(place: Path) -> tuple[Path, int]:
    """A new folder and its lock, unless another process took it for abandoned."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
        with suppress(BlockingIOError, FileNotFoundError):
            lock = _lock(folder)
            if folder.exists():
                return folder, lock
            os.close(lock)


def _remove_unowned(folder: Path) -> bool:
    try:
        lock = _lock(folder)
    except OSError:  # it is owned, gone, or somebody else's
        return False
    try:
        if os.fstat(lock).st_uid != os.getuid():
            return False
        shutil.rmtree(folder, ignore_errors=True)
        return not folder.exists()
    finally:
        os.close(lock)


def _lock(folder: Path) -> int:
    """Lock a folder as long as this is open, or raise."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(opened)
        raise
    return opened
