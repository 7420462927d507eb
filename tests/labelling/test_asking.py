"""The assistant asks where answers pay, and learns where they do."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace

import numpy as np
import pytest

from tutelage.errors import BadInput
from tutelage.labelling.asking import (
    LARGEST_GAIN,
    AskConfig,
    AskState,
    Decision,
    Experience,
    after_answer,
    after_thumb,
    decide,
    judged_row,
    question,
    state_from_json,
)
from tutelage.labelling.choice import Posterior, information_gain, prior, updated

# Three replies, a feature each: one that the model is sure of, two that it is not.
FEATURES = {"sure": [1.0, 0, 0], "steady": [0, 1.0, 0], "fickle": [0, 0, 1.0]}
POSTERIOR = Posterior(np.array([6.0, 0.5, 0.5, 0.0]), np.diag([0.3, 6.0, 6.0, 0.01]))


def user(
    config: AskConfig, exchanges: int, chance_as_foretold: dict[str, float], seed: int = 0
) -> list[tuple[Decision, AskState]]:
    """A person who says what the model expects with the given chance, the rest of the time not."""
    generator = np.random.default_rng(seed)
    state, seen = AskState(), []
    names = list(chance_as_foretold)
    for _ in range(exchanges):
        action = names[generator.integers(len(names))]
        row = judged_row(FEATURES[action])
        decision, state = decide(state, config, action, POSTERIOR, row, generator.random())
        if decision.ask:
            as_foretold = generator.random() < chance_as_foretold[action]
            state = after_answer(state, decision, (decision.chance_right > 0.5) == as_foretold)
        seen.append((decision, state))
    return seen


def rate(seen: list[tuple[Decision, AskState]], action: str) -> float:
    """How often it asked about this action, of the times it could."""
    asked = [d.propensity for d, _ in seen if d.action == action and d.because != "lately"]
    return float(np.mean(asked))


def test_it_learns_what_to_ask():
    """Answers about "steady" never surprise; "fickle" is a coin. Both looked alike at first."""
    config = AskConfig(every=2)
    seen = user(config, 900, {"sure": 1.0, "steady": 1.0, "fickle": 0.5})
    early, late = seen[:60], seen[-300:]
    assert rate(early, "steady") > 0.5
    assert rate(late, "steady") < 0.1
    assert rate(late, "fickle") > 0.9
    assert rate(late, "sure") < 0.02  # novel once, then known and certain


def test_it_stops_where_nothing_ever_surprises():
    """Over ten simulated people: of the exchanges that could have asked, ever fewer do."""
    first, last = [], []
    for seed in range(10):
        seen = user(AskConfig(every=1), 400, {"steady": 1.0, "fickle": 1.0}, seed)
        asked = [decision.ask for decision, _ in seen]
        first.append(np.mean(asked[:40]))
        last.append(np.mean(asked[-200:]))
    assert np.mean(first) > 0.3
    assert np.mean(last) < 0.05


@pytest.mark.parametrize("every", [1, 3, 7])
def test_of_so_many_exchanges_at_most_one_asks(every: int):
    seen = user(AskConfig(every=every, price=1e-6), 120, {"fickle": 0.5})
    asked = np.array([decision.ask for decision, _ in seen])
    assert asked.sum() >= 120 // (every + 1)
    windows = [asked[i : i + every].sum() for i in range(120 - every + 1)]
    assert max(windows) == 1
    assert all(d.propensity == 0 for d, _ in seen if d.because == "lately")


def test_switched_off_it_never_asks():
    seen = user(AskConfig(enabled=False), 50, {"fickle": 0.5})
    assert not any(decision.ask for decision, _ in seen)
    assert {(d.propensity, d.because) for d, _ in seen} == {(0.0, "off")}


def first_decision(state: AskState, config: AskConfig, action: str = "fickle") -> Decision:
    return decide(state, config, action, POSTERIOR, judged_row(FEATURES[action]), 0.5)[0]


def test_propensity_by_hand():
    """A new action is worth log 2 if λ is 1; λ ~ Gamma(2, 2): P(λ > c) = (1 + 2c) e^(−2c)."""
    found = first_decision(AskState(), AskConfig(price=0.3))
    least = 2 * 0.3 / math.log(2)
    assert found.propensity == pytest.approx((1 + least) * math.exp(-least))
    assert found.gain == pytest.approx(LARGEST_GAIN)
    assert found.because == "new"


def test_gain_by_hand():
    """Judged three times, twice in answer to questions, once to its surprise: a quarter of the
    gain is novelty's; λ ~ Gamma(2 + 1, 2/m + 0.8) with m = (2 + 1)/(2 + 0.8)."""
    known = Experience(judged=3, foretold=0.8, surprises=1)
    found = first_decision(AskState(actions={"fickle": known}), AskConfig())
    model = information_gain(np.array([0.5]), np.array([6.01]))[0]
    nats = LARGEST_GAIN / 4 + 0.75 * model
    assert found.gain == pytest.approx(nats * 3 / (2 / (3 / 2.8) + 0.8))
    assert found.doubt == pytest.approx(0.125 + 0.75 * (1 - found.chance_right))


