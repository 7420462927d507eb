"""The walls: which bubblewrap command line encloses a worker, and whether it can be run here."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from subprocess import DEVNULL, run

from tutelage.errors import SandboxUnavailable
from tutelage.sandbox import seccomp

HOME = "/home/user"
WORK = "/home/user/work"
WORKER_AT = "/run/worker"
INSIDE_UID = 1000
INSTALL = "install bubblewrap 0.8 or newer (for example `apt-get install bubblewrap`)"
NEEDED_OPTIONS = ("--size", "--disable-userns", "--as-pid-1", "--seccomp", "--ro-bind-data")
DEVICES = ("null", "zero", "full", "random", "urandom")
PACKAGE = Path(__file__).resolve().parents[1]
INSIDE = PACKAGE / "sandbox" / "inside"
STARTER = "from inside.serve import main\n\nmain()\n"
SYNTHETIC = {
    "/etc/passwd": (
        "root:x:0:0::/:/usr/sbin/nologin\n"
        f"user:x:{INSIDE_UID}:{INSIDE_UID}::{WORK}:/bin/bash\n"
        "nobody:x:65534:65534::/:/usr/sbin/nologin\n"
    ),
    "/etc/group": f"root:x:0:\nuser:x:{INSIDE_UID}:\nnogroup:x:65534:\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\n",
}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much one command may use; past it the command is stopped."""

    nproc: int = 64  # processes and threads alive at once
    memory_bytes: int = 512 << 20  # resident, all processes of the command together
    address_space_bytes: int = 512 << 20  # of one process
    file_bytes: int = 16 << 20  # the longest file it may write
    folder_bytes: int = 16 << 20  # the work folder, and again the temporary one
    open_files: int = 256
    entries: int = 1024  # in the work folder afterwards
    inodes: int = 8192  # in the work or temporary folder while the command runs
    depth: int = 32  # of folders in the work folder afterwards
    tree_bytes: int = 4 << 20  # contents of the work folder afterwards
    output_bytes: int = 64 << 10  # of stdout, and again of stderr
    wall_factor: float = 5.0  # wall clock allowed for each second of processor time


@dataclass(frozen=True)
class Programs:
    """The programs of this machine that a sandbox is made of."""

    bwrap: str
    bash: str
    python: str


@cache
def find_programs() -> Programs:
    """Find bubblewrap, bash and an interpreter that can be seen inside, or say what to install."""
    if not sys.platform.startswith("linux"):
        raise SandboxUnavailable(f"the sandbox needs Linux and bubblewrap; this is {sys.platform}")
    if platform.machine() not in seccomp.MACHINES:
        raise SandboxUnavailable(
            f"the sandbox has system-call tables for {', '.join(seccomp.MACHINES)}, "
            f"none for {platform.machine()}"
        )
    bwrap = shutil.which("bwrap", path="/usr/bin:/bin:/usr/local/bin")
    if bwrap is None:
        raise SandboxUnavailable(f"bubblewrap is missing: {INSTALL}")
    listing = run([bwrap, "--help"], capture_output=True, text=True, stdin=DEVNULL, check=False)
    lacking = [option for option in NEEDED_OPTIONS if option not in listing.stdout + listing.stderr]
    if lacking:
        raise SandboxUnavailable(f"{bwrap} is too old (no {' '.join(lacking)}): {INSTALL}")
    bash = next((path for path in ("/usr/bin/bash", "/bin/bash") if os.path.exists(path)), None)
    if bash is None:
        raise SandboxUnavailable("bash is missing: install it (`apt-get install bash`)")
    return Programs(bwrap, bash, _find_python())


def _find_python() -> str:
    base = getattr(sys, "_base_executable", sys.executable) or sys.executable
    own = os.path.realpath(base)
    candidates = [own] if own.startswith("/usr/") else []
    for candidate in (*candidates, "/usr/bin/python3", "/usr/local/bin/python3"):
        if os.path.exists(candidate):
            return candidate
    raise SandboxUnavailable(
        "no python3 under /usr for the worker: install python3 (`apt-get install python3`)"
    )


def files() -> dict[str, bytes]:
    """The sandbox's files that are not in the system's own folders: path to content."""
    contents = {path: text.encode() for path, text in SYNTHETIC.items()}
    contents[f"{WORKER_AT}/__main__.py"] = STARTER.encode()
    for source in sorted(INSIDE.glob("*.py")):
        contents[f"{WORKER_AT}/inside/{source.name}"] = source.read_bytes()
    return contents


def system_folders() -> list[str]:
    """Read-only /usr, and /bin, /lib and the like as the machine has them: links or folders."""
    arguments = ["--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/") / name
        if path.is_symlink():
            arguments += ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir():
            arguments += ["--ro-bind", str(path), str(path)]
    if PACKAGE.is_relative_to("/usr"):  # installed system-wide, its checks would be readable
        arguments += ["--tmpfs", str(PACKAGE), "--remount-ro", str(PACKAGE)]
    for path in (Path("/etc/ld.so.cache"), Path("/etc/alternatives")):
        arguments += ["--ro-bind-try", str(path), str(path)]
    return arguments


def isolation() -> list[str]:
    """The namespaces and privileges that a worker does without."""
    flags = (
        "--unshare-all --unshare-user --disable-userns --die-with-parent --new-session --as-pid-1 "
        f"--cap-drop ALL --clearenv --uid {INSIDE_UID} --gid {INSIDE_UID} --hostname sandbox"
    )
    return flags.split()


def arguments(
    programs: Programs, limits: Limits, seccomp_fd: int, copies: Sequence[tuple[int, str]]
) -> list[str]:
    """bubblewrap's command line; copies are (descriptor, path inside), copied in read-only."""
    line = [programs.bwrap, *isolation()]
    # Without these lines bubblewrap would make some of them 0700.
    for folder in ("/etc", "/var", "/dev", "/home"):
        line += ["--perms", "0755", "--dir", folder]
    line += system_folders()
    for descriptor, path in copies:
        line += ["--perms", "0444", "--ro-bind-data", str(descriptor), path]
    line += ["--proc", "/proc"]
    for device in DEVICES:
        line += ["--dev-bind", f"/dev/{device}", f"/dev/{device}"]
    line += ["--symlink", "/proc/self/fd", "/dev/fd"]
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        line += ["--symlink", f"/proc/self/fd/{number}", f"/dev/{name}"]
    size = str(limits.folder_bytes)
    line += ["--perms", "1777", "--size", size, "--tmpfs", "/tmp"]
    # Each its own mount, so that a command can neither remove, rename nor replace the folder.
    for folder in (HOME, WORK):
        line += ["--perms", "0755", "--size", size, "--tmpfs", folder]
    line += ["--symlink", "/tmp", "/var/tmp", "--remount-ro", "/", "--chdir", WORK]
    line += ["--setenv", "PATH", "/usr/bin:/bin", "--seccomp", str(seccomp_fd)]
    return [*line, "--", programs.python, "-I", "-S", "-B", WORKER_AT]
