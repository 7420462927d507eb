"""Every example runs, and shows what it says it shows."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def run_example(name: str, capsys: pytest.CaptureFixture[str]) -> str:
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    return capsys.readouterr().out


def test_reward_model_from_rankings(capsys: pytest.CaptureFixture[str]):
    said = run_example("reward_model_from_rankings", capsys)
    first, last = (float(loss) for loss in re.findall(r"loss (\S+)", said))
    assert last < 0.5 * first
    polite, rude = (float(score) for score in re.findall(r"^([+-]\S+)  ", said, re.M))
    assert polite > rude + 1


def test_ppo_on_a_secret_word(capsys: pytest.CaptureFixture[str]):
    said = run_example("ppo_on_a_secret_word", capsys)
    before, after = (float(reward) for reward in re.findall(r"reward \w+ +(\S+)", said))
    assert before < 0.6
    assert after >= 0.8


def test_every_example_is_tested():
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert {path.stem for path in EXAMPLES.glob("*.py")} == tested - {"every_example_is_tested"}
