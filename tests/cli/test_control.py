"""`tutelage rl --env`: two seeds from start to page, cut off and gone on with, every mistake."""

from __future__ import annotations

import io
import json
import math
import multiprocessing
import os
import re
import signal
import statistics
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete, Graph, MultiBinary
from PIL import Image
from rich.console import Console

from tutelage.algorithms import ALGORITHMS
from tutelage.commands import control as command
from tutelage.commands.seed_lines import SeedLines
from tutelage.errors import BadInput
from tutelage.policies.control import GaussianActor
from tutelage.reports import report as report_module
from tutelage.reports.control_wording import result
from tutelage.runs import Progress
from tutelage.stages.control import PolicyShape, load_control_policy, save_policy

ACTIONS = {"some": Discrete(2), "real": Box(-1, 1, (1,), np.float32), "binary": MultiBinary(3)}


class Walk(gymnasium.Env):
    """Eight steps; the second action earns 1. trouble: what happens in the step `at`, counted over
    all walks of the process, and only once where a file `once` is given."""

    metadata: ClassVar = {"render_modes": ["rgb_array"], "render_fps": 10}
    made = 0

    def __init__(self, trouble="", at=0, once="", actions="some", graph=False, render_mode=None):
        node = Box(0, 1, (1,), np.float32)
        self.observation_space = Graph(node, None) if graph else Box(0, 8, (1,), np.float32)
        self.action_space = ACTIONS[actions]
        self.trouble, self.at, self.once, self.render_mode = trouble, at, once, render_mode

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place = 0
        return np.zeros(1, dtype=np.float32), {}

    def step(self, action):
        Walk.made += 1
        self.place += 1
        reward = float(np.ravel(action)[0] > 0)
        if self.trouble and Walk.made >= self.at and not (self.once and os.path.exists(self.once)):
            if self.once:
                Path(self.once).touch()
            if self.trouble == "raises":
                raise RuntimeError("the motor fell off")
            if self.trouble == "nan":
                reward = float("nan")
            if self.trouble == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.trouble == "interrupted":
                os.kill(os.getppid(), signal.SIGINT)
        observation = np.full(1, self.place, dtype=np.float32)
        return observation, reward, self.place == 8, False, {}

    def render(self):
        picture = np.zeros((16, 16, 3), dtype=np.uint8)
        picture[:, : 2 * self.place] = 255
        return picture


def needs(what: str):
    raise gymnasium.error.DependencyNotInstalled(what)


@pytest.fixture(autouse=True)
def _environments(monkeypatch):
    """Registered for one test; plotly's 5 MB stand in for themselves."""
    monkeypatch.setattr(report_module, "get_plotlyjs", lambda: "var Plotly;")
    monkeypatch.setattr(Walk, "made", 0)
    kept = dict(gymnasium.registry)
    gymnasium.register("Walk-v0", entry_point=Walk)
    gymnasium.register("Boxes-v0", entry_point=lambda: needs("Box2D is not installed"))
    gymnasium.register("Robot-v0", entry_point=lambda: needs("MuJoCo is not installed"))
    yield
    gymnasium.registry.clear()
    gymnasium.registry.update(kept)
    assert multiprocessing.active_children() == []


SMALL = ["rl", "--env", "Walk-v0", "--steps", 320, "--environments", 2, "--steps-per-update", 16,
         "--audits", 5, "--audit-episodes", 2, "--hidden", 4, "--episodes", 6]  # fmt: skip

QUICK = [*SMALL, "--epochs", 1, "--minibatches", 1]


def told(**options: object) -> list[str]:
    return ["--env-options", json.dumps(options)]


def numbers(folder: Path) -> dict:
    """What a report says of learning: without times, machine and command."""
    report = json.loads((folder / "report.json").read_text())
    for row in report["seeds"]:
        del row["seconds"], row["steps_per_s"]
    return {name: report[name] for name in ("seeds", "mean", "ci95", "film")}


