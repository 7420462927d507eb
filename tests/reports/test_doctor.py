"""The doctor's rules on made-up and on recorded metrics; real loops are in tests/stages.

healthy.csv: reinforcement of `tutelage school --minutes 60 --seed 0` (three rounds, whose critics
explained less than the others') and of `--minutes 10 --seed 0 --judge verifier`.
"""

from __future__ import annotations

import csv
import math
import random
from pathlib import Path

import pytest

from tests.reports.fake_report import fake_metrics
from tutelage.reports.doctor import RULES, Doctor, examined, reinforced
from tutelage.reports.reading import Series
from tutelage.runs import Progress

HEALTHY = Path(__file__).with_name("healthy.csv")


def recorded() -> dict[str, Series]:
    metrics: dict[str, Series] = {}
    with HEALTHY.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            stage, step = row.pop("stage"), float(row.pop("step"))
            for name, cell in row.items():
                if cell:
                    metrics.setdefault(stage, {}).setdefault(name, []).append((step, float(cell)))
    return metrics


def signs(steps: int = 60, **columns: float | list[float]) -> dict[str, int]:
    """What is found, and when, in a stage that logs these; `a_b` stands for `a/b`."""
    doctor, findings = Doctor(), {}
    for i in range(steps):
        row = {
            name.replace("_", "/", 1): value[i] if isinstance(value, list) else value
            for name, value in columns.items()
        }
        for finding in doctor.observe(Progress("stage", i + 1, steps, row)):
            findings[finding.sign] = finding.step
    return findings


def noisy(steps: int, mean: float, deviation: float) -> list[float]:
    chance = random.Random(steps)
    return [chance.gauss(mean, deviation) for _ in range(steps)]


def test_recorded_runs_are_healthy():
    metrics = recorded()
    assert reinforced(metrics) == {
        "hour_ppo_1": 100,
        "hour_ppo_2": 60,
        "hour_ppo_3": 60,
        "verifier_ppo_1": 168,
    }
    assert examined(metrics) == []


@pytest.mark.parametrize(
    ("sign", "change"),
    [
        ("dead critic", {"value/explained_variance": 0.0}),
        ("stop token never sampled", {"rollout/stopped": 0.0}),
        ("zero-variance groups", {"rollout/learned": 0.0}),
        ("constant reward", {"reward/mean": 0.5}),
        ("steps too large", {"policy/clip_fraction": 0.5}),
        ("steps too large", {"policy/approx_kl": 0.2}),
        ("updates without effect", {"policy/approx_kl": 1e-9, "policy/optimiser_steps": 2.0}),
        ("broken rollouts", {"rollout/failed": 20.0}),
        ("KL negative", {"policy/kl": -0.3, "policy/kl_error": 0.02}),
    ],
)
def test_a_recorded_run_with_one_thing_wrong_has_that_finding_alone(sign: str, change):
    """In every stage; nothing else is set off by it."""
    for stage, series in recorded().items():
        steps = [step for step, _ in series["reward/mean"]]
        wrong = {name: [(step, value) for step in steps] for name, value in change.items()}
        assert [finding.sign for finding in examined({stage: series | wrong})] == [sign]


def test_a_fake_run_is_healthy():
    metrics: dict[str, Series] = {}
    for row in fake_metrics():
        for name, value in row.items():
            if name not in ("stage", "step"):
                series = metrics.setdefault(row["stage"], {})
                series.setdefault(name, []).append((row["step"], value))
    assert set(reinforced(metrics)) == {"ppo_1", "ppo_2", "ppo_3"}
    assert examined(metrics) == []


def test_kl_below_0_by_chance_or_by_rounding_is_no_sign():
    usual = {"rollout_tokens": 16.0, "reward_count": 512.0, "reward_mean": noisy(60, 0.5, 0.03)}
    assert signs(policy_kl=-0.1, policy_kl_error=0.01, **usual) == {"KL negative": 1}
    assert signs(policy_kl=-0.1, policy_kl_error=0.03, **usual) == {}
    assert signs(policy_kl=-0.015, policy_kl_error=1e-5, **usual) == {}  # 1e-3 a token
    assert signs(policy_kl=-0.1, policy_kl_error=0.01, **usual | {"reward_count": 8.0}) == {}


def test_certainty_is_a_sign_only_where_something_better_was_known():
    falling = [0.5 * 0.8**i for i in range(60)]
    score = noisy(60, 0.5, 0.01)
    assert signs(policy_entropy=falling, reward_mean=score, reward_best=0.8) == {
        "entropy collapsed": 19
    }
    assert signs(policy_entropy=falling, reward_mean=score, reward_best=0.5) == {}
    # Where the best was not logged, a score that rose is enough.
    assert "entropy collapsed" in signs(policy_entropy=falling, reward_mean=score)
    risen = [value + i / 100 for i, value in enumerate(score)]
    assert signs(policy_entropy=falling, reward_mean=risen) == {}
    assert signs(policy_entropy=[max(0.06, e) for e in falling], reward_mean=score) == {}


