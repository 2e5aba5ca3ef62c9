"""Becomes a program that dies with its parent: `child.py PARENT SIGNAL USER ARGV…`.

A script of its own, run by path and on the standard library alone: it starts in
milliseconds, and nothing has to run between fork and exec of a threaded parent.

PARENT is the pid not to outlive; SIGNAL what the kernel sends when it is gone
(Linux; elsewhere the program survives a parent that is killed); USER a `uid:gid` to
become, or `-`.
"""

import ctypes
import os
import signal
import struct
import sys

LINUX = sys.platform == "linux"
PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 1, 8, 47, 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522


def prctl(option: int, *values: int) -> None:
    padded = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    if ctypes.CDLL(None, use_errno=True).prctl(option, *padded):
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def become(uid: int, gid: int) -> None:
    """Leaves root, keeping only root's reach into folders closed to others.

    Postgres refuses root, yet its program and data may lie in root's home.
    """
    os.setgroups([])
    os.setgid(gid)
    if LINUX:
        prctl(PR_SET_KEEPCAPS, 1)
    os.setuid(uid)
    if LINUX:
        capability = 1 << CAP_DAC_OVERRIDE
        header = struct.pack("Ii", CAPABILITY_VERSION_3, 0)
        sets = struct.pack("6I", capability, capability, capability, 0, 0, 0)
        if ctypes.CDLL(None, use_errno=True).capset(header, sets):
            raise OSError(ctypes.get_errno(), "capset")
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE)


def main(parent: str, death_signal: str, user: str, *argv: str) -> None:
    if user != "-":
        uid, gid = user.split(":")
        become(int(uid), int(gid))
    if LINUX:
        # A change of user clears it: last.
        prctl(PR_SET_PDEATHSIG, int(death_signal))
    if os.getppid() != int(parent):
        sys.exit("the parent is gone")
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execv(argv[0], argv)  # noqa: S606 no shell is the point


if __name__ == "__main__":
    main(*sys.argv[1:])
