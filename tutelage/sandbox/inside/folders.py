"""Lays out the work folder, carries out what a command left, and empties it again.

Every other process of the sandbox is dead while this runs, so nothing can be swapped between a
look and an opening.
"""

from __future__ import annotations

import os
import stat

from .wire import read_exactly, write_all

LONG_AGO_NS = 1_700_000_000 * 10**9  # every given file's time, so that output needs no clock


class TooMuch(Exception):
    """The work folder holds more than may be carried out."""


def lay_out(folder: int, rows: list, body: bytes, offset: int) -> None:
    """Make the folder's content. rows: (path, kind, mode, size), parents before children."""
    times = (LONG_AGO_NS, LONG_AGO_NS)
    folders = [(".", 0o755)]
    known = {""}
    for path, kind, mode, size in rows:
        content = body[offset : offset + size]
        offset += size
        steps = path.split("/")
        for count in range(1, len(steps)):
            above = "/".join(steps[:count])
            if above not in known:
                known.add(above)
                os.mkdir(above, 0o700, dir_fd=folder)
                folders.append((above, 0o755))
        if kind == "dir":
            known.add(path)
            os.mkdir(path, 0o700, dir_fd=folder)
            folders.append((path, mode))
        elif kind == "link":
            os.symlink(content, path, dir_fd=folder)
            os.utime(path, ns=times, dir_fd=folder, follow_symlinks=False)
        else:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            file = os.open(path, flags, mode & 0o777, dir_fd=folder)
            if content:
                write_all(file, content)
            if mode != 0o644:  # what the umask and O_CREAT already gave
                os.fchmod(file, mode)
            os.utime(file, ns=times)
            os.close(file)
    # Last and deepest first: a read-only folder takes no files, and each file moves its time.
    for path, mode in reversed(folders):
        os.chmod(path, mode, dir_fd=folder)
        os.utime(path, ns=times, dir_fd=folder)


def open_folder(name: str, above: int) -> int:
    """Open a folder for listing even when a command closed it to its owner."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    mode = stat.S_IMODE(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode)
    if mode & 0o700 != 0o700:
        os.chmod(name, mode | 0o700, dir_fd=above)
    return os.open(name, flags, dir_fd=above)


def read_file(name: str, above: int, status: os.stat_result, most: int) -> bytes:
    """A regular file's bytes; nothing else is ever opened, so no FIFO can block us."""
    if status.st_size > most:
        raise TooMuch
    mode = stat.S_IMODE(status.st_mode)
    if not mode & 0o400:
        os.chmod(name, mode | 0o400, dir_fd=above)
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    file = os.open(name, flags, dir_fd=above)
    try:
        return read_exactly(file, status.st_size)
    finally:
        os.close(file)


def collect(folder: int, limits: dict) -> tuple:
    """The folder as (rows, contents); sockets, FIFOs and devices are no results and left out."""
    rows: list = []
    contents: list = []
    left = limits["tree_bytes"]

    def visit(above: int, prefix: str, depth: int) -> None:
        nonlocal left
        if depth > limits["depth"]:
            raise TooMuch
        with os.scandir(above) as listing:
            names = []
            for entry in listing:
                names.append(entry.name)
                if len(rows) + len(names) > limits["entries"]:
                    raise TooMuch
        for name in sorted(names):
            path = prefix + name
            status = os.stat(name, dir_fd=above, follow_symlinks=False)
            mode = stat.S_IMODE(status.st_mode)
            if stat.S_ISDIR(status.st_mode):
                rows.append((path, "dir", mode, 0))
                inner = open_folder(name, above)
                try:
                    visit(inner, path + "/", depth + 1)
                finally:
                    os.close(inner)
            elif stat.S_ISLNK(status.st_mode):
                target = os.fsencode(os.readlink(name, dir_fd=above))
                rows.append((path, "link", mode, len(target)))
                contents.append(target)
            elif stat.S_ISREG(status.st_mode):
                content = read_file(name, above, status, left)
                left -= len(content)
                rows.append((path, "file", mode, len(content)))
                contents.append(content)

    visit(folder, "", 0)
    return rows, contents


def wipe(folder: int, depth: int, kept: str = "") -> None:
    """Empty the folder but for kept; too deep a tree is left to the worker's own end."""
    if depth < 0:
        raise TooMuch
    with os.scandir(folder) as listing:
        entries = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in listing]
    for name, is_folder in entries:
        if name == kept:
            continue
        if is_folder:
            inner = open_folder(name, folder)
            try:
                wipe(inner, depth - 1)
            finally:
                os.close(inner)
            os.rmdir(name, dir_fd=folder)
        else:
            os.unlink(name, dir_fd=folder)
