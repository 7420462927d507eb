"""A whole school, very small: what it leaves behind, killed or not; which folders it refuses."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tutelage.config import to_toml
from tutelage.data.comparisons import read_comparisons
from tutelage.data.demonstrations import read_demonstrations
from tutelage.errors import BadInput, SandboxUnavailable
from tutelage.plan import FORMAT, Plan, SchoolConfig, open_run
from tutelage.reports.report import write_report
from tutelage.runs import Run
from tutelage.sandbox import require_sandbox
from tutelage.school import Lesson, school, unseen_tasks

CONFIG = SchoolConfig(run=Path("."), size="small")
PLAN = Plan(
    corpus_characters=60_000,
    pretrain_steps=8,
    demonstrations=120,
    sft_epochs=10.0,
    rounds=2,
    comparisons=16,
    policy_steps=3,
    policy_prompts=4,
    samples_per_prompt=2,
    audit_tasks=6,
    evaluation_tasks=8,
)
# What differs from run to run of the same school: times, memory, and where the code came from.
CIRCUMSTANCES = ("seconds", "costs", "peak_memory_bytes", "commit")


def write_config(folder: Path, config: SchoolConfig = CONFIG, plan: Plan = PLAN) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(to_toml({"school": config, "plan": plan}))
    return folder


def start(folder: Path) -> subprocess.Popen[str]:
    """The school's command, as a person gives it, in a process of its own."""
    options = ["--run", str(folder), "--size", CONFIG.size]
    return subprocess.Popen(
        [sys.executable, "-m", "tutelage.cli", "school", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TUTELAGE_DEBUG": "1"},
    )


def last_write(folder: Path) -> int:
    """When anything in the folder was written last, in nanoseconds."""
    times = []
    for path in (folder, *folder.rglob("*")):
        try:
            times.append(path.stat().st_mtime_ns)
        except FileNotFoundError:  # renamed meanwhile
            continue
    return max(times)


def seconds_until_a_write(process: subprocess.Popen[str], folder: Path) -> float:
    """How long a process takes until it first writes into the folder, or ends."""
    began, before = time.monotonic(), last_write(folder)
    while process.poll() is None and last_write(folder) == before:
        time.sleep(0.01)
    return time.monotonic() - began


@dataclass(frozen=True)
class Whole:
    """A school that nothing interrupted, how long it took to begin, and from there to its end."""

    folder: Path
    output: str
    startup_s: float
    work_s: float


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    try:
        require_sandbox()
    except SandboxUnavailable as reason:
        pytest.skip(f"no sandbox: {reason}")
    folder = write_config(tmp_path_factory.mktemp("school") / "run")
    process = start(folder)
    startup_s = seconds_until_a_write(process, folder)
    began = time.monotonic()
    output, _ = process.communicate()
    assert process.returncode == 0, output
    return Whole(folder, output, startup_s, time.monotonic() - began)


def read_report(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


def test_report_holds_every_promised_number(whole: Whole):
    report = read_report(whole.folder)
    assert {"seconds", "peak_memory_bytes", "seed", "commit", "command"} <= report.keys()
    assert list(report["stages"]) == ["pretrain", "sft", "ppo"]
    for stage in report["stages"].values():
        assert list(stage["held_out"]) == ["new_names", "new_phrasings", "new_compositions"]
        for found in stage["held_out"].values():
            low, high = found["ci95"]
            assert low <= found["success"] <= high
            assert found["n"] == PLAN.evaluation_tasks
    assert {"pair_accuracy", "ceiling", "ece"} <= report["reward_model"].keys()
    assert [card["round"] for card in report["reward_model"]["rounds"]] == [1, 2]
    assert [row["n"] for row in report["best_of_n"]] == [1, 2, 4, 8, 16]
    audits = [(row["round"], row["step"]) for row in report["over_optimisation"]]
    assert audits == [(1, 0), (1, 3), (2, 0), (2, 3)]
    for number, row in enumerate(report["selection"], start=1):
        of_round = [audit for audit in report["over_optimisation"] if audit["round"] == number]
        assert row["kept"] == max(of_round, key=lambda audit: audit["score"])  # not by gold
        assert row["last"] == of_round[-1]
        assert row["gold_best"]["gold"] == max(audit["gold"] for audit in of_round)
    assert report["seed"] == 0
    assert 0 < report["peak_memory_bytes"] < 3e9
    assert report["plan"]["policy_steps"] == PLAN.policy_steps


def test_every_stage_leaves_its_checkpoint_and_nothing_half_done(whole: Whole):
    checkpoints = whole.folder / "checkpoints"
    stages = {"pretrain", "sft", "reward_1", "ppo_1", "reward_2", "ppo_2"}
    assert {path.name for path in checkpoints.iterdir()} == stages
    assert not [path for path in whole.folder.rglob("*") if path.name.startswith(".")]


def test_no_prompt_is_compared_twice_or_has_a_demonstration(whole: Whole):
    """So that the comparisons kept for the report card are new to the reward model."""
    data = whole.folder / "data"
    compared = [
        comparison.prompt[-1].content
        for number in (1, 2)
        for comparison in read_comparisons(data / f"comparisons_{number}.jsonl")
    ]
    shown = {d.messages[0].content for d in read_demonstrations(data / "demonstrations.jsonl")}
    assert len(compared) >= 4
    assert len(set(compared)) == len(compared)
    assert not set(compared) & shown


def test_tasks_to_compare_are_new(whole: Whole):
    """With more tasks than the school's, where chance alone would repeat some."""
    plan = replace(PLAN, comparisons=600)
    lesson = Lesson(Run(whole.folder), CONFIG, plan, torch.device("cpu"), torch.float32)
    prompts = [task.prompt for task in unseen_tasks(lesson, 1)]
    shown = {
        d.messages[0].content
        for d in read_demonstrations(whole.folder / "data" / "demonstrations.jsonl")
    }
    assert len(prompts) == len(set(prompts)) == 600
    assert not set(prompts) & shown


def test_the_command_says_what_to_type_next(whole: Whole):
    lines = [" ".join(line.split()) for line in whole.output.strip().splitlines()]
    assert lines[-1] == f"Next tutelage chat {whole.folder}"
    assert f"Report {whole.folder}/report.html" in lines
    page = (whole.folder / "report.html").read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")


def test_the_same_command_again_computes_nothing(whole: Whole):
    before = read_report(whole.folder)
    process = start(whole.folder)
    output, _ = process.communicate()
    assert process.returncode == 0, output
    assert read_report(whole.folder) == before


def kill_often(whole: Whole, folder: Path, kills: int) -> None:
    """Kill the school at `kills` random moments, starting it again each time; then let it end.

    The first kill falls before anything is written, the others within a share of the whole work
    that lets the school live long enough to be killed so often.
    """
    moments = random.Random(f"{kills} kills")
    write_config(folder)
    for number in range(kills):
        process = start(folder)
        if number == 0:
            time.sleep(moments.uniform(0.3, 0.9) * whole.startup_s)
        else:
            seconds_until_a_write(process, folder)
            time.sleep(moments.uniform(0, 0.8 / kills) * whole.work_s)
        ended_by_itself = process.poll() is not None
        process.kill()
        output, _ = process.communicate()
        assert not ended_by_itself, f"The school ended before kill {number + 1}: {output}"
    process = start(folder)
    output, _ = process.communicate()
    assert process.returncode == 0, output


def assert_same_school(found: Path, expected: Path) -> None:
    """The same bytes in every file but those of times, the same numbers in the report."""
    for path in sorted(expected.rglob("*")):
        name = path.relative_to(expected)
        if path.is_file() and name.name not in {"timings.json", "report.json", "report.html"}:
            assert (found / name).read_bytes() == path.read_bytes(), f"{name} differs"
    assert len(list(expected.glob("checkpoints/*/model.safetensors"))) == 6
    reports = [read_report(folder) for folder in (found, expected)]
    for report in reports:
        for key in CIRCUMSTANCES:
            del report[key]
    assert reports[0] == reports[1]


def test_another_curriculum_goes_the_same_way_without_a_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tutelage.school.require_sandbox", lambda: pytest.fail("asked for one"))
    plan = replace(PLAN, corpus_characters=20_000, rounds=1)
    config = replace(CONFIG, curriculum="arithmetic")
    folder = write_config(tmp_path / "run", config, plan)
    for _ in school(replace(config, run=folder)):
        pass
    report = read_report(folder)
    assert report["command"].endswith(" --curriculum arithmetic --size small")
    for stage in report["stages"].values():
        assert list(stage["held_out"]) == ["new_numbers", "new_phrasings"]
        assert stage["recognised"] == {}
        assert "false_refusals" not in stage
    assert {row["group"] for row in report["by_group"]} <= {"plus", "minus"}
    assert len(report["examples"]) == 14
    page = write_report(folder).read_text(encoding="utf-8").replace("\u00a0", " ")
    assert "of questions about numbers that it has never seen together with the right" in page
    assert "points are right answers on new numbers" in page
    assert "new names" not in page


def test_killed_five_times_it_ends_the_same(whole: Whole, tmp_path: Path):
    kill_often(whole, tmp_path / "run", 5)
    assert_same_school(tmp_path / "run", whole.folder)


@pytest.mark.slow
def test_killed_twenty_times_it_ends_the_same(whole: Whole, tmp_path: Path):
    kill_often(whole, tmp_path / "run", 20)
    assert_same_school(tmp_path / "run", whole.folder)


def test_a_written_plan_is_read_back(tmp_path: Path):
    folder = write_config(tmp_path / "run")
    assert open_run(replace(CONFIG, run=folder))[1] == PLAN


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": 1}, "was started with seed = 0, not 1"),
        ({"minutes": 3.0}, "was started with minutes = 10.0, not 3.0"),
        ({"judge": "verifier"}, "was started with judge = reward_model, not verifier"),
        ({"curriculum": "arithmetic"}, "was started with curriculum = terminal, not arithmetic"),
        ({"corpus": (Path("a.txt"),)}, "was started with corpus = "),
    ],
)
def test_a_run_of_another_configuration_is_refused(tmp_path: Path, change, said: str):
    folder = write_config(tmp_path / "run")
    before = (folder / "config.toml").read_bytes()
    with pytest.raises(BadInput, match=said):
        open_run(replace(CONFIG, run=folder, **change))
    assert (folder / "config.toml").read_bytes() == before


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (f"format = {FORMAT}", "format = 99", "was written by another version of Tutelage"),
        ("[plan]", "[plam]", "was written by another version of Tutelage"),
        ("rounds = 2", "rouns = 2", r"\[plan\]: unknown key 'rouns'; known keys are audit_tasks"),
        ("seed = 0", "sead = 0", r"\[school\]: unknown key 'sead'; known keys are algorithm"),
        ("rounds = 2", 'rounds = "2"', r"\[plan\], rounds: expected int, got '2'"),
        ("rounds = 2", "rounds =", "config.toml is not TOML"),
    ],
)
def test_a_config_that_was_not_written_so_is_refused(tmp_path: Path, old: str, new: str, said: str):
    folder = write_config(tmp_path / "run")
    text = (folder / "config.toml").read_text()
    assert old in text
    (folder / "config.toml").write_text(text.replace(old, new))
    with pytest.raises(BadInput, match=said):
        open_run(replace(CONFIG, run=folder))


