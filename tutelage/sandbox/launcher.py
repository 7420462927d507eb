"""Gives up every privilege, then starts bubblewrap and stays as its parent.

It is run as a file by a bare interpreter, so that the program that asks for a sandbox, which may
hold threads and gigabytes, is never forked. It stays because --die-with-parent follows the thread
that started bubblewrap, and a thread of the asking program may end long before the sandbox.
"""

import ctypes
import os
import resource
import select
import signal
import sys

PR_SET_NO_NEW_PRIVS = 38
REQUESTS = 0
CHECK_MS = 2000


def shed_privileges(uid: int, nproc: int) -> None:
    """Become uid for good (skipped when negative) and never gain a privilege again."""
    with open("/proc/self/oom_score_adj", "w") as score:
        score.write("1000")  # when memory runs out, the sandbox goes first
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if uid >= 0:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        # Counted per uid: without one of its own the person's processes would count too, and
        # the worker sets the limit inside its user namespace instead.
        resource.setrlimit(resource.RLIMIT_NPROC, (nproc, nproc))
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs was refused")


def main() -> int:
    """Start bubblewrap; leave when it ends or when the asking program is gone."""
    uid, nproc, *command = sys.argv[1:]
    asker = os.getppid()
    shed_privileges(int(uid), int(nproc))
    os.chdir("/")
    child = os.posix_spawn(
        command[0], command, {"PATH": "/usr/bin:/bin"}, setsigdef=(signal.SIGPIPE, signal.SIGXFSZ)
    )
    ended = os.pidfd_open(child)
    # Holding the reply pipe open would hide the worker's death from the asking program.
    os.close(1)
    poller = select.poll()
    poller.register(ended, select.POLLIN)
    poller.register(REQUESTS, 0)  # only POLLHUP: every writer of the requests is gone
    # A child that the asking program forked keeps the pipe open after its death, so ask too.
    while not poller.poll(CHECK_MS) and os.getppid() == asker:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
