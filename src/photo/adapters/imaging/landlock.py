"""Files and processes that a child may not touch, hidden by the kernel (Landlock)."""

import ctypes
import os
import struct
import sys
from collections.abc import Iterable

# linux/landlock.h; the numbers of the calls are the same on every machine.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_OF_ABI = 1
_PATH_BENEATH = 1
_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_REMOVE_FILE, _MAKE_FILE, _TRUNCATE = 1 << 5, 1 << 8, 1 << 14
_READ = _READ_FILE | _READ_DIR
_WRITE = _READ | _WRITE_FILE | _REMOVE_FILE | _MAKE_FILE | _TRUNCATE
#: How many rights over files each version of the ABI knows, from the first on.
_RIGHTS = (13, 14, 15, 15, 16)
_TCP_SINCE, _SCOPES_SINCE = 4, 6
_BIND_AND_CONNECT = 3
_ABSTRACT_SOCKETS_AND_SIGNALS = 3


def hide_files(*, readable: Iterable[str], writable: Iterable[str]) -> bool:
    """Leave this thread only these folders, for good; False where that cannot be.

    It can no longer look into processes that are not restricted as it is, such as its
    parent: memory, environment and open files in /proc are closed to it.
    """
    if sys.platform != "linux":
        return False
    system = ctypes.CDLL(None).syscall
    version = system(_CREATE_RULESET, None, 0, _VERSION_OF_ABI)
    if version < 1:
        return False
    rights = (1 << _RIGHTS[min(version, len(_RIGHTS)) - 1]) - 1
    ruleset = system(_CREATE_RULESET, *_sized(_ruleset(version, rights)), 0)
    for folders, allowed in ((readable, _READ), (writable, _WRITE)):
        for folder in filter(os.path.isdir, folders):
            at = os.open(folder, os.O_PATH)
            rule = struct.pack("=Qi", allowed & rights, at)
            system(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0)
            os.close(at)
    restricted: int = system(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)
    return restricted == 0


def _ruleset(version: int, rights: int) -> bytes:
    """What is forbidden unless a rule allows it, in the kernel's own words."""
    ruleset = struct.pack("=Q", rights)
    if version >= _TCP_SINCE:
        ruleset += struct.pack("=Q", _BIND_AND_CONNECT)
    if version >= _SCOPES_SINCE:
        ruleset += struct.pack("=Q", _ABSTRACT_SOCKETS_AND_SIGNALS)
    return ruleset


def _sized(data: bytes) -> tuple[bytes, ctypes.c_size_t]:
    return data, ctypes.c_size_t(len(data))
