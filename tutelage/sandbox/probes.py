"""Every promise of the sandbox as a command that tries to break it and what must come of that."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass

from tutelage.sandbox import seccomp
from tutelage.sandbox.enclosure import Limits
from tutelage.sandbox.traps import Traps
from tutelage.sandbox.tree import Ending, Execution, printable

ATTEMPT = "python3 -I -S attempt.py"
TIMEOUT_S = 0.4
ALONE = "set -- /proc/[0-9]*; echo $#"  # the keeper and this shell: 2


@dataclass(frozen=True)
class Probe:
    """A command and the test of what it did; cases are numbers of the sandbox's case list."""

    cases: str
    name: str
    command: str
    held: Callable[[Execution], bool]


def prints(*answers: str) -> Callable[[Execution], bool]:
    """Held when every line of the output is one of the answers, and there is one."""
    return lambda execution: (
        bool(lines := execution.stdout.decode("utf-8", "replace").split())
        and set(lines) <= set(answers)
    )


def silent(execution: Execution) -> bool:
    """Held when the command ended by itself and got nothing out."""
    return execution.outcome == Ending.OK and execution.stdout == b""


def ended(*endings: Ending) -> Callable[[Execution], bool]:
    """Held when the command was ended in one of these ways."""
    return lambda execution: execution.outcome in endings


def at_most(most: int) -> Callable[[Execution], bool]:
    """Held when the command's last line is a number no larger than most."""
    return lambda execution: (
        (words := execution.stdout.split()) != [] and words[-1].isdigit() and int(words[-1]) <= most
    )


def call(name: str, *arguments: int) -> str:
    """A command that makes one of the refused system calls."""
    column = seccomp.MACHINES[platform.machine()].column
    number = {**seccomp.REFUSED, **seccomp.ABSENT, **OTHER_CALLS}[name][column]
    return f"{ATTEMPT} system_call {number} " + " ".join(str(argument) for argument in arguments)


OTHER_CALLS = {"clone": seccomp.CLONE, "ioctl": seccomp.IOCTL, "prlimit": (302, 261)}
NO_NETWORK = ("ENETUNREACH", "EAFNOSUPPORT", "EPERM", "ECONNREFUSED", "EACCES")
NEW_USER = 0x10000000


def probes(traps: Traps, limits: Limits) -> list[Probe]:
    """Every probe that one sandbox can run by itself."""
    return [*_reading(traps), *_network(traps), *_kernel(), *_amounts(limits), *_manners()]


def _reading(traps: Traps) -> list[Probe]:
    return [
        Probe("1", "cannot read /etc/shadow", "cat /etc/shadow 2>/dev/null || true", silent),
        Probe(
            "2", "cannot read the host's files", f"cat {traps.secret} 2>/dev/null || true", silent
        ),
        Probe("3", "cannot write to /usr", "touch /usr/bin/x 2>/dev/null && echo wrote", silent),
        Probe(
            "4",
            "a symbolic link leads nowhere outside",
            f"ln -s {traps.secret} out; cat out 2>/dev/null || true",
            silent,
        ),
        Probe(
            "5",
            "sees no process of the host and not /proc/1/root",
            f"ls /proc/1/root /proc/1/fd 2>/dev/null; head -c 1 /proc/1/mem 2>/dev/null; {ALONE}",
            prints("2"),
        ),
        Probe(
            "28",
            "sees no secret of the environment",
            "env; cat /proc/*/environ 2>/dev/null",
            lambda execution: traps.word not in execution.stdout and b"TZ=UTC" in execution.stdout,
        ),
        Probe("33", "inherits no file descriptor", "ls /proc/self/fd", prints("0", "1", "2", "3")),
        Probe("39", "cannot read the checks", f"ls -A {traps.package} 2>/dev/null || true", silent),
        Probe(
            "40",
            "has no /dev/shm to share",
            "touch /dev/shm/x /dev/x 2>/dev/null && echo made",
            silent,
        ),
    ]


def _network(traps: Traps) -> list[Probe]:
    here = f"127.0.0.1 {traps.port}"
    return [
        Probe(
            "7",
            "no TCP to the outside",
            f"{ATTEMPT} connect AF_INET SOCK_STREAM 192.0.2.1 9",
            prints("ENETUNREACH", "EAFNOSUPPORT"),
        ),
        Probe(
            "8",
            "no TCP to the host's loopback",
            f"{ATTEMPT} connect AF_INET SOCK_STREAM {here}",
            lambda execution: prints(*NO_NETWORK)(execution) and not traps.was_called(),
        ),
        Probe(
            "9",
            "no UDP, and so no DNS",
            f"{ATTEMPT} connect AF_INET SOCK_DGRAM {here}; "
            f"{ATTEMPT} connect AF_INET6 SOCK_DGRAM ::1 53",
            prints("ENETUNREACH", "EAFNOSUPPORT"),
        ),
        Probe(
            "10, 41",
            "reaches no Unix socket of the host, so no descriptor can be handed in",
            f"{ATTEMPT} connect AF_UNIX SOCK_STREAM {traps.abstract}",
            prints(*NO_NETWORK),
        ),
    ]


