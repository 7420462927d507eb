"""Commands run in the sandbox: what goes in, what comes out, how they end."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tutelage.errors import BadInput, EnvironmentFailure, SandboxUnavailable
from tutelage.sandbox import Ending, Entry, Limits, Sandbox, enclosure, printable, require_sandbox

NOTES = {"notes.txt": Entry("file", b"one\ntwo\n")}


@pytest.fixture(scope="module")
def sandbox(sandboxed):
    with Sandbox(workers=2) as sandbox:
        yield sandbox


def test_count_lines_by_hand(sandbox):
    execution = sandbox.run("wc -l < notes.txt; echo oops >&2; exit 3", NOTES)
    assert execution.stdout == b"2\n"
    assert execution.stderr == b"oops\n"
    assert execution.exit_code == 3
    assert execution.outcome == Ending.OK
    assert execution.tree == NOTES


def test_tree_comes_back_as_it_went_in(sandbox):
    tree = {
        "bytes.bin": Entry("file", bytes(range(256)) * 40, 0o600),
        "closed": Entry("dir", mode=0o500),
        "closed/inner.txt": Entry("file", b"x", 0o400),
        "dangling": Entry("link", b"no/such/place"),
        "empty": Entry("dir"),
        "folder": Entry("dir", mode=0o750),
        "folder/run.sh": Entry("file", b"echo hi\n", 0o755),
        "folder/up": Entry("link", b"../bytes.bin"),
        "name with\nnewline é \udcff": Entry("file", b""),
        "nothing": Entry("file", b"secret", 0o000),
        "unlistable": Entry("dir", mode=0o000),
        "unlistable/leaf": Entry("file", b"leaf"),
    }
    execution = sandbox.run(":", tree)
    assert execution.outcome == Ending.OK
    assert execution.tree == tree
    assert list(execution.tree) == sorted(tree)


def test_changes_are_seen_and_missing_folders_made(sandbox):
    command = "mkdir -p a/b; mv notes.txt a/b/; chmod 640 a/b/notes.txt; ln -s a here; rm -r old"
    execution = sandbox.run(command, NOTES | {"old/file": Entry("file", b"1")})
    assert execution.tree == {
        "a": Entry("dir"),
        "a/b": Entry("dir"),
        "a/b/notes.txt": Entry("file", b"one\ntwo\n", 0o640),
        "here": Entry("link", b"a"),
    }


def test_output_depends_on_no_clock(sandbox):
    command = "ls -la --time-style=full-iso; stat -c %y . notes.txt; umask; pwd; echo $HOME $TZ"
    first = sandbox.run(command, NOTES)
    time.sleep(0.02)
    assert sandbox.run_many([(command, NOTES)] * 4) == [first] * 4
    assert b"2023-11-14" in first.stdout
    assert b"0022\n/home/user/work\n/home/user/work UTC\n" in first.stdout


@pytest.mark.parametrize(
    "command", ["while :; do :; done", "trap '' TERM INT; sleep 60", "yes > /dev/null | cat"]
)
def test_timeout(sandbox, command):
    start = time.monotonic()
    execution = sandbox.run(f"echo before; {command}; echo after", {}, timeout_s=0.2)
    assert execution.outcome == Ending.TIMEOUT
    assert execution.stdout == b"before\n"
    assert time.monotonic() - start < 5


def test_processor_time_of_every_child_counts(sandbox):
    # Each child is far below the limit; only their sum is above it.
    spin = "for i in {1..200}; do sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done'; done"
    assert sandbox.run(spin, {}, timeout_s=0.3).outcome == Ending.TIMEOUT


def test_reader_of_nothing_ends_at_once(sandbox):
    execution = sandbox.run("cat; read line; echo $?; less notes.txt", NOTES)
    assert execution.outcome == Ending.OK
    assert execution.stdout.startswith(b"1\n")


@pytest.mark.parametrize("command", ["yes", "yes >&2", "head -c 70000 /dev/zero"])
def test_output_flood(sandbox, command):
    execution = sandbox.run(command, {})
    assert execution.outcome == Ending.OUTPUT_LIMIT
    assert max(len(execution.stdout), len(execution.stderr)) == Limits().output_bytes


@pytest.mark.parametrize(
    "command",
    [
        "for i in {1..1100}; do : > $i; done",
        "mkdir -p $(printf 'd/%.0s' {1..100})",
        "truncate -s 10M sparse",
        "head -c 5M /dev/zero > big",
    ],
)
def test_too_large_a_folder_is_said_and_forgotten(sandbox, command):
    execution = sandbox.run(command, {})
    assert execution.outcome == Ending.OUTPUT_LIMIT
    assert execution.tree == {}
    assert sandbox.run_many([("ls -A", {})] * 4) == [sandbox.run(":", {})] * 4


def test_odd_results_are_left_out_and_links_not_followed(sandbox):
    command = (
        "mkfifo fifo; ln -s /etc/passwd passwd; ln -s / root; echo x > file; "
        "python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"sock\")'"
    )
    assert sandbox.run(command, {}).tree == {
        "file": Entry("file", b"x\n"),
        "passwd": Entry("link", b"/etc/passwd"),
        "root": Entry("link", b"/"),
    }


def test_fork_bomb_is_bounded_and_gone(sandbox):
    execution = sandbox.run("bomb() { bomb | bomb & }; bomb; sleep 0.2", {}, timeout_s=1.0)
    assert execution.outcome in (Ending.OK, Ending.TIMEOUT)
    listing = sandbox.run_many([("ls -d /proc/[0-9]*", {})] * 2)
    assert all(len(execution.stdout.split()) <= 3 for execution in listing)


def test_memory_bomb(sandbox):
    command = "python3 -c 'b = bytearray(2 << 30); print(len(b))' 2>&1 | tail -1"
    assert sandbox.run(command, {}).stdout == b"MemoryError\n"
    together = (
        "for i in 1 2 3 4; do python3 -c 'import time; b = b\"x\" * (200 << 20); time.sleep(3)' &"
        " done; wait"
    )
    assert sandbox.run(together, {}).outcome == Ending.OUTPUT_LIMIT


@pytest.mark.parametrize("command", ["kill -9 -1", "kill -9 1", "kill -STOP 1", "kill -INT 1"])
def test_worker_cannot_be_killed(sandbox, command):
    executions = sandbox.run_many([(f"{command}; echo still", {}), *[("echo fine", {})] * 5])
    assert executions[0].outcome == Ending.OK
    assert [execution.stdout for execution in executions[1:]] == [b"fine\n"] * 5


def test_daemon_is_dead_at_the_next_command():
    with Sandbox(workers=1) as sandbox:
        start = "setsid sh -c 'trap \"\" TERM HUP; sleep 60' & echo left"
        assert sandbox.run(start, {}).stdout == b"left\n"
        assert sandbox.run("pgrep sleep || echo none", {}).stdout == b"none\n"


def test_nothing_is_left_for_the_next_command():
    with Sandbox(workers=1) as sandbox:
        litter = (
            "echo x > /tmp/x; echo x > ~/.bashrc; echo x > ../y; mkdir /tmp/d; chmod 0 /tmp/d; "
            "chmod 0 . .. /tmp; mv . /tmp/w; rmdir ../work; ln -s /etc ../work2"
        )
        sandbox.run(litter, {})
        look = "ls -A . .. /tmp; stat -c '%a' . .. /tmp"
        expected = b".:\n\n..:\nwork\n\n/tmp:\n755\n755\n1777\n"
        assert sandbox.run(look, {}).stdout == expected


def test_dying_workers_disturb_no_other_job(sandbox):
    def murder():
        for _ in range(2):
            time.sleep(0.1)
            sandbox._seats[0].worker.process.kill()

    thread = threading.Thread(target=murder)
    thread.start()
    executions = sandbox.run_many([(f"sleep 0.02; echo {number}", {}) for number in range(30)])
    thread.join()
    outcomes = [execution.outcome for execution in executions]
    assert Ending.ENVIRONMENT_ERROR in outcomes
    assert outcomes.count(Ending.OK) >= 28
    for number, execution in enumerate(executions):
        if execution.outcome == Ending.OK:
            assert execution.stdout == b"%d\n" % number
    assert sandbox.run("echo whole", {}).stdout == b"whole\n"


def test_results_keep_their_order_and_threads_may_share(sandbox):
    jobs = [(f"sleep 0.0{number % 3}; echo {number}", {}) for number in range(12)]
    expected = [b"%d\n" % number for number in range(12)]
    outputs = {}

    def work(name):
        outputs[name] = [execution.stdout for execution in sandbox.run_many(jobs)]

    threads = [threading.Thread(target=work, args=(name,)) for name in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outputs == dict.fromkeys(range(3), expected)


@pytest.mark.parametrize(
    ("reply", "ending"),
    [
        ("b'x' * 8", Ending.SANDBOX_VIOLATION),
        ("wire.pack({'nonce': 'guessed'}, b'')", Ending.SANDBOX_VIOLATION),
        ("wire.pack([[[]]], b'')", Ending.SANDBOX_VIOLATION),
        ("wire.pack({'nonce': nonce, 'last': 0, 'sizes': [1, 1]}, b'')", Ending.SANDBOX_VIOLATION),
        ("b''", Ending.ENVIRONMENT_ERROR),
    ],
)
def test_forged_answers_are_refused(sandbox, monkeypatch, reply, ending):
    forger = (
        "import os\nfrom inside import wire\nnonce = wire.receive(0)[0]['nonce']\n"
        "wire.write_all(1, wire.pack({'nonce': nonce}, b''))\n"
        f"wire.receive(0)\nwire.write_all(1, {reply})\n"
    )
    with monkeypatch.context() as patch:
        patch.setattr(enclosure, "STARTER", forger)
        with Sandbox(workers=1) as forged:
            execution = forged.run("echo hi", {})
    assert execution.outcome == ending
    assert execution.tree == {}


def test_silent_worker_is_given_up(monkeypatch):
    mute = "import time\nfrom inside import wire\nnonce = wire.receive(0)[0]['nonce']\n"
    mute += "wire.write_all(1, wire.pack({'nonce': nonce}, b''))\ntime.sleep(60)\n"
    monkeypatch.setattr(enclosure, "STARTER", mute)
    monkeypatch.setattr("tutelage.sandbox.workers.GRACE_S", 0.2)
    with Sandbox(workers=1) as sandbox:
        assert sandbox.run("echo hi", {}, timeout_s=0.05).outcome == Ending.ENVIRONMENT_ERROR


def test_commands_that_no_shell_takes(sandbox):
    assert sandbox.run("echo a\0b", NOTES).exit_code == 126
    assert sandbox.run("echo " + "a" * 200_000, {}).exit_code == 126
    assert sandbox.run("echo \udcff | wc -c", {}).outcome == Ending.OK
    assert sandbox.run("if", {}).exit_code == 2


def test_bad_input_is_refused(sandbox):
    file = Entry("file", b"")
    for path in ("", "/etc/x", "../x", "a//b", "a/./b", "a/", "a\0", "n" * 256, "d/" * 40 + "f"):
        with pytest.raises(BadInput):
            sandbox.run(":", {path: file})
    with pytest.raises(BadInput, match="which is a file"):
        sandbox.run(":", {"a": file, "a/b/c": file})
    with pytest.raises(BadInput, match="at most"):
        sandbox.run(":", {"a": Entry("file", b"x" * (5 << 20))})
    with pytest.raises(BadInput, match="timeout_s"):
        sandbox.run(":", {}, timeout_s=0)
    with pytest.raises(BadInput):
        Entry("link", b"")
    assert sandbox.run_many([]) == []


def test_closed_sandbox_runs_nothing():
    with Sandbox(workers=1) as sandbox:
        process = sandbox._seats[0].worker.process
    assert process.poll() is not None
    with pytest.raises(EnvironmentFailure):
        sandbox.run("echo hi", {})


def test_missing_programs_are_named(monkeypatch):
    enclosure.find_programs.cache_clear()
    monkeypatch.setattr(enclosure.shutil, "which", lambda *_, **__: None)
    with pytest.raises(SandboxUnavailable, match="apt-get install bubblewrap"):
        require_sandbox()
    enclosure.find_programs.cache_clear()


def test_failed_start_is_explained(sandbox, monkeypatch):
    line = enclosure.isolation()
    monkeypatch.setattr(enclosure, "isolation", lambda: [*line, "--ro-bind", "/no/such", "/x"])
    with pytest.raises(SandboxUnavailable, match="no/such"):
        require_sandbox()


def test_printable_by_hand():
    assert printable(b"a\x1b]52;c;aGk=\x07\n\xff\x00\t\xe2\x80\xae") == (
        "a\\x1b]52;c;aGk=\\x07\n\\xff\\x00\t\\u202e"
    )


def _alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _descendants(pid):
    family = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            family += [int(child), *_descendants(child)]
    return family


def test_workers_die_with_their_parent(sandbox):
    script = (
        "from tutelage.sandbox import Sandbox\n"
        "with Sandbox(workers=2) as sandbox:\n"
        "    sandbox.run('echo', {}); print('up', flush=True)\n"
        "    sandbox.run('sleep 60', {}, timeout_s=60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert parent.stdout.readline() == b"up\n"
    time.sleep(0.1)
    family = _descendants(parent.pid)
    assert len(family) >= 6  # launcher, bubblewrap and worker, twice
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    for _ in range(100):
        if not any(_alive(pid) for pid in family):
            break
        time.sleep(0.05)
    assert [pid for pid in family if _alive(pid)] == []


def _uid(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("Uid:")[2].split()[0])


def test_each_worker_has_its_own_uid(sandbox):
    if os.geteuid() != 0:
        pytest.skip("only root can give a worker another uid")
    families = [_descendants(seat.ready().process.pid) for seat in sandbox._seats]
    uids = [{_uid(pid) for pid in family} for family in families]
    assert uids == [{seat.claim.uid} for seat in sandbox._seats]
    assert len(set().union(*uids)) == 2
    assert 0 not in set().union(*uids)
