"""The system calls refused inside the sandbox, as a classic BPF program for the kernel."""

from __future__ import annotations

import errno
import platform
import struct
from dataclasses import dataclass

ALLOW = 0x7FFF0000
KILL_PROCESS = 0x80000000
ERRNO = 0x00050000

LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
JUMP_EQUAL = 0x15
JUMP_AT_LEAST = 0x35
JUMP_ANY_BIT = 0x45
RETURN = 0x06

NUMBER_AT, ARCH_AT, ARGS_AT = 0, 4, 16
X32_BIT = 0x40000000
AF_UNIX = 1
TERMINAL_INJECTIONS = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX
FS_IOC_SETFLAGS = 0x40086602  # would outlive the command on the work folder itself
NEW_NAMESPACES = 0x7E020000  # every CLONE_NEW* bit that clone() knows

# name: (x86-64, aarch64); None where the machine has no such call.
# fmt: off
REFUSED: dict[str, tuple[int | None, int | None]] = {
    # other processes' memory and descriptors
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "process_mrelease": (448, 448), "pidfd_getfd": (438, 438),
    "kcmp": (312, 272), "move_pages": (279, 239), "migrate_pages": (256, 238),
    # wide kernel surfaces that no shell command needs
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "memfd_secret": (447, 447), "fanotify_init": (300, 262), "lookup_dcookie": (212, 18),
    "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264), "nfsservctl": (180, 42),
    "modify_ldt": (154, None), "uselib": (134, None), "ustat": (136, None),
    "sysfs": (139, None), "_sysctl": (156, None),
    # mounts and namespaces
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433),
    "mount_setattr": (442, 442), "open_tree_attr": (467, 467),
    "unshare": (272, 97), "setns": (308, 268),
    # the machine itself
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105),
    "finit_module": (313, 273), "delete_module": (176, 106), "swapon": (167, 224),
    "swapoff": (168, 225), "reboot": (169, 142), "sethostname": (170, 161),
    "setdomainname": (171, 162), "acct": (163, 89), "quotactl": (179, 60),
    "quotactl_fd": (443, 443), "syslog": (103, 116), "vhangup": (153, 58),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "clock_adjtime": (305, 266),
    "adjtimex": (159, 171), "iopl": (172, None), "ioperm": (173, None),
    # state that would outlive the command in the worker's namespaces
    "shmget": (29, 194), "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180),
    "ioprio_set": (251, 30),
}
# Refused as "no such call" or "not supported", so that programs take their older path.
ABSENT: dict[str, tuple[int | None, int | None]] = {
    "clone3": (435, 435),  # its flags lie behind a pointer that no filter can read
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
}
UNSUPPORTED: dict[str, tuple[int | None, int | None]] = {
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "setxattrat": (463, 463),
}
# May change the caller (pid 0) and nobody else: the worker has the same uid as its commands.
SELF_ONLY: dict[str, tuple[int, int]] = {
    "prlimit64": (302, 261), "sched_setaffinity": (203, 122), "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118), "sched_setattr": (314, 274),
}
# fmt: on
CLONE, IOCTL, SOCKET, SETPRIORITY = (56, 220), (16, 29), (41, 198), (141, 140)


@dataclass(frozen=True)
class Machine:
    """One processor family: its audit number, its column in the tables, and the x32 quirk."""

    audit_arch: int
    column: int
    has_x32: bool


MACHINES = {
    "x86_64": Machine(audit_arch=0xC000003E, column=0, has_x32=True),
    "aarch64": Machine(audit_arch=0xC00000B7, column=1, has_x32=False),
}


def _line(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _refuse(number: int, error: int) -> list[bytes]:
    return [_line(JUMP_EQUAL, number, 0, 1), _line(RETURN, ERRNO | error)]


def _when(number: int, body: list[bytes]) -> list[bytes]:
    """Run body, which ends in a verdict, for one call; otherwise go on with its number loaded."""
    return [_line(JUMP_EQUAL, number, 0, len(body)), *body]


def _argument(index: int) -> bytes:
    # The kernel reads these arguments as 32-bit ints, so a comparison of all 64 bits could be
    # slipped past with a high bit; both supported machines are little-endian.
    return _line(LOAD, ARGS_AT + 8 * index)


def _only(index: int, value: int, error: int) -> list[bytes]:
    allow, refuse = _line(RETURN, ALLOW), _line(RETURN, ERRNO | error)
    return [_argument(index), _line(JUMP_EQUAL, value, 0, 1), allow, refuse]


def program(machine: str | None = None) -> bytes:
    """The filter for one machine (default: this one), ready for bubblewrap's --seccomp."""
    name = machine or platform.machine()
    if name not in MACHINES:
        raise ValueError(f"no seccomp table for {name}; there are tables for {sorted(MACHINES)}")
    target = MACHINES[name]
    lines = [
        _line(LOAD, ARCH_AT),
        _line(JUMP_EQUAL, target.audit_arch, 1, 0),
        _line(RETURN, KILL_PROCESS),
        _line(LOAD, NUMBER_AT),
    ]
    if target.has_x32:
        lines += [_line(JUMP_AT_LEAST, X32_BIT, 0, 1), _line(RETURN, ERRNO | errno.ENOSYS)]
    tables = ((REFUSED, errno.EPERM), (ABSENT, errno.ENOSYS), (UNSUPPORTED, errno.EOPNOTSUPP))
    for table, error in tables:
        for numbers in table.values():
            number = numbers[target.column]
            if number is not None:
                lines += _refuse(number, error)
    for pair in SELF_ONLY.values():
        lines += _when(pair[target.column], _only(0, 0, errno.EPERM))
    lines += _when(SOCKET[target.column], _only(0, AF_UNIX, errno.EAFNOSUPPORT))
    refuse, allow = _line(RETURN, ERRNO | errno.EPERM), _line(RETURN, ALLOW)
    own = [_argument(0), _line(JUMP_EQUAL, 0, 1, 0), refuse, *_only(1, 0, errno.EPERM)]
    lines += _when(SETPRIORITY[target.column], own)
    threads = [_argument(0), _line(JUMP_ANY_BIT, NEW_NAMESPACES, 0, 1), refuse, allow]
    lines += _when(CLONE[target.column], threads)
    requests = (*TERMINAL_INJECTIONS, FS_IOC_SETFLAGS)
    refusals = [part for request in requests for part in _refuse(request, errno.EPERM)]
    lines += _when(IOCTL[target.column], [_argument(1), *refusals, allow])
    return b"".join([*lines, allow])
