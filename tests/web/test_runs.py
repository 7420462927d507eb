"""The runs pages: which runs, their curves as they grow, two compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.reports.fake_report import fake_report
from tutelage.reports.answers import gap_interval
from tutelage.reports.report import write_report
from tutelage.runs import Run, write_json, write_text
from tutelage.web.comparing import compare_runs

PAGE = {"accept": "text/html"}


@pytest.fixture
def measured(run_folder: Path) -> Path:
    """The run with a report, and a few steps of SFT."""
    write_json(run_folder / "report.json", fake_report())
    run = Run(run_folder)
    for step in range(4):
        run.log("sft", step, {"train/loss": 2.0 - 0.1 * step})
    return run_folder


def test_runs_and_their_siblings_are_listed_and_nothing_else(client, measured, tmp_path) -> None:
    Run(tmp_path / "<b>other").log("sft", 0, {"train/loss": 1.0})
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "notes.txt").write_text("secret")
    page = client.get("/runs", headers=PAGE).text
    assert "&lt;b&gt;other" in page
    assert "private" not in page
    assert client.get("/runs/%3Cb%3Eother", headers=PAGE).status_code == 200
    for name in ("private", "..%2f..", "..%2fprivate", "%2fetc", "run%00", "~root"):
        assert client.get(f"/runs/{name}").status_code in (400, 404), name
        assert client.get(f"/runs/{name}/live").status_code in (400, 404), name


def test_a_runs_page_says_what_its_report_says(client, measured) -> None:
    page = client.get(f"/runs/{measured.name}", headers=PAGE).text
    for heading in ("What each stage can do", "report card", "Gold against score", "doctor found"):
        assert heading in page
    assert "style=" not in page
    assert "<script>" not in page


def test_a_run_of_control_is_shown_while_it_learns(client, measured, tmp_path) -> None:
    folder = tmp_path / "pole"
    write_text(folder / "rl.toml", '[rl]\nenv = "CartPole-v1"\nalgorithm = "ppo"\n')
    for seed in (0, 3):
        for step in range(1, 4):
            numbers = {"episode/return": 20.0 * step + seed, "train/steps": 256 * step}
            Run(folder / f"seed_{seed}").log("control", step, numbers)
    assert "ppo on CartPole-v1, not evaluated yet" in client.get("/runs", headers=PAGE).text
    page = client.get("/runs/pole", headers=PAGE).text
    assert "PPO on CartPole-v1: 2 seeds, not evaluated yet." in page
    assert "Did it learn?" in page
    for heading in ("How good each seed is", "How to make it again"):
        assert heading not in page
    first = client.get("/runs/pole/live")
    for seed in (0, 3):
        Run(folder / f"seed_{seed}").log(
            "control", 4, {"episode/return": 90.0, "train/steps": 1024}
        )
    again = client.get("/runs/pole/live", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 200
    assert again.json()["figures"]["learned"] != first.json()["figures"]["learned"]


def test_curves_come_again_only_when_the_run_has_written(client, measured) -> None:
    first = client.get("/runs/run/live")
    xs = first.json()["figures"]["curve0"]["data"][0]["x"]
    stamp = first.headers["etag"]
    assert client.get("/runs/run/live", headers={"if-none-match": stamp}).status_code == 304
    Run(measured).log("sft", 4, {"train/loss": 0.5})
    again = client.get("/runs/run/live", headers={"if-none-match": stamp})
    assert again.status_code == 200
    assert again.json()["figures"]["curve0"]["data"][0]["x"] == [*xs, 4]
    assert "0.50" in again.json()["curves"]


def test_a_run_without_a_report_shows_its_curves(client, run_folder) -> None:
    Run(run_folder).log("pretrain", 0, {"train/loss": 3.0})
    Run(run_folder).log("pretrain", 1, {"train/loss": 2.0})
    page = client.get("/runs/run", headers=PAGE).text
    assert "has not been measured yet" in page
    assert "Did pretraining learn?" in page


def test_a_broken_report_is_a_sentence(client, measured) -> None:
    (measured / "report.json").write_text('{"version": 1, "seed": "x"}')
    assert "expected a whole number" in client.get("/runs", headers=PAGE).text
    answer = client.get("/runs/run", headers=PAGE)
    assert answer.status_code == 400
    assert "expected a whole number" in answer.text


def test_differences_have_newcombes_interval_and_are_grey_when_it_holds_0() -> None:
    def report(success: float, low: float, high: float) -> dict[str, object]:
        cell = {"success": success, "ci95": [low, high], "n": 400}
        return {"stages": {"sft": {"held_out": {"new_names": cell}}}, "seconds": 100.0 * success}

    table = compare_runs(report(0.6, 0.55, 0.65), report(0.7, 0.65, 0.74))
    row, time = table.rows
    low, high = gap_interval(0.6, (0.55, 0.65), 0.7, (0.65, 0.74))
    assert low > 0
    # Newcombe: 0.1 − √(0.05² + 0.05²) = 0.029, 0.1 + √(0.04² + 0.05²) = 0.164
    assert (round(low, 3), round(high, 3)) == (0.029, 0.164)
    assert row.name == "SFT, new names"
    assert (row.cells[2].mark, row.cells[2].quiet) == ("✓ better", False)
    assert time.cells[2].text == "1.17 × as long"
    unclear = compare_runs(report(0.6, 0.55, 0.65), report(0.62, 0.57, 0.67)).rows[0].cells[2]
    assert (unclear.mark, unclear.quiet, unclear.below) == ("", True, "the interval holds 0")


def test_two_runs_are_compared_by_name(client, measured, tmp_path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    report = fake_report()
    write_json(other / "report.json", report)
    page = client.get("/runs/compare?a=run&b=other", headers=PAGE).text
    assert "the interval holds 0" in page
    assert client.get("/runs/compare?a=run&b=nobody").status_code == 404
    write_json(other / "report.json", {"version": 1})
    page = client.get("/runs/compare?a=run&b=other", headers=PAGE).text
    assert "measured nothing in common" in page


def test_plotly_comes_from_its_wheel(client) -> None:
    script = client.get("/plotly.js")
    assert script.headers["content-encoding"] == "gzip"
    assert "Plotly" in script.text
    assert json.dumps(script.headers["cache-control"]).count("max-age")


def test_pages_and_reports_draw_their_charts_by_the_same_script(client, measured) -> None:
    script = client.get("/static/figure.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.text in write_report(measured).read_text(encoding="utf-8")
    assert client.get("/static/../report.py").status_code == 404
    assert 'from "./figure.js"' in client.get("/static/charts.js").text
