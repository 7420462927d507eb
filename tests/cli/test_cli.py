"""Every way in which a command line can end, and what it says then."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from tutelage import __version__, cli
from tutelage.errors import ContractBroken, SandboxUnavailable


def raising(error: BaseException):
    """A command that fails so."""

    def main(argv: object) -> None:
        raise error

    return lambda: main


def test_overview_names_every_command(tutelage) -> None:
    code, out, _ = tutelage("--help")
    assert code == 0
    listed = {line.split()[0] for line in out.splitlines() if line.startswith("    ")}
    assert listed == set(cli.COMMANDS)
    assert all(len(line) <= 80 for line in out.splitlines())


def test_nothing_typed_shows_the_overview(tutelage) -> None:
    assert tutelage()[:2] == (0, cli.OVERVIEW)


def test_version(tutelage) -> None:
    assert tutelage("--version")[:2] == (0, f"tutelage {__version__}\n")


def test_overview_imports_nothing_heavy() -> None:
    program = (
        "import sys; from tutelage.cli import main; main(['--help'])\n"
        "heavy = {'torch', 'numpy', 'tyro', 'rich', 'plotly'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


def test_misspelt_command(tutelage) -> None:
    code, _, err = tutelage("scool")
    assert code == 2
    assert (
        err
        == "There is no command 'scool'. Perhaps you meant school. `tutelage --help` lists them.\n"
    )


@pytest.mark.parametrize("command", list(cli.COMMANDS))
def test_help_tells_a_newcomer_what_goes_in_and_out(tutelage, command: str) -> None:
    code, out, err = tutelage(command, "--help")
    assert (code, err) == (0, "")
    for heading in ("\nReads\n", "\nWrites\n", f"\nExample\n  tutelage {command}"):
        assert heading in out
    assert "None" not in out
    assert [line for line in out.splitlines() if len(line) > 80] == []


NO_MODEL = (
    "nowhere holds no model: give a folder with a model.json in it, such as "
    "runs/school/checkpoints/sft, or a run whose first stage is done."
)
NO_REPORT = (
    "nowhere holds no report.json: `tutelage school` and `tutelage rl --env` write it when they "
    "are done."
)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            "school --minuts 3",
            "tutelage school has no option --minuts, perhaps you meant --minutes",
        ),
        ("school extra", "tutelage school does not expect 'extra'"),
        ("school --minutes x", "--minutes: could not convert string to float: 'x'"),
        ("school --minutes 0", "minutes must lie between 0.1 and 10,000, got 0.0"),
        ("school --size huge", "--size: expected 'auto', 'small', 'medium', 'large', got 'huge'"),
        ("sft --model m", "tutelage sft needs --demonstrations FILE ... and --run DIR"),
        ("chat", "tutelage chat needs DIR"),
        ("sandbox try", "action: expected 'selftest', got 'try'"),
        ("chat nowhere", NO_MODEL),
        ("report nowhere", NO_REPORT),
        ("school --config", "--config needs the name of a TOML file."),
        ("school --config nowhere.toml", "There is no file nowhere.toml."),
    ],
)
def test_bad_input_is_one_sentence_and_exit_2(tutelage, words: str, sentence: str) -> None:
    if not sentence.endswith("."):
        sentence += f"; see `tutelage {words.split()[0]} --help`."
    assert tutelage(*words.split()) == (2, "", sentence + "\n")


FULL = "what was finished is saved and nothing was lost; free some space and give the same command"


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (SandboxUnavailable("bubblewrap is missing"), 3, "bubblewrap is missing"),
        (ContractBroken("the ratio is 2"), 4, "the ratio is 2"),
        (OSError(errno.ENOSPC, "No space left", "w.pt"), 1, f"The disk is full (w.pt): {FULL}"),
        (Exception("No space left on device (os error 28)"), 1, f"The disk is full: {FULL}"),
        (
            RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0"),
            1,
            f"The disk is full: {FULL}",
        ),
        (OSError(errno.EROFS, "Read-only", "a/b"), 1, "a/b cannot be used: read-only."),
        (
            KeyboardInterrupt(),
            130,
            "\nStopped; what was finished is saved. To go on, give the same command:\n"
            "  tutelage school --run 'a b'\n",
        ),
        (
            ZeroDivisionError("by\nzero"),
            70,
            "Unforeseen ZeroDivisionError: by zero. This is a fault in Tutelage; please report it "
            "in its issue tracker with what `TUTELAGE_DEBUG=1 tutelage school --run 'a b'` prints.",
        ),
    ],
)
def test_every_failure_is_told_without_a_traceback(
    tutelage, monkeypatch, error: BaseException, code: int, said: str
) -> None:
    monkeypatch.delenv("TUTELAGE_DEBUG", raising=False)
    monkeypatch.setitem(cli.COMMANDS, "school", raising(error))
    ended, out, err = tutelage("school", "--run", "a b")
    assert (ended, out) == (code, "")
    assert err.startswith(said)
    assert "Traceback" not in err


def test_traceback_of_the_unforeseen_on_request(tutelage, monkeypatch) -> None:
    monkeypatch.setenv("TUTELAGE_DEBUG", "1")
    monkeypatch.setitem(cli.COMMANDS, "school", raising(ZeroDivisionError("zero")))
    assert "Traceback" in tutelage("school")[2]


def test_reader_that_leaves_is_no_error() -> None:
    program = "import sys; from tutelage.cli import main; sys.exit(main(['--help']))"
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == cli.UNREAD
    process.stderr.close()


def test_a_full_disk_under_a_stage_keeps_the_run_whole(
    tutelage, monkeypatch, run_folder: Path, tmp_path: Path
) -> None:
    demonstrations = tmp_path / "shown.jsonl"
    row = '{"prompt": "count the lines %d", "completion": "wc -l plum.txt"}\n'
    demonstrations.write_text("".join(row % number for number in range(8)))
    words = ["sft", "--model", run_folder, "--stage", "pretrain", "--demonstrations",
             demonstrations, "--run", tmp_path / "new", "--epochs", "1"]  # fmt: skip

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("torch.save", full)
        code, _, err = tutelage(*words)
    assert code == 1
    assert err.startswith("The disk is full")
    assert list((tmp_path / "new").rglob("*.partial")) == []
    code, out, _ = tutelage(*words)
    assert code == 0
    assert "✓ SFT" in out
    assert (tmp_path / "new" / "checkpoints" / "sft" / "model.json").exists()