def logged(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_two_seeds_from_start_to_page(tutelage, tmp_path: Path) -> None:
    run = tmp_path / "run"
    code, out, err = tutelage(*QUICK, "--seeds", 2, "--run", run)
    assert (code, err) == (0, "")
    assert re.search(r"✓ Seed 0 .* return \d\.\d{3}, sd \d\.\d{3} \(6 episodes\)", out)
    report = json.loads((run / "report.json").read_text())
    first, second = report["seeds"]
    assert [first["seed"], second["seed"]] == [0, 1]
    assert first["steps"] == second["steps"] == 320
    for row in report["seeds"]:
        # the walk is the same each time, so the likeliest actions earn the same
        assert row["returns"] == [row["mean"]] * 6
        assert row["mean"] in range(9)
    # Student's t with one degree of freedom, by hand: tan(0.475 π) · |a − b| / 2
    half = math.tan(0.475 * math.pi) * abs(first["mean"] - second["mean"]) / 2
    middle = (first["mean"] + second["mean"]) / 2
    assert report["ci95"] == pytest.approx([middle - half, middle + half])
    assert result(report) in " ".join(out.split())
    assert len(logged(run / "seed_1")) == 10
    assert [row["train/steps"] for row in logged(run / "seed_0")] == list(range(32, 321, 32))

    page = (run / "report.html").read_text()
    assert "Did it learn?" in page
    assert "Nothing is wrong that the doctor knows, in 20 steps of reinforcement." in page
    assert json.loads((run / "seed_1" / "findings.json").read_text()) == []
    assert page.count('class="figure"') >= 5
    assert "data:image/webp;base64," in page
    picture = Image.open(io.BytesIO((run / "best_episode.webp").read_bytes()))
    assert (picture.size, picture.n_frames) == ((16, 16), 9)
    assert report["film"]["steps"] == 8
    assert report["film"]["return"] == max(first["mean"], second["mean"])

    # The same again has nothing to do but the page; another one is refused.
    (run / "report.html").unlink()
    before = numbers(run)
    code, out, _ = tutelage("report", run)
    assert code == 0
    assert "mean return" in out
    assert (run / "report.html").read_text() == page
    code, out, _ = tutelage(*QUICK, "--seeds", 2, "--run", run)
    assert code == 0
    assert "done earlier" in out
    assert numbers(run) == before
    code, _, err = tutelage(*QUICK, "--seeds", 3, "--run", run)
    assert code == 2
    assert "was begun with seeds = 2, not 3" in err


def test_the_doctor_speaks_while_seeds_learn_and_in_their_files_and_page(
    tutelage, tmp_path: Path
) -> None:
    run, still = tmp_path / "run", ["--epochs", 2, "--minibatches", 1, "--learning-rate", 1e-12]
    code, out, _ = tutelage(*SMALL, *still, "--steps", 672, "--seeds", 2, "--run", run)
    assert code == 0
    page = (run / "report.html").read_text()
    for seed in (0, 1):
        found = json.loads((run / f"seed_{seed}" / "findings.json").read_text())
        assert [(one["sign"], one["step"]) for one in found] == [("updates without effect", 20)]
        line = rf"✗ Seed {seed} +step 20, updates without effect: The learning rate is too small"
        assert len(re.findall(line, out)) == 1
        assert f"seed {seed}, update 20: the policy moved less than" in page


def test_one_seed_needs_no_process(tutelage, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(multiprocessing, "get_context", lambda _: pytest.fail("forked"))
    code, out, _ = tutelage(*QUICK, "--seed", 7, "--run", tmp_path / "run")
    assert code == 0
    assert "Another seed may do otherwise" in out
    assert "--seeds 5 --run" in out
    row = numbers(tmp_path / "run")["seeds"][0]
    assert row["seed"] == 7
    assert row["mean"] == statistics.fmean(row["returns"])


@pytest.mark.parametrize("trouble", ["killed", "interrupted", "raises"])
def test_what_stops_in_the_middle_goes_on_to_the_same_numbers(
    tutelage, tmp_path: Path, trouble: str
) -> None:
    once = tmp_path / "once"
    words = [*QUICK, "--seeds", 2, *told(trouble=trouble, at=200, once=str(once))]
    code, out, err = tutelage(*words, "--run", tmp_path / "cut")
    assert code == (130 if trouble == "interrupted" else 1)
    assert "mean return" not in out
    said = {
        "killed": r"The process of seed [01] was killed by signal 9, .* goes on from there\.\n",
        "interrupted": r"\nStopped; what was finished is saved.*\n.*\n",
        "raises": r"Seed [01]: The environment broke in a step: the motor fell off; what was .*\n",
    }
    assert re.fullmatch(said[trouble], err)
    assert list((tmp_path / "cut").rglob("*.partial")) == []
    saved = [len(logged(path.parent)) for path in (tmp_path / "cut").glob("seed_*/metrics.jsonl")]
    assert saved
    assert min(saved) < 10
    assert tutelage(*words, "--run", tmp_path / "cut")[0] == 0
    assert tutelage(*words, "--run", tmp_path / "whole")[0] == 0
    assert numbers(tmp_path / "cut") == numbers(tmp_path / "whole")
    for seed in ("seed_0", "seed_1"):
        assert logged(tmp_path / "cut" / seed) == logged(tmp_path / "whole" / seed)


def test_rewards_that_are_no_numbers_stop_the_run(tutelage, tmp_path: Path) -> None:
    code, out, err = tutelage(*QUICK, *told(trouble="nan", at=20), "--run", tmp_path / "new")
    assert (code, out) == (1, "")
    assert re.fullmatch(
        r"The environment gave a reward that is no number: .*; what was saved is whole, and once "
        r"the environment is mended the same command goes on from there\.\n",
        err,
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--env", "Wolk-v0"], "it knows none of that name; perhaps you meant Walk-v0."),
        (["--env", "Qqqqq-v0"], "another package's are named after its module"),
        (["--env", "nowhere:Walk-v0"], "The module nowhere, which is to register nowhere:Walk-v0"),
        (["--env", "Boxes-v0"], 'it needs pip install "tutelage[control]".'),
        (["--env", "Robot-v0"], "the environment Robot-v0: MuJoCo is not installed."),
        (told(speed=3), "unexpected keyword argument 'speed'"),
        (["--env-options", "[1]"], "env_options must be a JSON object"),
        (["--env-options", "{"], "env_options must be JSON, got {"),
        (told(graph=True), "which cannot be made a row of numbers."),
        (told(actions="binary"), "The actions are MultiBinary(3); this policy chooses"),
        (["--hidden", "0"], "hidden must be widths above 0, got 0; see `tutelage rl --env ID"),
        (["--hidden", "8", "-1"], "hidden must be widths above 0, got 8 -1"),
        (["--steps", "31"], "steps must be at least 32, one update (2 environments × 16 steps)"),
        (["--steps", "x"], "--steps: invalid literal for int() with base 10: 'x'"),
        (["--episodes", "0"], "episodes must be at least 1, got 0"),
        (["--seeds", "0"], "seeds must be at least 1, got 0"),
        (["--seeds", "2", "--seed", "1"], "exclude each other"),
        (["--algorithm", "grpo"], "--algorithm: expected 'ppo', 'ppo_penalty', 'a2c',"),
        (["--clip-range", "2"], "clip_range must lie in (0, 1), got 2.0"),
        (["--max-kl", "0.1"], "has no option --max-kl"),
        (["--kl-coefficient", "0.1"], "has no option --kl-coefficient"),
        (["--algorithm", "trpo", "--max-kl", "0"], "max_kl must be a number above 0, got 0.0"),
    ],
)
def test_bad_input_is_one_sentence(tutelage, tmp_path: Path, words: list[str], said: str) -> None:
    code, out, err = tutelage(*SMALL, *words, "--run", tmp_path / "new")
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "new").exists()


