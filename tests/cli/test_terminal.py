"""How a school looks: lines, a live line, a table."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from tests.reports.fake_report import fake_report, write_fake_run
from tutelage.commands import school as school_command
from tutelage.runs import Progress
from tutelage.screen import Running, Watcher, result_table, show_results
from tutelage.wording import stage_name


def screen(*, terminal: bool, width: int = 80, **environment: str) -> Console:
    return Console(
        file=io.StringIO(),
        force_terminal=terminal,
        width=width,
        markup=False,
        highlight=False,
        color_system="truecolor" if terminal else None,
        _environ=environment,
    )


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


PROGRESS = [
    Progress("world", 1, 1),
    *(
        Progress("sft", i, 3, {"train/loss": 2 / i, "train/tokens_per_s": 18_240.0})
        for i in (1, 2, 3)
    ),
    *(Progress("ppo_1", i, 40, {"reward/mean": i / 4, "audit/gold": 0.6}) for i in (1, 2)),
]


def test_a_finished_stage_is_one_line() -> None:
    console = screen(terminal=False)
    Watcher(console, audit_tasks=lambda: 150).watch(PROGRESS)
    lines = written(console).splitlines()
    assert [line.split("   ")[0].strip() for line in lines] == ["✓ World", "✓ SFT", "✓ PPO 1"]
    assert lines[1].endswith("loss 0.67")
    assert lines[2].endswith("reward 0.50   gold 60.0 % ± 7.7 (n = 150)")


def test_stages_of_an_earlier_process_are_named_and_their_seconds_counted() -> None:
    console = screen(terminal=False)
    earlier = {"world": 9.1, "sft": 120.0}
    Watcher(console, earlier=earlier, finished=["world"]).watch(PROGRESS)
    lines = written(console).splitlines()
    assert lines[0].endswith("9.1 s   done earlier")
    assert "2 min 00 s" in lines[1]
    assert len(lines) == 3


def test_a_stage_takes_the_time_until_its_first_word_too(monkeypatch) -> None:
    now = [0.0]

    def advance() -> Iterator[Progress]:
        for seconds, progress in ((42, PROGRESS[0]), (20, PROGRESS[1]), (80, PROGRESS[3])):
            now[0] += seconds
            yield progress

    monkeypatch.setattr("tutelage.screen.time.perf_counter", lambda: now[0])
    console = screen(terminal=False)
    Watcher(console).watch(advance())
    world, sft = [line.split("   ") for line in written(console).splitlines()]
    assert world[-1].strip() == "42 s"
    assert "1 min 40 s" in " ".join(sft)


def test_the_live_line_fits_its_width() -> None:
    metrics = {"reward/mean": 0.8125, "train/tokens_per_s": 18_240.0}
    for width in (40, 60, 80, 120):
        watcher = Watcher(screen(terminal=True, width=width))
        watcher.running = Running("reward_2", began=0.0, first_step=0)
        watcher.running.update(Progress("reward_2", 120, 420, metrics))
        line = watcher.live_line(now=60.0)
        assert line.cell_len < max(width, 52)
        if width >= 80:
            assert "120/420  reward 0.81  18.2k tokens/s" in line.plain
        if width == 120:
            assert line.plain.endswith("2 min 30 s left")


def test_colour_only_where_it_is_wanted() -> None:
    for terminal, environment, coloured in (
        (True, {}, True),
        (True, {"NO_COLOR": "1"}, False),
        (False, {}, False),
    ):
        console = screen(terminal=terminal, **environment)
        Watcher(console).watch(PROGRESS)
        assert ("\x1b[38;" in written(console)) == coloured


def test_names_follow_the_algorithm() -> None:
    assert stage_name("ppo_2", "rloo") == "RLOO 2"
    assert stage_name("reward_1") == "Reward model 1"
    assert stage_name("mine") == "mine"


def test_the_table_has_every_number_with_its_interval_and_fits() -> None:
    console = screen(terminal=False)
    show_results(console, fake_report())
    text = written(console)
    assert "76.3 % ± 2.9" in text
    assert "(n = 800)" in text
    assert "PPO against SFT\n  new names         +15.1 points ± 3.0 (n = 800)\n" in text
    assert "(n = 400), too little to tell" in text
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80


def test_a_report_without_numbers_has_no_table() -> None:
    assert result_table({"stages": {}}) is None


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch):
    """A school that does nothing but write its report."""
    seen = []

    def school(config):
        seen.append(config)
        write_fake_run(config.run)
        yield from PROGRESS

    monkeypatch.setattr(school_command, "school", school)
    return seen


def test_a_school_ends_with_table_report_and_the_next_command(tutelage, stub, tmp_path) -> None:
    run = tmp_path / "my run"
    code, out, err = tutelage("school", "--run", run, "--minutes", "3", "--corpus", "a", "b")
    assert (code, err) == (0, "")
    assert stub[0].minutes == 3.0
    assert stub[0].corpus == (Path("a"), Path("b"))
    assert f"Report    {run / 'report.html'}" in out
    assert out.endswith(f"Next      tutelage chat '{run}'\n")
    assert (run / "report.html").exists()
    assert "\x1b" not in out


def test_report_command_writes_the_page_again(tutelage, tmp_path) -> None:
    write_fake_run(tmp_path)
    code, out, _ = tutelage("report", tmp_path)
    assert code == 0
    assert (tmp_path / "report.html").exists()
    assert "76.3 %" in out


def test_a_broken_report_is_a_sentence(tutelage, tmp_path) -> None:
    (tmp_path / "report.json").write_text(json.dumps({"version": 1, "stages": 3}))
    code, _, err = tutelage("report", tmp_path)
    assert code == 2
    assert err.startswith(f"The file {tmp_path / 'report.json'}: expected an object at `stages`")
