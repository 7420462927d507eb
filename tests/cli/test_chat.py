"""A chat through a pipe: what is run, what is shown, what is kept."""

from __future__ import annotations

import errno
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tutelage.commands import chat as chat_module
from tutelage.commands.labels import Labels, read_rankings
from tutelage.errors import BadInput, SandboxUnavailable
from tutelage.sandbox import Ending, Entry, Execution, Limits
from tutelage.sandbox.workspace import Workspace, copy_folder, describe

FILES = {"plum.txt": Entry("file", b"one\ntwo\nthree\n"), "b": Entry("dir")}

CTRL_C = "\x03"  # in a reply: the person interrupts it there


@pytest.fixture
def talk(tutelage, run_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Type lines to a model that gives these replies one after the other."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "plum.txt").write_text("one\ntwo\nthree\n")

    def type_lines(replies: list[str], *lines: str, options: tuple[object, ...] = ()):
        left = iter(replies)

        def stream(*_: object) -> Iterator[str]:
            for piece in next(left):
                if piece == CTRL_C:
                    raise KeyboardInterrupt
                yield piece

        monkeypatch.setattr(chat_module, "stream_text", stream)
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(line + "\n" for line in lines)))
        code, out, err = tutelage("chat", run_folder, "--folder", folder, *options)
        assert err == ""
        assert "\x1b" not in out
        return code, out

    return type_lines