def test_a_critic_needs_thirty_steps_of_nothing():
    explained = [-0.2] * 29 + [0.1] + [0.0] * 30
    assert signs(value_explained_variance=explained) == {"dead critic": 60}
    assert signs(steps=59, value_explained_variance=explained[:59]) == {}
    # One that has learned lags where the policy becomes good.
    assert signs(value_explained_variance=[0.4, *explained[1:]]) == {}


def test_few_replies_that_did_not_stop_are_no_sign():
    stopped = {"rollout_stopped": 0.0, "reward_mean": noisy(60, -1.0, 0.1)}
    assert signs(reward_count=512.0, **stopped) == {"stop token never sampled": 5}
    assert signs(reward_count=4.0, **stopped) == {"stop token never sampled": 25}
    assert signs(reward_count=4.0, **stopped | {"rollout_stopped": 0.05}) == {}


def test_longer_replies_are_no_sign_where_answers_become_better_or_length_is_not_paid():
    growing = {
        "rollout_tokens": [16 + i / 2 for i in range(60)],
        "reward_mean": [value + i / 50 for i, value in enumerate(noisy(60, 0.5, 0.03))],
    }
    assert signs(reward_length_correlation=0.6, **growing) == {"length hacking": 18}
    assert signs(reward_length_correlation=noisy(60, 0.0, 0.3), **growing) == {}
    flat = growing | {"rollout_tokens": noisy(60, 16, 0.5)}
    assert signs(reward_length_correlation=0.6, **flat) == {}
    better = [0.5 + i / 500 for i in range(60)]
    assert signs(reward_length_correlation=0.6, audit_gold=better, **growing) == {}


def test_groups_that_agree_at_the_best_are_done():
    learned = [16.0] * 10 + [0.0] * 50
    mean = [*noisy(10, 0.5, 0.05), *[1.0] * 50]
    assert signs(rollout_learned=learned, reward_mean=mean, reward_best=1.0) == {}
    worse = [*noisy(10, 0.5, 0.05), *[0.6] * 50]
    findings = signs(
        rollout_learned=learned, reward_mean=worse, reward_best=[*mean[:10], *[0.6] * 50]
    )
    assert findings == {}
    best = [1.0] * 10 + [0.6] * 50
    findings = signs(rollout_learned=learned, reward_mean=worse, reward_best=best)
    assert findings == {"zero-variance groups": 20}


def test_a_line_search_that_never_finds_a_step():
    assert signs(policy_kl_step=0.0) == {"updates without effect": 20}
    now_and_then = [0.0 if i % 19 else 0.01 for i in range(60)]
    assert signs(policy_kl_step=now_and_then) == {}


def test_a_return_that_falls_and_stays_down():
    rise = [20 + 9.6 * i for i in range(50)]
    assert signs(steps=60, episode_return=[*rise, *[490.0] * 10]) == {}
    lost = [*rise, *noisy(100, 60, 20)]
    findings = signs(steps=150, episode_return=lost)
    assert set(findings) == {"score falls"}
    assert findings["score falls"] >= 50 + 40
    dip = [*rise, *noisy(40, 60, 20), *[500.0] * 60]
    assert signs(steps=150, episode_return=dip) == {}


def test_a_long_run_may_stay_down_for_longer():
    """A quarter of the steps so far, so that frequent small updates alarm no sooner."""
    rise = [20 + 0.24 * i for i in range(2000)]
    stream = [*rise, *noisy(1000, 60, 20)]
    assert signs(steps=2500, episode_return=stream[:2500]) == {}
    assert set(signs(steps=3000, episode_return=stream)) == {"score falls"}


def test_a_return_that_was_never_good_is_no_sign():
    """Every episode cut by its time limit: it may not have found the goal yet."""
    assert signs(steps=300, episode_return=-200.0, episode_length=200.0) == {}
    assert signs(steps=300, episode_return=noisy(300, -180, 30)) == {}


def test_gold_that_falls_by_chance_is_no_sign():
    score = [value + i / 50 for i, value in enumerate(noisy(60, 0.5, 0.03))]
    gold = [0.8] * 30 + [0.69] * 30
    assert signs(reward_mean=score, audit_gold=gold) == {"judge fooled": 32}
    assert signs(reward_mean=score, audit_gold=[0.8] * 30 + [0.72] * 30) == {}
    once = [0.8] * 30 + [0.6] + [0.8] * 29
    assert signs(reward_mean=score, audit_gold=once) == {}


def test_what_is_not_a_number_is_as_if_it_were_absent():
    """As in what is read back from metrics.jsonl."""
    explained = [0.0, math.nan, -math.inf] * 20
    assert signs(value_explained_variance=explained) == {}
    assert signs(steps=90, value_explained_variance=explained + [0.0] * 30) == {"dead critic": 70}


def test_every_rule_names_a_cause_and_a_cure_in_a_sentence():
    for sign, rule in RULES.items():
        for sentence in (rule.cause, rule.cure):
            assert sentence[0].isupper(), sign
            assert sentence.endswith("."), sign
            assert sentence.count(". ") == 0, sign


def test_the_page_on_the_doctor_says_what_the_rules_say():
    page = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| **")]
    findings = [(row[0][4:].partition("**")[0], *row[1:3]) for row in rows]
    assert findings == [(sign, rule.cause, rule.cure) for sign, rule in RULES.items()]