def test_what_is_dear_is_asked_less_and_what_was_judged_is_less_new():
    chances = [first_decision(AskState(), AskConfig(price=p)).propensity for p in (0.05, 0.2, 0.6)]
    assert chances == sorted(chances, reverse=True)
    state = AskState()
    gains = []
    for _ in range(4):
        gains.append(first_decision(state, AskConfig(), "sure").gain)
        state = after_thumb(state, "sure")
    assert gains == sorted(gains, reverse=True)
    assert gains[3] < 0.3 * gains[0]


def test_a_coin_toss_that_is_known_to_be_one_is_not_asked_about():
    """Unsure of the answer, but sure that it is a toss: nothing to learn."""
    known = AskState(actions={"toss": Experience(judged=1_000)})
    posterior = Posterior(np.zeros(2), np.eye(2) * 1e-4)
    found, _ = decide(known, AskConfig(), "toss", posterior, judged_row([1.0]), 0.5)
    assert found.doubt == pytest.approx(0.5)
    assert found.propensity < 1e-6


def test_the_state_survives_a_store():
    _, state = user(AskConfig(), 30, {"steady": 1.0, "fickle": 0.5})[-1]
    assert state_from_json(json.loads(json.dumps(asdict(state)))) == state
    with pytest.raises(BadInput, match="not as it was written"):
        state_from_json({"actions": [1]})


def test_answers_surprise_or_do_not():
    decision = first_decision(AskState(), AskConfig())
    assert decision.chance_right > 0.5
    right = after_answer(AskState(), decision, True).actions["fickle"]
    wrong = after_answer(AskState(), decision, False).actions["fickle"]
    assert (right.surprises, wrong.surprises) == (0, 1)
    assert right.foretold == wrong.foretold == decision.doubt
    assert question(decision).endswith("was that right?")
    assert "`fickle`" in question(decision)
    assert question(replace(decision, because="unsure")).count("?") == 1


def foresight(config: AskConfig, seed: int, at_random: int | None = None) -> tuple[float, int]:
    """A person who judges 30 actions by their features, most of them rare; the reward model learns
    from each answer. Share of later judgements that it foresees, and the questions it asked (so
    many at random, if given)."""
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(30, 6))
    truth = generator.normal(size=6) * 3
    often = np.arange(1, 31) ** -1.0
    often /= often.sum()
    posterior, state, asked = prior(np.array([judged_row(x) for x in features])), AskState(), 0
    exchanges = 200
    chosen = set() if at_random is None else set(
        generator.choice(exchanges, at_random, replace=False).tolist()
    )  # fmt: skip
    for exchange in range(exchanges):
        i = int(generator.choice(30, p=often))
        row = judged_row(features[i])
        decision, state = decide(state, config, str(i), posterior, row, generator.random())
        if decision.ask if at_random is None else exchange in chosen:
            right = generator.random() < 1 / (1 + math.exp(-features[i] @ truth))
            state = after_answer(state, decision, right)
            posterior = updated(posterior, row, float(right))
            asked += 1
    rows = np.array([judged_row(x) for x in features])
    is_right = 1 / (1 + np.exp(-features @ truth))
    says_right = rows @ posterior.mean > 0
    return float((often * np.where(says_right, is_right, 1 - is_right)).sum()), asked


@pytest.mark.slow
def test_what_it_asks_teaches_more_than_as_many_questions_at_random():
    found = []
    for seed in range(40):
        wise, asked = foresight(AskConfig(every=2, price=0.3), seed)
        blind, _ = foresight(AskConfig(enabled=False), seed, at_random=asked)
        found.append((wise, blind, asked))
    wise, blind, asked = np.mean(found, axis=0)
    assert wise > blind + 0.005
    assert wise > 0.85
    assert asked < 50  # of 200 exchanges, 100 of which could have asked
