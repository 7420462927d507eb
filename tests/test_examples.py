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


def test_over_optimisation(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.chdir(tmp_path)
    said = run_example("over_optimisation", capsys)
    rows = r"^best of (\d+) +\S+ +\S+ +(\S+) +(\S+) +(\S+)$"
    found = [tuple(map(float, row)) for row in re.findall(rows, said, re.M)]
    flawed, honest = found[: len(found) // 2], found[len(found) // 2 :]
    gold, length = {n: g for n, g, _, _ in flawed}, {n: at for n, _, at, _ in flawed}
    assert gold[1] == pytest.approx(1.04, abs=0.02)
    assert gold[8] == pytest.approx(1.54, abs=0.1)
    assert gold[1024] == pytest.approx(-0.63, abs=0.2)
    assert length[1] == pytest.approx(2.0, abs=0.02)
    assert length[1024] == pytest.approx(6.6, abs=0.2)
    promises = [promised for *_, promised in flawed]
    assert promises == sorted(promises)
    worth = [g for _, g, _, _ in honest]
    assert worth == sorted(worth)
    assert worth[-1] == pytest.approx(4.1, abs=0.2)
    number, form = r"(-?\d+\.\d+)", r"gold gained ≈ d\(\S+ − \S+·"
    best, reinforced = (
        re.findall(
            rf"{form}{way}\), off by {number} .*; d\(\S+ .* fits (\w+), off by {number}", said
        )
        for way in ("d", "log d")
    )
    assert [word for _, word, _ in best] == ["worse", "worse"]
    # the exact optimum leaves d = 0 along a line, which no d log d does
    assert [word for _, word, _ in reinforced] == ["better", "better"]
    assert all(float(theirs) > 3 * float(other) for theirs, _, other in reinforced)
    assert "Plotly" in (tmp_path / "over_optimisation.html").read_text(encoding="utf-8")


def test_every_example_is_tested():
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert {path.stem for path in EXAMPLES.glob("*.py")} == tested - {"every_example_is_tested"}