def _kernel() -> list[Probe]:
    refused = prints("EPERM")
    wide = [call("bpf"), call("perf_event_open"), call("userfaultfd"), call("fanotify_init")]
    gates = [f"{ATTEMPT} system_call {seccomp.X32_BIT + 39}"]
    if platform.machine() == "x86_64":
        gates.append(f"{ATTEMPT} old_abi 2>/dev/null; echo $?")
    return [
        Probe(
            "11",
            "no nested user namespace",
            "; ".join([call("unshare", NEW_USER), call("clone", NEW_USER | 17)]),
            refused,
        ),
        Probe("12", "no mount", f"{call('mount')}; {call('fsopen')}; {call('chroot')}", refused),
        Probe(
            "13",
            "no privilege to gain: no su, no capability",
            "timeout 0.2 su -c id 2>/dev/null; "
            "grep -E 'NoNewPrivs|CapEff|CapBnd' /proc/self/status",
            prints("NoNewPrivs:", "1", "CapEff:", "CapBnd:", "0" * 16),
        ),
        Probe("14", "no device node", "mknod disk b 8 0 2>/dev/null && echo made", silent),
        Probe("15", "no ptrace", f"{call('ptrace')}; {call('process_vm_readv', 1)}", refused),
        Probe("16", "no kernel keys", f"{call('keyctl')}; {call('add_key')}", refused),
        Probe("17", "no bpf, perf, userfaultfd", "; ".join(wide), refused),
        Probe("17", "no io_uring", call("io_uring_setup", 8), prints("ENOSYS")),
        Probe("18", "no other ABI", "; ".join(gates), prints("ENOSYS", "159", "139")),
        Probe(
            "27",
            "cannot write sysrq or sysctl",
            "for f in sysrq-trigger sys/kernel/hostname sys/vm/drop_caches; do "
            "(echo 0 > /proc/$f) 2>/dev/null && echo wrote; done; true",
            silent,
        ),
        Probe(
            "29",
            "cannot type into a terminal",
            "; ".join(call("ioctl", 0, request) for request in seccomp.TERMINAL_INJECTIONS),
            refused,
        ),
        Probe("37", "cannot set the clock", call("clock_settime"), refused),
        Probe("42", "cannot change the worker's limits", call("prlimit", 1, 7), refused),
    ]


def _amounts(limits: Limits) -> list[Probe]:
    long_file = f"head -c {limits.file_bytes * 2} /dev/zero > big 2>/dev/null; stat -c %s big"
    half = f"head -c {limits.folder_bytes // 2} /dev/zero"
    fill = f"for i in 1 2 3 4; do {half} > /tmp/$i; done 2>/dev/null"
    deep = "d=d; for i in 1 2 3 4 5 6 7; do d=$d/$d; done; mkdir -p $d"
    many = f"{ATTEMPT} files 60000 /tmp; sleep 9"
    past = ended(Ending.OUTPUT_LIMIT)
    return [
        Probe("19", "a fork bomb is bounded", f"{ATTEMPT} fork 200", at_most(64)),
        Probe("20", "a memory bomb is bounded", f"{ATTEMPT} memory {1 << 30}", prints("ENOMEM")),
        Probe("21", "a file is bounded", long_file, at_most(16 << 20)),
        Probe(
            "22",
            "the temporary folder is bounded",
            f"{fill}; cat /tmp/* | wc -c",
            at_most(16 << 20),
        ),
        Probe("23", "the number of results is bounded", f"{ATTEMPT} files 2000 .", past),
        Probe("23", "the number of files is bounded", many, past),
        Probe("24", "an endless loop ends", "while :; do :; done", ended(Ending.TIMEOUT)),
        Probe(
            "25",
            "ignoring signals does not help",
            "trap '' TERM INT HUP XCPU; while :; do sleep 1; done",
            ended(Ending.TIMEOUT),
        ),
        Probe("30", "a flood of lines is cut", "yes", past),
        Probe("30", "a flood without a newline is cut", "head -c 1M /dev/zero", past),
        Probe("35", "deep paths are refused", deep, past),
        Probe("35", "a bomb does not unpack", "yes | head -c 5M | gzip | zcat > big", past),
    ]


def _manners() -> list[Probe]:
    escapes = r"printf '\033]52;c;eA==\a\033Pq\033\\\033]0;t\a\377\000\302\233'"
    return [
        Probe(
            "6",
            "cannot kill its keeper",
            "kill -9 1; kill -9 -1 2>/dev/null; echo up",
            prints("up"),
        ),
        Probe("26", "a daemon may be started", "setsid sleep 99 & echo", ended(Ending.OK)),
        Probe("26", "and is dead at the next command", ALONE, prints("2")),
        Probe(
            "31",
            "escapes and invalid bytes can be shown safely",
            escapes,
            lambda execution: (
                len(execution.stdout) > 20 and printable(execution.stdout).isprintable()
            ),
        ),
        Probe("32", "nothing waits for a keyboard", "read x; cat; head", ended(Ending.OK)),
        Probe(
            "34",
            "a FIFO, a socket or a huge sparse file is no result",
            "mkfifo f; truncate -s 15M sparse",
            lambda execution: execution.outcome == Ending.OUTPUT_LIMIT and not execution.tree,
        ),
        Probe(
            "34",
            "the work folder cannot be swapped",
            "cd ..; exec 2>/dev/null; mv work w; rm -rf work; ln -sfn /etc work; ls work",
            lambda execution: execution.outcome == Ending.OK and "passwd" not in execution.tree,
        ),
        Probe(
            "38",
            "cannot edit its keeper",
            "for f in /run/worker/*.py /run/worker/*/*.py /etc/passwd /bin/bash; do "
            "(echo >> $f) 2>/dev/null && echo wrote; done; "
            "echo 'echo owned' | tee ~/.bashrc ~/.profile ~/.bash_profile > ../.bashrc",
            silent,
        ),
        Probe(
            "38",
            "and finds its start-up files gone",
            "ls -A .. /tmp; bash -ic : 2>/dev/null; true",
            prints("..:", "work", "/tmp:"),
        ),
    ]
