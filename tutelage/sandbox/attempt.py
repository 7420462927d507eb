"""Tries one forbidden thing from inside the sandbox and says the kernel's answer: OK or an error.

The self-test lays this file out as part of a work folder, so it imports the standard library only.
"""

import ctypes
import errno
import mmap
import os
import signal
import socket
import sys
import time
from collections.abc import Callable


def say(error: int) -> None:
    """Write the answer for the self-test to read."""
    os.write(1, ((errno.errorcode.get(error, str(error)) if error else "OK") + "\n").encode())


def system_call(*numbers: str) -> None:
    """A raw system call: its number, then its arguments."""
    libc = ctypes.CDLL(None, use_errno=True)
    failed = libc.syscall(*(ctypes.c_long(int(number, 0)) for number in numbers)) == -1
    say(ctypes.get_errno() if failed else 0)


def connect(family: str, kind: str, *address: str) -> None:
    """Send one byte to an address: (host, port), or the name of an abstract Unix socket."""
    target = (address[0], int(address[1])) if len(address) == 2 else "\0" + address[0]
    try:
        with socket.socket(getattr(socket, family), getattr(socket, kind)) as line:
            line.settimeout(0.3)
            line.connect(target)
            line.send(b"x")
        say(0)
    except OSError as failure:
        say(failure.errno or errno.ETIMEDOUT)


def fork(most: str) -> None:
    """Count how many processes can be alive at once."""
    children = []
    try:
        for _ in range(int(most)):
            child = os.fork()
            if child == 0:
                time.sleep(30)
                os._exit(0)
            children.append(child)
    except OSError:
        pass
    for child in children:
        os.kill(child, signal.SIGKILL)
    print(len(children))


def old_abi() -> None:
    """Ask for the process id through the 32-bit x86 gate, which the filter does not list."""
    code = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")  # mov eax, getpid; int 0x80; ret
    address = ctypes.addressof(ctypes.c_char.from_buffer(code))
    gate = ctypes.CFUNCTYPE(ctypes.c_int)
    say(0 if gate(address)() >= 0 else errno.ENOSYS)


def memory(count: str) -> None:
    """Fill count bytes."""
    try:
        print(len(b"x" * int(count)))
    except MemoryError:
        say(errno.ENOMEM)


def files(count: str, folder: str) -> None:
    """Make count empty files."""
    for number in range(int(count)):
        os.close(os.open(f"{folder}/{number}", os.O_CREAT | os.O_WRONLY))
    say(0)


ATTEMPTS: dict[str, Callable[..., None]] = {
    "system_call": system_call,
    "connect": connect,
    "fork": fork,
    "old_abi": old_abi,
    "memory": memory,
    "files": files,
}

if __name__ == "__main__":
    ATTEMPTS[sys.argv[1]](*sys.argv[2:])
