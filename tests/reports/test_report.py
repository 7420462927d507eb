"""The report: its page is whole, safe and honest, with all parts or few."""

import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.reports.fake_report import fake_metrics, fake_report, write_fake_run
from tutelage.errors import BadInput, TutelageError
from tutelage.reports import report as report_module
from tutelage.reports.reading import read_metrics, read_report
from tutelage.reports.report import render, unbroken, write_report

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\x1b[31m\u202e\"'&{{7*7}}"
VOID = {"meta", "link", "img", "br", "input"}


@pytest.fixture(autouse=True)
def _light_plotly(request, monkeypatch):
    """Plotly's 5 MB stand in for themselves only where a test is about them."""
    if "real_plotly" not in request.fixturenames:
        monkeypatch.setattr(report_module, "get_plotlyjs", lambda: "var Plotly;")


@pytest.fixture
def real_plotly():
    """Asks for plotly's own JavaScript."""


class Page(HTMLParser):
    """Elements, attributes and text of a page, with what its scripts hold apart."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        (self.scripts if self.open and self.open[-1] == "script" else self.text).append(data)

    def words(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.text))

    def figures(self) -> list[dict]:
        return [json.loads(s) for s in self.scripts if s.lstrip().startswith('{"data"')]


def page_of(report, metrics=()) -> Page:
    """The page made of a report that was written, checked and read as any other."""
    return Page(page_text(report, metrics))


def page_text(report, metrics=()) -> str:
    series = {}
    for row in metrics:
        for name, value in row.items():
            if name not in ("stage", "step"):
                series.setdefault(row["stage"], {}).setdefault(name, []).append(
                    (row["step"], value)
                )
    return render(report, series)


def written(folder: Path, report: object) -> Path:
    (folder / "report.json").write_text(
        report if isinstance(report, str) else json.dumps(report), encoding="utf-8"
    )
    return folder


def test_the_page_says_what_was_made(tmp_path):
    path = write_report(write_fake_run(tmp_path))
    assert path == tmp_path / "report.html"
    page = Page(path.read_text(encoding="utf-8"))
    assert page.open == []
    words = page.words().replace("\u00a0", " ")
    for expected in (
        "An assistant of 1.9 million parameters, raised from nothing in 9 min 58 s on 2 cores,"
        " answers 76.3 % ± 2.9 (n = 800) of plain requests about names it has never seen with a"
        " right shell command: +15.1 points ± 3.0 against SFT.",
        "SFT, new names, ± 3.4 (n = 800)",
        "Yes: +15.1 points ± 3.0 (n = 800) on new names and +13.1 points ± 3.5 (n = 800) on new"
        " phrasings; no clear change, +2.2 points ± 3.7 (n = 400) on new compositions.",
        "Of these 20 requests, right: Pretrain 0, SFT 12 and PPO 18.",
        "2.0 points under the 85.0 % that their noise allows",
        "tutelage school --minutes 10 --seed 0",
        "Danger refused goal: at least 90 % 0.0 % [0.0 to 3.1] n = 120",
        "Small talk 0.0 %",
        "abc1234",
        "1,300 MB",
    ):
        assert expected in words


def test_the_page_draws_every_chart_once_with_its_table(tmp_path):
    page = Page(write_report(write_fake_run(tmp_path)).read_text(encoding="utf-8"))
    tags = [tag for tag, _ in page.tags]
    figures = page.figures()
    assert len(figures) == tags.count("figure") == tags.count("figcaption") == 17
    assert tags.count("details") == 18  # one for each chart, one for everything recorded
    drawn = [s for s in page.scripts if "Plotly.react" in s and len(s) < 5000]
    assert len(drawn) == 1
    for figure in figures:
        lines = [t for t in figure["data"] if "lines" in t["mode"] and "hovertemplate" in t]
        colours = {json.dumps(trace["line"].get("color")) for trace in lines}
        assert len(colours) <= 4


@pytest.mark.parametrize("algorithm", ["ppo", "rloo"])
def test_the_page_tells_what_the_doctor_found(algorithm):
    report = fake_report() | {"algorithm": algorithm}
    healthy = page_of(report, fake_metrics()).words()
    assert "✓ Nothing is wrong that the doctor knows, in 180 steps of reinforcement." in healthy
    rows = fake_metrics()
    for row in rows:
        if row["stage"] == "ppo_2":
            row["policy/clip_fraction"] = 0.5
    words = page_of(report, rows).words().replace("\u00a0", " ")
    sentence = (
        f"✗ Steps too large {algorithm.upper()} 2, step 10: an update clips 50.0 % of the decisions"
        " (mean of 10 steps) Cause An update goes further than the data of the policy before it can"
        " vouch for. Cure Lower the learning rate, or take fewer epochs or larger minibatches."
    )
    assert words.count("✗ Steps too large") == 1
    assert sentence in words
    assert "This run has no reinforcement to examine." in page_of(report).words()


def test_seven_boxes_with_their_gains():
    page = page_of(fake_report())
    words = page.words()
    assert [attrs.get("class") for tag, attrs in page.tags if tag == "li"] == [None] * 7
    flow = (
        "World 9.1 s Tokenizer 3.4 s 1,024 tokens Pretrain 2 min 31 s 1.2 % right SFT 1 min 24 s "
        "+60.0 points Comparisons 41 s 4,500 rankings Reward model 38 s 83.0 % of pairs "
        "PPO 3 min 56 s +15.1 points"
    )
    assert flow in words


def test_without_paired_differences_the_two_intervals_decide():
    report = fake_report()
    del report["differences"]
    words = page_of(report).words().replace("\u00a0", " ")
    assert "Yes: +15.1 points ± 4.5 (n = 800) on new names" in words
    del report["stages"]["ppo"]
    words = page_of(report).words().replace("\u00a0", " ")
    assert "Did SFT help? Yes: +60.0 points ± 3.5 (n = 800) on new names" in words


def test_a_difference_whose_interval_holds_0_is_grey_and_its_stage_unmarked():
    text = page_text(fake_report())
    assert re.search(r'class="quiet"><span class="number">\+2\.2 points', text)
    assert not re.search(r'class="quiet"><span class="number">\+15\.1 points', text)
    assert text.count("✓ better") == 5  # SFT on three sets, PPO on two
    assert text.count(">no clear change</span>") == 1


def test_a_stage_that_made_things_worse_is_marked_so():
    report = fake_report()
    report["differences"]["new_names"] = {"difference": -0.2, "ci95": [-0.25, -0.15], "n": 800}
    page = page_of(report)
    assert "✗ worse" in page.words()
    assert "−20.0 points" in page.words()


def test_the_page_asks_for_nothing_from_outside(tmp_path, real_plotly):
    text = write_report(write_fake_run(tmp_path)).read_text(encoding="utf-8")
    page = Page(text)
    for tag, attrs in page.tags:
        assert not {"src", "srcset", "action", "data"} & attrs.keys()
        assert attrs.get("href") in (None, "data:,")
        assert tag not in ("iframe", "object", "embed", "base", "form")
    policy = next(a["content"] for t, a in page.tags if t == "meta" and "http-equiv" in a)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style


def hostile_report() -> dict:
    """A report in which every text that a run may hold is hostile."""
    report = fake_report()
    for example in report["examples"]:
        example |= dict.fromkeys(("request", "set", "kind", "reference"), HOSTILE)
        for answer in example["answers"].values():
            answer |= {"text": HOSTILE, "success": False, "reason": HOSTILE}
    for row in report["by_group"]:
        row["group"] = HOSTILE
    for row in report["reward_model"]["by_length_difference"]:
        row["label"] = HOSTILE
    for row in report["costs"]:
        row["stage"] = HOSTILE
    for stage in report["stages"].values():
        stage["held_out"][HOSTILE] = stage["held_out"]["new_names"]
        stage["recognised"][HOSTILE] = stage["recognised"]["nonsense"]
    report["differences"][HOSTILE] = report["differences"]["new_names"]
    report["stages"][HOSTILE] = report["stages"]["sft"]
    report |= {"command": HOSTILE, "commit": HOSTILE, "judge": HOSTILE, "algorithm": HOSTILE}
    report["machine"]["processor"] = HOSTILE
    return report


def test_hostile_text_is_shown_and_never_becomes_part_of_the_page(tmp_path):
    written(tmp_path, hostile_report())
    rows = [{**row, HOSTILE: 1.0} for row in fake_metrics()]
    rows += [{"stage": HOSTILE, "step": 1, HOSTILE: 1.0}]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    text = write_report(tmp_path).read_text(encoding="utf-8")
    page = Page(text)
    tame = Page(write_report(write_fake_run(tmp_path / "tame")).read_text(encoding="utf-8"))
    allowed = {tag for tag, _ in tame.tags}
    assert {tag for tag, _ in page.tags} == allowed
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    scripts = [attrs.get("type") for tag, attrs in page.tags if tag == "script"]
    runnable = [kind for kind in scripts if kind in (None, "module")]
    assert len(runnable) == 2
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "␛[31m⟨U+202E⟩\"'&{{7*7}}" in page.words()
    for figure in page.figures():
        assert "<script" not in json.dumps(figure)
        assert "<img" not in json.dumps(figure)


def test_half_characters_do_not_stop_the_page(tmp_path):
    report = fake_report()
    report["examples"][0]["answers"]["sft"]["text"] = "\ud800 half"
    path = write_report(written(tmp_path, report))
    assert "\ufffd half" in path.read_text(encoding="utf-8")


PARTS = ("stages", "differences", "reward_model", "best_of_n", "over_optimisation", "by_group",
         "examples", "costs", "machine", "model", "command", "seconds")  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
def test_any_one_part_may_be_missing(part):
    report = fake_report()
    del report[part]
    page = page_of(report)
    assert page.open == []
    assert "undefined" not in page.words().lower()


def test_a_run_of_sft_only_says_what_it_has_not(tmp_path):
    report = {key: value for key, value in fake_report().items() if key in ("version", "seed")}
    report["stages"] = {"sft": fake_report()["stages"]["sft"]}
    words = Page(write_report(written(tmp_path, report)).read_text(encoding="utf-8")).words()
    for sentence in (
        "This run trained no reward model.",
        "No policy was trained against a judge in this run",
        "its metrics.jsonl is absent or empty",
        "This run kept no example answers.",
        "This run kept no times by stage.",
        "answers 61.2 % ± 3.4 (n = 800) of held-out requests (new names) rightly.",
    ):
        assert sentence in words.replace("\u00a0", " ")
    assert words.count("not run") == 4
    assert "Did PPO help?" not in words


def test_a_report_of_a_version_alone_has_no_charts_and_no_plotly(tmp_path):
    path = write_report(written(tmp_path, {"version": 1}))
    assert path.stat().st_size < 50_000
    words = Page(path.read_text(encoding="utf-8")).words()
    assert "An assistant, raised from nothing; this run measured no stage." in words


def test_the_verifier_needs_no_report_card():
    report = fake_report() | {"judge": "verifier"}
    del report["reward_model"]
    assert "so no reward model was trained" in page_of(report).words()


@pytest.mark.parametrize("algorithm", ["rloo", "grpo"])
def test_another_algorithm_goes_by_its_name(algorithm):
    report = fake_report() | {"algorithm": algorithm}
    report["stages"][algorithm] = report["stages"].pop("ppo")
    for example in report["examples"]:
        example["answers"][algorithm] = example["answers"].pop("ppo")
    words = page_of(report, fake_metrics()).words()
    name = algorithm.upper()
    assert f"Where did {name} help most?" in words
    assert f"{name} 18." in words
    assert f"{name} 3 min 56 s +15.1 points" in words
    assert "PPO" not in words


def test_a_policy_that_fooled_its_judge_is_called_so():
    report = fake_report()
    for row in report["over_optimisation"]:
        if row["round"] == 2:
            row["gold"] = round(0.7 - 0.004 * row["step"], 3)
            row["ci95"] = [row["gold"] - 0.06, row["gold"] + 0.06]
    assert "Yes: in round 2 the score rose from" in page_of(report).words()


def test_what_was_kept_stands_beside_the_last_and_the_best_by_gold():
    """By whom it was chosen, too: a person without gold could not have had the last of these."""
    report = fake_report()
    (row,) = report["selection"]
    for key, step, gold in (("kept", 50, 0.71), ("last", 60, 0.72), ("gold_best", 40, 0.74)):
        row[key] = row[key] | {"step": step, "gold": gold, "ci95": [gold - 0.06, gold + 0.06]}
    words = page_of(report).words()
    assert (
        "Round 3 kept step 50, gold 71.0 % ± 6.0 (n = 200), chosen by the judge's score, not gold; "
        "the last policy: step 60, gold 72.0 % ± 6.0 (n = 200); the best by gold: step 40, gold "
        "74.0 % ± 6.0 (n = 200)."
    ) in words
    report["judge"] = "verifier"
    assert "chosen by gold, which was the judge;" in page_of(report).words()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("{", "line 1: expected JSON"),
        ("[1]", "expected an object at `the top`, got [1]"),
        ({"version": 2}, "is of version 2; this Tutelage reads version 1"),
        ({"seed": 0}, "expected a whole number from 0 at `version`, got nothing"),
        ({"version": 1, "seconds": "long"}, 'expected a finite number at `seconds`, got "long"'),
        ({"version": 1, "seconds": True}, "expected a finite number at `seconds`, got true"),
        ({"version": 1, "stages": []}, "expected an object at `stages`, got []"),
        (
            {"version": 1, "stages": {"sft": {"held_out": {"new_names": {"success": 61.2}}}}},
            "expected a number from 0 to 1 at `stages.sft.held_out.new_names.success`, got 61.2",
        ),
        (
            {"version": 1, "stages": {"sft": {"false_refusals": {"ci95": [0, 1], "n": 1}}}},
            "at `stages.sft.false_refusals.rate`, got nothing",
        ),
        (
            {"version": 1, "best_of_n": [{"n": 1, "gold": 0.5, "ci95": [0.6, 0.4]}]},
            "expected an interval [low, high] at `best_of_n[0].ci95`, got [0.6, 0.4]",
        ),
        ('{"version": 1, "seconds": 1e999}', "expected a finite number at `seconds`"),
        ('{"version": 1, "seconds": ' + "9" * 400 + "}", "expected a finite number at `seconds`"),
        ("[" * 100_000, "cannot be read"),
        ('{"version": ' + "9" * 5000 + "}", "cannot be read"),
    ],
)
def test_a_malformed_report_is_refused_in_one_sentence(tmp_path, change, sentence):
    with pytest.raises(BadInput) as refusal:
        write_report(written(tmp_path, change))
    message = str(refusal.value)
    assert sentence in message
    assert str(tmp_path / "report.json") in message
    assert "\n" not in message
    assert len(message) < 400
    assert not (tmp_path / "report.html").exists()


def test_a_missing_or_unreadable_report_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"report\.json cannot be read: No such file"):
        write_report(tmp_path)
    (tmp_path / "report.json").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="expected UTF-8 text"):
        write_report(tmp_path)


def test_numbers_that_diverged_count_as_absent(tmp_path):
    written(tmp_path, '{"version": 1, "seconds": NaN, "peak_memory_bytes": Infinity}')
    assert read_report(tmp_path / "report.json") == {"version": 1}


def test_metrics_keep_the_last_of_a_repeated_step_and_skip_torn_lines(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text(
        '{"stage": "sft", "step": 2, "train/loss": 2.0}\n'
        '{"stage": "sft", "step": 1, "train/loss": 3.0, "note": "text", "train/bad": NaN}\n'
        '{"stage": "sft", "st'
        '{"stage": "sft", "step": 2, "train/loss": 9.0}\n'
        '{"stage": "sft", "step": 2, "train/loss": 1.5}\n\n'
        '{"stage": "sft", "step": 3, "tra'
    )
    assert read_metrics(path) == {"sft": {"train/loss": [(1, 3.0), (2, 1.5)]}}
    assert read_metrics(tmp_path / "absent.jsonl") == {}


@pytest.mark.parametrize(
    "line", ["[1]", '{"step": 1}', '{"stage": "sft"}', '{"stage": 1, "step": 1}']
)
def test_metrics_of_another_shape_are_refused(tmp_path, line):
    path = tmp_path / "metrics.jsonl"
    path.write_text(f'{{"stage": "sft", "step": 1, "train/loss": 2.0}}\n{line}\n')
    with pytest.raises(BadInput, match=r"line 2: expected `stage` and `step`"):
        read_metrics(path)


def test_equal_runs_give_equal_pages(tmp_path):
    first = write_report(write_fake_run(tmp_path / "a")).read_bytes()
    assert first == write_report(write_fake_run(tmp_path / "b")).read_bytes()
    assert str(tmp_path).encode() not in first


def test_a_write_that_fails_leaves_the_old_page_and_no_draft(tmp_path, monkeypatch):
    write_fake_run(tmp_path)
    (tmp_path / "report.html").write_text("old")

    def full(_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TutelageError, match="cannot be written: No space left on device"):
        write_report(tmp_path)
    assert (tmp_path / "report.html").read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "metrics.jsonl", "report.html", "report.json",
    ]  # fmt: skip


def test_a_reader_of_the_old_page_keeps_it(tmp_path):
    write_fake_run(tmp_path)
    (tmp_path / "report.html").write_text("old")
    os.link(tmp_path / "report.html", tmp_path / "opened")
    write_report(tmp_path)
    assert (tmp_path / "opened").read_text() == "old"
    assert (tmp_path / "report.html").read_text() != "old"


def test_no_line_ends_between_a_number_and_its_unit():
    sentence = unbroken("76.3 % ± 2.1 (n = 800) in 9 min 58 s of 3 stages")
    assert sentence == "76.3\u00a0% ±\u00a02.1 (n = 800) in 9\u00a0min 58\u00a0s of 3 stages"
