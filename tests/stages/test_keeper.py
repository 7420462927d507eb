"""Which policy a stage keeps: by what is measured where there is no gold, near the reference."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stages.toys import (
    REQUESTS,
    WordJudge,
    new_algorithm,
    reinforcement,
    taught_gpt,
    word_tokenizer,
)
from tutelage.device import seeded
from tutelage.environments.chat import collect_replies
from tutelage.model.gpt import GPT
from tutelage.rollout.sampler import Sampling
from tutelage.rollout.trajectories import reply_kls
from tutelage.runs import Run
from tutelage.schema import ask
from tutelage.stages.keeper import Keeper, KeeperConfig
from tutelage.stages.policy import PolicyConfig, Practice, auditor

# Of the policy before the first step and after each: the judge's score keeps rising, gold falls,
# and from the fourth on it is farther away than it may.
AUDITS = [
    {"audit/score": score, "audit/kl": kl, "audit/gold": gold}
    for score, kl, gold in [(0.1, 0, 0.5), (0.3, 1, 0.9), (0.6, 2, 0.7), (0.9, 6, 0.2)]
]


@pytest.mark.parametrize(("by", "kept"), [("audit/score", 2), ("audit/gold", 1)])
def test_the_best_by_what_is_asked_within_the_budget(by, kept: int, taught: Path, tmp_path: Path):
    gpt, heard = taught_gpt(taught), iter(AUDITS)
    config = KeeperConfig(by=by, audit_every=1, kl_budget=5.0)
    keeper = Keeper(Run(tmp_path), "ppo", gpt, 3, lambda _: next(heard), config)
    assert keeper.resume() is None
    weight = gpt.head.weight
    for done in range(1, 4):
        weight.data.fill_(done)
        keeper.end_step(done, {}, {})
    keeper.finish(word_tokenizer())
    assert weight.unique().tolist() == [kept]
    rows = keeper.run.metrics()
    assert max(row["step"] for row in rows if row["audit/kept"]) == kept


def test_without_audits_the_last_is_kept_and_patience_never_ends(taught: Path, tmp_path: Path):
    gpt = taught_gpt(taught)
    keeper = Keeper(Run(tmp_path), "ppo", gpt, 3, None, KeeperConfig(audit_every=1, patience=1))
    keeper.resume()
    for done in range(1, 4):
        gpt.head.weight.data.fill_(done)
        keeper.end_step(done, {}, {})
        assert keeper.is_patient
    keeper.finish(word_tokenizer())
    assert gpt.head.weight.unique().tolist() == [3]


def test_score_kl_and_gold_of_an_audit_are_of_the_same_policy(taught: Path, tmp_path: Path):
    """That after the update: each is what the policy that is there then says."""
    prompts = [ask(request) for request in REQUESTS]
    reference, config = taught_gpt(taught), PolicyConfig(max_new_tokens=4)
    asked = Practice(prompts, WordJudge())
    seen: list[tuple[float, float]] = []

    def gold(gpt: GPT) -> float:
        chance = seeded(0, "ppo", "audit", 0, "sample")
        limit = Sampling(max_new_tokens=4)
        replies = collect_replies(gpt, word_tokenizer(), prompts, 1, limit, chance)
        score = sum(t.response == "blue" for t in replies) / len(replies)
        seen.append((score, reply_kls(reference, replies, word_tokenizer().pad).mean().item()))
        return score

    audit = auditor(reference, word_tokenizer(), asked, config, (0, "ppo"), gold)
    run, algorithm = Run(tmp_path), new_algorithm("ppo", taught, kl_coefficient=0.0)
    for _ in reinforcement(run, algorithm, 12, audit=audit, audit_every=4):
        pass
    rows = [row for row in run.metrics() if "audit/gold" in row]
    assert [row["step"] for row in rows] == [0, 4, 8, 12]
    assert [row["audit/score"] for row in rows] == [score for score, _ in seen]
    assert [row["audit/kl"] for row in rows] == pytest.approx([kl for _, kl in seen])
    assert abs(rows[0]["audit/kl"]) < 1e-5 < 0.1 < rows[-1]["audit/kl"]
