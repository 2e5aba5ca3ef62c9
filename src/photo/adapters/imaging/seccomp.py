"""System calls that a child has no need of, refused by the kernel (seccomp-BPF).

They fail with EPERM instead of killing: a library that only probes, after an update,
falls back and costs no photo, and an attacker gains nothing by either.
"""

import ctypes
import errno
import os
import struct
import sys

# linux/audit.h, linux/bpf_common.h, linux/seccomp.h
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_KILL, _ALLOW, _ERRNO = 0x80000000, 0x7FFF0000, 0x00050000
_EPERM, _ENOSYS = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS
_CALL, _MACHINE, _FIRST_ARGUMENT = 0, 4, 16
_X32 = 0x40000000
_SET_MODE_FILTER, _ALL_THREADS = 1, 1
_CLONE_THREAD = 0x10000

#: What to do, how many steps to skip if a test holds and if not, and a value.
_Step = tuple[int, int, int, int]

_SECCOMP = (317, 277)
_CLONE, _CLONE3 = (56, 220), (435, 435)
_PRLIMIT, _TGKILL = (302, 261), (234, 131)
#: The numbers on x86_64 and aarch64; none where the call does not exist.
_REFUSED: dict[str, tuple[int, ...]] = {
    # Other programs and processes.
    "execve": (59, 221), "execveat": (322, 281), "fork": (57,), "vfork": (58,),
    "kill": (62, 129), "tkill": (200, 130), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "ptrace": (101, 117), "kcmp": (312, 272),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424), "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    # The network.
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203),
    "bind": (49, 200), "listen": (50, 201), "accept": (43, 202),
    "accept4": (288, 242),
    # Names that lead its parent to other files than it wrote.
    "symlink": (88,), "symlinkat": (266, 36), "link": (86,), "linkat": (265, 37),
    "mknod": (133,), "mknodat": (259, 33), "open_by_handle_at": (304, 265),
    # The machine, and the kernel's broadest attack surface.
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "chroot": (161, 51), "open_tree": (428, 428), "move_mount": (429, 429),
    "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432),
    "fspick": (433, 433), "mount_setattr": (442, 442), "unshare": (272, 97),
    "setns": (308, 268), "bpf": (321, 280), "keyctl": (250, 219),
    "add_key": (248, 217), "request_key": (249, 218), "perf_event_open": (298, 241),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427), "userfaultfd": (323, 282),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "reboot": (169, 142),
    "swapon": (167, 224), "swapoff": (168, 225), "settimeofday": (164, 170),
    "clock_settime": (227, 112), "fanotify_init": (300, 262), "personality": (135, 92),
}  # fmt: skip


def refuse_system_calls() -> bool:
    """Filter every thread of this process for good; False where that cannot be."""
    machine = os.uname().machine
    if sys.platform != "linux" or machine not in _MACHINES or sys.maxsize < 1 << 32:
        return False
    column, architecture = _MACHINES[machine]
    steps = [struct.pack("HBBI", *step) for step in _filter(column, architecture)]
    code = ctypes.create_string_buffer(b"".join(steps))
    program = struct.pack("HP", len(steps), ctypes.addressof(code))
    failed: int = ctypes.CDLL(None).syscall(
        _SECCOMP[column], _SET_MODE_FILTER, _ALL_THREADS, program
    )
    return failed == 0


def _filter(column: int, architecture: int) -> list[_Step]:
    refused = [numbers[column] for numbers in _REFUSED.values() if numbers[column:]]
    return [
        (_LOAD, 0, 0, _MACHINE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _CALL),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _EPERM),
        *[step for call in refused for step in _answer(call, _EPERM)],
        # libc, told that there is no clone3, makes threads by clone.
        *_answer(_CLONE3[column], _ENOSYS),
        *_allow_only_if(_CLONE[column], _ANY_BIT, _CLONE_THREAD),
        *_allow_only_if(_PRLIMIT[column], _EQUAL, 0),
        *_allow_only_if(_TGKILL[column], _EQUAL, os.getpid()),
        (_RETURN, 0, 0, _ALLOW),
    ]


def _answer(call: int, answer: int) -> list[_Step]:
    return [(_EQUAL, 0, 1, call), (_RETURN, 0, 0, answer)]


def _allow_only_if(call: int, test: int, value: int) -> list[_Step]:
    """Allow a call by its first argument."""
    return [
        (_EQUAL, 0, 4, call),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (test, 1, 0, value),
        (_RETURN, 0, 0, _EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