def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path: Path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(BadInput, match=r"not empty and holds no config\.toml"):
        open_run(replace(CONFIG, run=tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(BadInput, match="is a file; give a folder"):
        open_run(replace(CONFIG, run=tmp_path / "thesis.txt"))


def test_a_folder_whose_first_write_was_killed_is_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tutelage.plan.make_plan", lambda *given: PLAN)
    (tmp_path / ".config.toml.partial").write_text("[scho")
    assert open_run(replace(CONFIG, run=tmp_path))[1] == PLAN
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]


def test_a_mistaken_corpus_leaves_the_folder_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tutelage.school.require_sandbox", lambda: None)
    monkeypatch.setattr("tutelage.plan.make_plan", lambda *given: PLAN)
    config = replace(CONFIG, run=tmp_path / "run")
    with pytest.raises(BadInput, match=r"There is no file typo\.txt"):
        next(school(replace(config, corpus=(Path("typo.txt"),))))
    assert open_run(config)[1] == PLAN


def test_a_refused_folder_is_one_sentence_and_exit_2(tmp_path: Path):
    folder = write_config(tmp_path / "run")
    command = ["school", "--run", str(folder), "--size", "small", "--seed", "7"]
    ended = subprocess.run(
        [sys.executable, "-m", "tutelage.cli", *command], capture_output=True, text=True
    )
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1] == (
        f"The run {folder} was started with seed = 0, not 7: give the same options, or another "
        "folder with --run."
    )
    assert "Traceback" not in ended.stderr
