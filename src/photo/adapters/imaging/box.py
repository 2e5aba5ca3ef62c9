"""What a child is allowed: set by itself, for good, before it sees a photo."""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from photo.adapters.imaging.landlock import hide_files
from photo.adapters.imaging.seccomp import refuse_system_calls

# linux/prctl.h
_SET_PDEATHSIG, _SET_DUMPABLE, _SET_NO_NEW_PRIVS = 1, 4, 38

#: Passed on, as a child finds its libraries by it. Nothing else of its parent's is.
_INHERITED = "LD_LIBRARY_PATH"
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OPENCV_IO_MAX_IMAGE_PIXELS": "1",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one child, as long as it lives."""

    #: Of address space. Libraries and models map 0.5 GB, and with the dearest photo
    #: within the limits (a WebP of 100 megapixels with an alpha channel) it is 2.6 GB.
    memory_bytes: int = 3 << 30
    #: Several times the largest normalised page.
    file_bytes: int = 256 << 20
    open_files: int = 64


def environment() -> dict[str, str]:
    """For a child: no credentials, no addresses, nothing but what it needs."""
    inherited = os.environ.get(_INHERITED)
    return _ENVIRONMENT | ({_INHERITED: inherited} if inherited else {})


def bound(parent: int, limits: Limits) -> None:
    """Set the limits that also hold while libraries and models are loaded."""
    _die_with(parent)
    # Sent to the whole process group, these are for the parent, which lets calls end.
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.SIG_IGN)
    for limit, most in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))


def seal(scratch: str) -> list[str]:
    """Give up everything but computing and files in one folder.

    Code stays readable, but for the current directory's: settings lie there too.
    Returns which seals this kernel lacks.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    code = {sys.prefix, sys.base_prefix, *sys.path} - {"", str(Path.cwd())}
    seals = {
        "landlock": hide_files(readable=code, writable=[scratch]),
        "seccomp": refuse_system_calls(),
    }
    return [name for name, holds in seals.items() if not holds]


@contextmanager
def cpu_at_most(seconds: int) -> Iterator[None]:
    """Of all threads; then SIGPROF kills, even in the middle of a C call.

    `RLIMIT_CPU` counts from the start of the process, by a clock that nobody can read:
    what a process is told of its use falls behind it.
    """
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def hide_from_children() -> None:
    """Close this process's memory and environment to others of the same user.

    For kernels without Landlock. The price: no core dumps, and debuggers need root.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0)


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent goes, even by SIGKILL."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