def test_an_algorithm_that_cannot_act_names_those_that_can(
    tutelage, tmp_path: Path, monkeypatch
) -> None:
    def picky(policy, settings):
        if isinstance(policy.actor, GaussianActor):
            raise BadInput("It compares actions one by one.")
        return ALGORITHMS["ppo"].algorithm(policy, settings)

    monkeypatch.setitem(ALGORITHMS, "a2c", replace(ALGORITHMS["a2c"], algorithm=picky))
    words = [*SMALL, *told(actions="real"), "--algorithm", "a2c", "--run", tmp_path / "new"]
    code, _, err = tutelage(*words)
    assert code == 2
    assert err.startswith("a2c cannot act in Walk-v0: ppo, ")
    assert err.endswith(" can. It compares actions one by one.\n")
    assert "a2c" not in err.partition(":")[2]
    assert not (tmp_path / "new").exists()


def test_an_algorithm_of_environments_asks_for_one(tutelage) -> None:
    code, _, err = tutelage("rl", "--algorithm", "dqn", "--model", "m")
    assert code == 2
    assert err.startswith("dqn trains no language model but a network that acts: give --env ID")


@pytest.mark.parametrize("algorithm", ["trpo", "ppo"])
def test_help_shows_the_algorithm_s_settings(tutelage, algorithm: str) -> None:
    code, out, _ = tutelage("rl", "--env", "Walk-v0", "--algorithm", algorithm, "--help")
    assert code == 0
    found = re.search(r"--max-kl FLOAT +δ, mean nats a decision", out)
    assert bool(found) == (algorithm == "trpo")
    assert ("--clip-range" in out) == (algorithm == "ppo")
    assert "--kl-coefficient" not in out
    assert "None" not in out
    assert [line for line in out.splitlines() if len(line) > 80] == []
    assert "tutelage rl --env CartPole-v1 --algorithm trpo --help" in tutelage("rl", "--help")[1]


