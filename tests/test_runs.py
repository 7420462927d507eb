"""Writes that a person or a kill interrupts."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import pytest

from tutelage.runs import Run, write_atomically


def interrupt_from_another_thread() -> None:
    """SIGINT to a thread that began before the write, as those of torch did."""
    go = threading.Event()
    thread = threading.Thread(
        target=lambda: (go.wait(), signal.pthread_kill(threading.get_ident(), signal.SIGINT))
    )
    thread.start()
    STARTED.append((go, thread))


STARTED: list[tuple[threading.Event, threading.Thread]] = []


def fill(path: Path) -> None:
    """A write in whose midst the signal comes."""
    path.write_text("first")
    go, thread = STARTED.pop()
    go.set()
    thread.join()
    path.write_text("first and last")


def test_an_interrupt_waits_for_the_write(tmp_path: Path):
    interrupt_from_another_thread()
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "a.txt", fill)
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "first and last"


def test_an_interrupt_waits_for_the_end_of_a_stage(tmp_path: Path):
    run = Run(tmp_path)
    interrupt_from_another_thread()
    with pytest.raises(KeyboardInterrupt):
        run.finish("sft", lambda folder: write_atomically(folder / "a.txt", fill))
    assert run.done("sft")
    assert (run.checkpoint("sft") / "a.txt").read_text() == "first and last"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_another_thread_may_write(tmp_path: Path):
    def write() -> None:
        write_atomically(tmp_path / "a.txt", lambda path: path.write_text("whole"))

    thread = threading.Thread(target=write)
    thread.start()
    thread.join()
    assert (tmp_path / "a.txt").read_text() == "whole"