def labels(run_folder: Path) -> list[dict[str, object]]:
    lines = (run_folder / "labels.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_enter_runs_the_command_on_a_copy_that_keeps_its_changes(talk, tmp_path) -> None:
    code, out = talk(
        ["$ wc -l < plum.txt", "$ rm plum.txt"], "how many lines?", "", "go", "y", "/files"
    )
    assert code == 0
    assert "$ wc -l < plum.txt\n3\n" in out
    assert out.endswith("(no output)\n(no files)\n")
    assert (tmp_path / "files" / "plum.txt").exists()


def test_no_and_another_request_run_nothing(talk) -> None:
    _, out = talk(["$ rm plum.txt", "$ rm plum.txt", "hello"], "go", "n", "again", "hi", "/files")
    assert "hello\n" in out
    assert "plum.txt" in out.splitlines()[-1]


def test_output_cannot_reach_the_terminal_raw(talk) -> None:
    _, out = talk(["$ printf '\\033[31mred\\a\\n'", "a\x1b[2Jb"], "go", "", "and")
    assert "\\x1b[31mred\\x07" in out
    assert "a␛[2Jb" in out


def test_labels_are_stored(talk, run_folder) -> None:
    _, out = talk(["yes", "yes", "no"], "/good", "hi", "/good", "/redo", "/bad")
    assert "There is no reply yet to judge." in out
    good, redo, bad = labels(run_folder)
    assert (good["prompt"], good["response"], good["verdict"]) == ("hi", "yes", "good")
    assert good["stage"] == "ppo_1"
    assert str(good["labelled_at"]).startswith("20")
    assert (redo["responses"], redo["ranking"]) == (["yes", "no"], [[1], [0]])
    assert (bad["response"], bad["verdict"]) == ("no", "bad")


def test_a_model_that_repeats_itself_stores_nothing(talk, run_folder) -> None:
    _, out = talk(["yes"] * 17, "hi", "/redo")
    assert "said the same 16 times" in out
    assert not (run_folder / "labels.jsonl").exists()


def test_an_interrupted_reply_stays_but_is_never_the_better_one(talk, run_folder) -> None:
    replies = [f"whole{CTRL_C}never", f"bet{CTRL_C}ter", "better"]
    _, out = talk(replies, "hi", "/redo", "/good", "/redo")
    assert "whole" in out
    assert "never" not in out
    assert "Stopped; nothing was stored." in out
    good, redo = labels(run_folder)
    assert good["response"] == "whole"
    assert redo["responses"] == ["whole", "better"]


def test_a_request_too_long_is_said_once_and_has_no_reply(talk, run_folder) -> None:
    _, out = talk(["fine"], "hi", "lines " * 200, "/redo", "/good")
    assert out.count("this model reads at most 95") == 1
    assert "There is no reply yet to do again." in out
    assert not (run_folder / "labels.jsonl").exists()


def test_what_no_longer_fits_is_forgotten(talk, tokenizer) -> None:
    long = " ".join(["lines"] * (60 // len(tokenizer.encode(" lines"))))  # of 95 tokens
    lines = [long, long, "hi"]
    _, out = talk(["one", "two", "three"], *lines, options=("--memory", "3"))
    assert "this model reads at most" not in out
    assert "three" in out


def test_stages_change_and_a_wrong_one_is_a_sentence(talk) -> None:
    _, out = talk(["hello"], "/stage", "/stage sft", "/stage reward_1", "/stage x", "/nope", "hi")
    assert "now ppo_1; there are pretrain, sft, ppo_1" in out
    assert "now SFT" in out
    assert "which scores replies and writes none" in out
    assert "has no stage x" in out
    assert "There is no /nope" in out
    assert out.endswith("hello\n\n") or out.endswith("hello\n")


def test_files_are_listed_and_shown(talk) -> None:
    _, out = talk([], "/files", "/files plum.txt", "/files ../x", "/help", "/quit", "never")
    assert "       14  plum.txt\n" in out
    assert "one\ntwo\nthree\n" in out
    assert "There is no file ../x" in out
    assert "/redo" in out


def test_without_a_sandbox_chat_talks_and_says_what_to_install(talk, monkeypatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise SandboxUnavailable("bubblewrap is missing: install bubblewrap")

    monkeypatch.setattr("tutelage.sandbox.workspace.Sandbox", refuse)
    code, out = talk(["$ ls", "hello"], "list", "hi")
    assert code == 0
    assert "no command will be run: bubblewrap is missing: install bubblewrap." in out
    assert "not run: there is no sandbox" in out
    assert "hello" in out


def test_a_run_whose_answers_are_no_commands_has_no_files_and_runs_nothing(
    tutelage, run_folder, monkeypatch
) -> None:
    (run_folder / "config.toml").write_text('[school]\ncurriculum = "arithmetic"\n')
    monkeypatch.setattr(chat_module, "stream_text", lambda *_: iter(["$ ls"]))
    monkeypatch.setattr("tutelage.sandbox.workspace.Sandbox", lambda **_: pytest.fail("made one"))
    monkeypatch.setattr("sys.stdin", io.StringIO("what is 3 + 4?\n/run\n/files\n"))
    code, out, err = tutelage("chat", run_folder)
    assert (code, err) == (0, "")
    assert out.endswith("$ ls\nThe last reply proposes no command.\n(no files)\n")
    assert "sandbox" not in out


def test_a_real_model_streams_through_a_pipe(tutelage, run_folder, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("count the lines\n" + "lines " * 200 + "\n"))
    code, out, err = tutelage("chat", run_folder, "--stage", "sft", "--max-new-tokens", "5")
    assert (code, err) == (0, "")
    assert "SFT" in out
    assert "this model reads at most 95" in out


def test_a_folder_is_copied_without_following_links(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    folder = tmp_path / "mine"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a.txt").write_text("x")
    (folder / "sub" / "a.txt").chmod(0o600)
    (folder / "out").symlink_to("../secret")
    tree = copy_folder(folder)
    assert tree["sub/a.txt"] == Entry("file", b"x", 0o600)
    assert tree["out"] == Entry("link", b"../secret")
    assert tree["sub"].kind == "dir"


@pytest.mark.parametrize(
    ("limits", "complaint"),
    [
        (Limits(entries=2), "too large to copy"),
        (Limits(tree_bytes=10), "too large to copy"),
        (Limits(depth=0), "more than 0 folders deep"),
    ],
)
def test_a_folder_too_large_is_refused(tmp_path: Path, limits: Limits, complaint: str) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("a", "b", "sub/c"):
        (tmp_path / name).write_text("12345")
    with pytest.raises(BadInput, match=complaint):
        copy_folder(tmp_path, limits)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadInput, match="neither a file"):
        copy_folder(tmp_path)
    with pytest.raises(BadInput, match="There is no folder"):
        copy_folder(tmp_path / "nowhere")


def test_endings_are_told() -> None:
    def ended(outcome: Ending, code: int = 0) -> str:
        return describe(Execution(b"out\n", b"err\n", code, outcome, {}))

    assert ended(Ending.OK) == "out\nerr"
    assert ended(Ending.OK, 2) == "out\nerr\n(exit code 2)"
    assert ended(Ending.TIMEOUT) == "out\nerr\n(stopped: it took too long)"
    long = describe(Execution(b"line\n" * 5000, b"", 0, Ending.OK, {}))
    assert len(long.splitlines()) == 101
    assert long.endswith("… (24,500 more characters)")


def test_a_broken_sandbox_leaves_the_files_as_they_were(monkeypatch) -> None:
    workspace = Workspace(dict(FILES))
    assert workspace.sandbox is not None
    gone = Execution(b"", b"gone", -1, Ending.ENVIRONMENT_ERROR, {})
    monkeypatch.setattr(workspace.sandbox, "run", lambda *_: gone)
    assert "the files are as before" in workspace.run("ls")
    assert workspace.tree == FILES
    workspace.close()


def test_a_torn_label_gives_way_to_the_next(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    store = Labels(path)
    store.judge("p", "r", "good", "sft")
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"prompt": "p", "resp')
    store.judge("p", "s", "bad", "sft")
    assert path.read_bytes().startswith(whole)
    assert [row["response"] for row in map(json.loads, path.read_text().splitlines())] == ["r", "s"]


def test_a_full_disk_leaves_the_labels_whole(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "labels.jsonl"
    store = Labels(path)
    store.judge("p", "r", "good", "sft")
    whole = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.judge("p", "s", "bad", "sft")
    assert path.read_bytes() == whole


def test_labels_become_rankings(tmp_path: Path) -> None:
    store = Labels(tmp_path / "labels.jsonl")
    store.judge("p", "good one", "bad", "sft")
    store.judge("p", "good one", "good", "sft")
    store.judge("q", "only", "good", "sft")
    store.judge("p", "bad one", "bad", "sft")
    store.compare("r", worse="old", better="new", stage="sft")
    redone, judged = read_rankings(tmp_path / "labels.jsonl")
    assert (redone.responses, redone.ranking) == (("old", "new"), ((1,), (0,)))
    assert (judged.responses, judged.ranking) == (("good one", "bad one"), ((0,), (1,)))


def test_labels_without_a_pair_are_refused(tmp_path: Path) -> None:
    Labels(tmp_path / "labels.jsonl").judge("p", "r", "good", "sft")
    with pytest.raises(BadInput, match="nothing to rank"):
        read_rankings(tmp_path / "labels.jsonl")