def test_a_preset_may_name_environment_and_algorithm(tmp_path: Path) -> None:
    preset = tmp_path / "preset.toml"
    preset.write_text('[rl]\nenv = "Walk-v0"\nalgorithm = "trpo"\nmax_kl = 0.02\nlambda = 0.9\n')
    options = command.read_options(["--config", str(preset), "--run", "new", "--hidden", "8"])
    assert (options.env, options.algorithm, options.hidden) == ("Walk-v0", "trpo", (8,))
    assert (options.settings.max_kl, options.settings.lambda_) == (0.02, 0.9)
    # what neither says is the algorithm's own
    assert options.training.steps_per_update == ALGORITHMS["trpo"].steps_per_update


def test_a_run_that_draws_no_pictures_says_so_and_goes_on(
    tutelage, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setitem(Walk.metadata, "render_modes", [])
    code, out, _ = tutelage(*QUICK, "--seed", 0, "--run", tmp_path / "run")
    assert code == 0
    assert "The best episode is not shown: Walk-v0 draws no pictures." in out
    assert "data:image" not in (tmp_path / "run/report.html").read_text()


def test_a_saved_policy_is_loaded_again(tutelage, tmp_path: Path) -> None:
    assert tutelage(*QUICK, *told(actions="real"), "--run", tmp_path)[0] == 0
    folder = tmp_path / "seed_0/checkpoints/control"
    policy, shape = load_control_policy(folder)
    assert shape == PolicyShape(
        environment="Walk-v0",
        environment_options={"actions": "real"},
        hidden=(4,),
        networks="actor_critic",
    )
    (tmp_path / "again").mkdir()
    save_policy(tmp_path / "again", policy, shape)
    for name in ("policy.safetensors", "policy.json"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()
    save_policy(folder, policy, replace(shape, hidden=(5,)))
    with pytest.raises(BadInput, match=r"policy\.safetensors does not fit policy\.json"):
        load_control_policy(folder)
    (folder / "policy.json").write_text("{}")
    with pytest.raises(BadInput, match="of a format that this version does not read"):
        load_control_policy(folder)


def test_the_live_bar_is_the_learning_curve() -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=80)
    lines = SeedLines(screen, [0, 1])
    for step, recent in [(2, 0.0), (4, 70.0), (6, 100.0)]:
        metrics = {"episode/recent": recent, "train/steps_per_s": 12_300.0}
        lines._show(0, Progress("control", step, 16, metrics), None)
    lines._show(1, Progress("control", 1, 16, {}), None)
    # the cells 2, 4 and 6 of 16 were heard of: lowest, 70 % of the way (five of seven), highest
    assert lines.bar(0, 6).plain == "▁▁▁▁▆▆█─────────"
    assert lines.bar(1, 1).plain == "▁▁──────────────"
    shown = lines.live_line(0, lines.began + 3).plain
    assert "  37 %  return 100.0  12.3k steps/s" in shown
    assert len(shown) < 80


def test_going_on_from_a_standardised_policy(tutelage, tmp_path: Path) -> None:
    rl = ["rl", "--env", "CartPole-v1", "--steps", 2048, "--audits", 1, "--audit-episodes", 2]
    rl += ["--episodes", 2]
    assert tutelage(*rl, "--normalise", "--run", tmp_path / "one")[0] == 0
    begun = ["--start", tmp_path / "one", "--run", tmp_path / "two"]
    code, _, err = tutelage(*rl, *begun)
    assert (code, err.count("\n")) == (2, 1)
    assert "whose normalise is True, not False" in err
    assert tutelage(*rl, "--normalise", *begun)[0] == 0
