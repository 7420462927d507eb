"""The system-call filter says what it should, run here by a small interpreter of its own."""

import errno
import re
import struct
from pathlib import Path

import pytest

from tutelage.sandbox import seccomp

HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
TABLES = (seccomp.REFUSED, seccomp.ABSENT, seccomp.UNSUPPORTED, seccomp.SELF_ONLY)


def verdict(machine, number, *arguments, arch=None):
    """What the kernel would return for one call."""
    arch = seccomp.MACHINES[machine].audit_arch if arch is None else arch
    padded = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    call = struct.pack("<IIQ6Q", number, arch, 0, *padded)
    program = seccomp.program(machine)
    lines = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    at = loaded = 0
    while True:
        code, if_true, if_false, value = lines[at]
        if code == seccomp.RETURN:
            return value
        if code == seccomp.LOAD:
            loaded = struct.unpack_from("<I", call, value)[0]
            at += 1
            continue
        true = {
            seccomp.JUMP_EQUAL: loaded == value,
            seccomp.JUMP_AT_LEAST: loaded >= value,
            seccomp.JUMP_ANY_BIT: bool(loaded & value),
        }[code]
        at += 1 + (if_true if true else if_false)


@pytest.mark.parametrize("machine", seccomp.MACHINES)
def test_verdicts_by_hand(machine):
    column = seccomp.MACHINES[machine].column
    high = 1 << 32  # the kernel ignores it, so the filter must too
    eperm = seccomp.ERRNO | errno.EPERM
    clone, ioctl, socket = (pair[column] for pair in (seccomp.CLONE, seccomp.IOCTL, seccomp.SOCKET))
    prlimit = seccomp.SELF_ONLY["prlimit64"][column]
    priority = seccomp.SETPRIORITY[column]
    assert verdict(machine, seccomp.REFUSED["ptrace"][column]) == eperm
    assert verdict(machine, seccomp.ABSENT["clone3"][column]) == seccomp.ERRNO | errno.ENOSYS
    assert verdict(machine, clone, 0x3D0F00) == seccomp.ALLOW  # a thread
    assert verdict(machine, clone, 0x4111) == seccomp.ALLOW  # vfork
    for bit in (0x20000, 0x02000000, 0x10000000, 0x40000000):
        assert verdict(machine, clone, high | bit | 17) == eperm
    assert verdict(machine, ioctl, 0, high | 0x5412) == eperm
    assert verdict(machine, ioctl, 0, 0x541C) == eperm
    assert verdict(machine, ioctl, 0, 0x5401) == seccomp.ALLOW
    assert verdict(machine, socket, seccomp.AF_UNIX, 1) == seccomp.ALLOW
    for family in (0, 2, 10, 16, 17, 40):
        assert verdict(machine, socket, family) == seccomp.ERRNO | errno.EAFNOSUPPORT
    assert verdict(machine, prlimit, 0, 7) == seccomp.ALLOW
    assert verdict(machine, prlimit, 1, 7) == eperm
    assert verdict(machine, priority, 0, 0, 5) == seccomp.ALLOW
    assert verdict(machine, priority, 0, 1, 5) == eperm
    assert verdict(machine, priority, 2, 0, 5) == eperm
    assert verdict(machine, 0, arch=0x40000003) == seccomp.KILL_PROCESS  # 32-bit x86
    assert verdict(machine, 63) == seccomp.ALLOW


def test_x32_is_refused():
    for number in (39, 101, 512):
        answer = verdict("x86_64", seccomp.X32_BIT | number)
        assert answer == seccomp.ERRNO | errno.ENOSYS


@pytest.mark.parametrize("machine", seccomp.MACHINES)
def test_numbers_are_the_kernels(machine):
    if not HEADERS[machine].exists():
        pytest.skip(f"no kernel header {HEADERS[machine]}")
    numbers = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)\s", HEADERS[machine].read_text())
    kernel = {name: int(number) for name, number in numbers}
    column = seccomp.MACHINES[machine].column
    known = {
        name: pair[column] for table in TABLES for name, pair in table.items() if name in kernel
    }
    known |= {
        "clone": seccomp.CLONE[column],
        "ioctl": seccomp.IOCTL[column],
        "socket": seccomp.SOCKET[column],
        "setpriority": seccomp.SETPRIORITY[column],
    }
    assert len(known) > 60
    assert known == {name: kernel[name] for name in known}


def test_unknown_machine_is_named():
    with pytest.raises(ValueError, match="riscv64"):
        seccomp.program("riscv64")
