"""When the assistant asks "was that right?": when the answer is expected to be worth the bother.

An answer is worth the nats it is expected to bring about the reward model (`choice`), and at most
log 2. What the model is unsure of is not all it does not know: an action that it was never judged
on is taken to be worth log 2, whatever the model thinks, and less with each judgement.

The model may also be less sure than it should be. If answers surprise it λ times as often as it
foretold, its doubts are worth λ times what it says. λ is learned from the answers to its own
questions, overall and for each action: surprises are taken to be Poisson with mean λ·(foretold),
λ Gamma, so that its posterior is Gamma. It asks with the posterior chance that λ·nats exceeds the
price of a question, which is Thompson's rule (1933), and that chance is the propensity to log. So
it comes to ask what surprises it, and to leave alone what never does.

Pure functions: the state is a frozen record that goes into a store as JSON.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from tutelage.config import require
from tutelage.errors import BadInput
from tutelage.labelling.choice import Floats, Posterior, chances, information_gain, margins

LARGEST_GAIN = math.log(2)  # nats that a yes or no can bring


@dataclass(frozen=True, kw_only=True)
class AskConfig:
    enabled: bool = True
    price: float = 0.1  # of a question, in nats that its answer must be expected to bring
    every: int = 5  # exchanges, of which at most one asks
    trust: float = 2.0  # foretold surprises after which experience weighs as much as λ = 1
    novelty: float = 1.0  # judgements after which an action is half known

    def __post_init__(self) -> None:
        require(self, "above 0", "price", "every", "trust")
        require(self, "at least 0", "novelty")


@dataclass(frozen=True, kw_only=True)
class Experience:
    """Of one action."""

    judged: int = 0  # judgements right or wrong, to a question or not
    foretold: float = 0.0  # surprises that were expected of the answers to its questions
    surprises: int = 0  # answers that were not what it expected


@dataclass(frozen=True, kw_only=True)
class AskState:
    since: int | None = None  # exchanges after the last question; None before the first
    actions: Mapping[str, Experience] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Whether to ask about one reply, and why. propensity: the chance with which it was to ask,
    given everything known before; gain: nats expected of the answer, λ included; doubt: the chance
    that the answer surprises, by the model alone."""

    ask: bool
    propensity: float
    action: str
    because: str  # "new" or "unsure", "off", "lately" where the cap forbids it
    chance_right: float
    doubt: float
    gain: float


def judged_row(features: Sequence[float] | Floats) -> Floats:
    """The row of a reply that is judged by itself: its features (D,) and a 1, whose weight is less
    the threshold of right; (D + 1,)."""
    return np.append(np.asarray(features, dtype=np.float64), 1.0)


def decide(
    state: AskState,
    config: AskConfig,
    action: str,
    posterior: Posterior,
    row: Floats,
    uniform: float,
    offset: float = 0.0,
) -> tuple[Decision, AskState]:
    """Whether to ask about a reply, and the state after this exchange.

    action: what it did, such as the program that a command runs; row: as judged_row makes it;
    uniform: a number drawn evenly from [0, 1); offset: added to the margin of row.
    """
    means, variances = margins(posterior, row[None])
    means = means + offset
    chance_right = float(chances(means, variances)[0])
    known = state.actions.get(action, Experience())
    unknown = config.novelty / (config.novelty + known.judged) if config.novelty else 0.0
    nats = unknown * LARGEST_GAIN + (1 - unknown) * float(information_gain(means, variances)[0])
    doubt = unknown * 0.5 + (1 - unknown) * min(chance_right, 1 - chance_right)
    shape, rate = _surprise(state, config, action)
    propensity = _chance_above(config.price / max(nats, 1e-12), shape, rate)
    because = "new" if known.judged == 0 else "unsure"
    if not config.enabled:
        propensity, because = 0.0, "off"
    elif state.since is not None and state.since + 1 < config.every:
        propensity, because = 0.0, "lately"
    decision = Decision(
        ask=uniform < propensity,
        propensity=propensity,
        action=action,
        because=because,
        chance_right=chance_right,
        doubt=doubt,
        gain=nats * shape / rate,
    )
    if decision.ask:
        return decision, replace(state, since=0)
    return decision, state if state.since is None else replace(state, since=state.since + 1)


def after_answer(state: AskState, decision: Decision, right: bool) -> AskState:
    """The state after the answer to a question."""
    known = state.actions.get(decision.action, Experience())
    surprise = right != (decision.chance_right > 0.5)
    return _with(
        state,
        decision.action,
        Experience(
            judged=known.judged + 1,
            foretold=known.foretold + decision.doubt,
            surprises=known.surprises + surprise,
        ),
    )


def after_thumb(state: AskState, action: str) -> AskState:
    """The state after a thumb without a question. It makes the action less new; of λ it says
    nothing, because people speak up when they are surprised."""
    known = state.actions.get(action, Experience())
    return _with(state, action, replace(known, judged=known.judged + 1))


def question(decision: Decision) -> str:
    """The sentence that asks."""
    if decision.because == "new":
        named = f"`{decision.action}`" if decision.action else "this"
        return f"Nobody has told me yet whether I use {named} well: was that right?"
    return "I am not sure of that one: was it right?"


def action_of(reply: str) -> str:
    """What a reply does: its first word, the program where it is a command."""
    words = reply.split()
    return words[0].lower() if words else ""


def state_from_json(stored: Mapping[str, Any]) -> AskState:
    """The inverse of `asdict`."""
    try:
        actions = {name: Experience(**known) for name, known in stored["actions"].items()}
        return AskState(since=stored["since"], actions=actions)
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"The stored state of asking is not as it was written: {error}.") from None


def _with(state: AskState, action: str, known: Experience) -> AskState:
    return replace(state, actions={**state.actions, action: known})


def _surprise(state: AskState, config: AskConfig, action: str) -> tuple[float, float]:
    """Shape and rate of the Gamma posterior of an action's λ. Its prior has the mean that all
    actions together have, so that an action that is new profits from what others taught."""
    foretold = sum(known.foretold for known in state.actions.values())
    surprises = sum(known.surprises for known in state.actions.values())
    overall = (config.trust + surprises) / (config.trust + foretold)
    known = state.actions.get(action, Experience())
    return config.trust + known.surprises, config.trust / overall + known.foretold


def _chance_above(least: float, shape: float, rate: float) -> float:
    """P(λ > least), λ Gamma distributed."""
    a = torch.tensor(shape, dtype=torch.float64)
    return float(torch.special.gammaincc(a, torch.tensor(rate * least, dtype=torch.float64)))
