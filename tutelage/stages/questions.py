"""What people are asked: tasks from the newest policy's replies, as many as the queue shall hold.

Pairs to rank are those whose answers would say most about the reward model, but for a share drawn
at random. A task's propensity is the chance with which its pair was chosen among its candidates.
Tasks have no priority among each other: were those asked first that say most, the random ones would
never be.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from tutelage.data.comparisons import comparison_tree
from tutelage.data.prompts import written_messages
from tutelage.device import seed_number, seeded
from tutelage.environments.chat import collect_replies
from tutelage.judges.reward_model import RewardModelJudge
from tutelage.labelling.choice import Posterior, around, choose_pairs, prior
from tutelage.labelling.records import NewTask, TaskKind
from tutelage.labelling.settings import Settings
from tutelage.model.heads import RewardModel
from tutelage.model.language_model import LanguageModel
from tutelage.protocols import ChatTokenizer
from tutelage.rollout.sampler import Sampling
from tutelage.schema import Comparison, Conversation
from tutelage.stages.compare import sample_responses

AT_ONCE = 4  # tasks that are added in one go, so that labels do not wait for them
CANDIDATES = 4  # prompts that are sampled for each pair to be chosen
REPLY_TOKENS = 48
SUGGESTIONS = 3  # of the model's, for each message of a dialogue
ROW_LENGTH = 192  # tokens a packed row


@dataclass(frozen=True)
class Asker:
    """The models whose replies people label, and what decides which of them.

    doubt: the posterior of the reward model's last layer, from `doubt_of`.
    """

    policy: LanguageModel
    reward_model: RewardModel
    tokenizer: ChatTokenizer
    doubt: Posterior
    stage: str  # of the policy, for those who read the labels later


Maker = Callable[[Asker, Sequence[Conversation], int, Settings, tuple[object, ...]], list[NewTask]]


def ask(
    asker: Asker,
    prompts: Sequence[Conversation],
    kinds: Sequence[str],
    settings: Settings,
    *seed: object,
) -> list[NewTask]:
    """A task of each of these kinds; fewer where the policy's replies leave nothing to label."""
    tasks: list[NewTask] = []
    for kind in dict.fromkeys(kinds):
        tasks += MAKERS[kind](asker, prompts, kinds.count(kind), settings, (*seed, kind))
    return tasks


def kinds_wanted(
    settings: Settings, waiting: Mapping[str, int], without: Collection[str] = ()
) -> list[str]:
    """The kinds of the next tasks, each the one that is furthest below its share of the queue."""
    shares = {kind: getattr(settings, f"{kind}_share") for kind in MAKERS if kind not in without}
    shares = {kind: share for kind, share in shares.items() if share > 0}
    have = {kind: float(waiting.get(kind, 0)) for kind in MAKERS}
    kinds: list[str] = []
    while shares and sum(have.values()) < settings.queue_depth and len(kinds) < AT_ONCE:
        unit = settings.queue_depth / sum(shares.values())
        kind = max(shares, key=lambda kind: shares[kind] * unit - have[kind])
        have[kind] += settings.overlap
        kinds.append(kind)
    return kinds


def _rank_tasks(
    asker: Asker,
    prompts: Sequence[Conversation],
    count: int,
    settings: Settings,
    seed: tuple[object, ...],
) -> list[NewTask]:
    """Pairs chosen among those that the policy's replies to some prompts make, one a prompt; other
    replies to the prompt fill a pair up where more are to be ranked."""
    drawn = _draw(prompts, count * CANDIDATES, seed)
    sampling = Sampling(max_new_tokens=REPLY_TOKENS)
    sampled = sample_responses(asker.policy, asker.tokenizer, drawn, sampling, *seed)
    offered = [(drawn[i], list(dict.fromkeys(replies))) for i, replies in sampled]
    pairs = [Comparison(prompt, tuple(replies[:2]), ((0, 1),)) for prompt, replies in offered]
    if not pairs:
        return []
    rows = pair_features(asker.reward_model, asker.tokenizer, pairs)
    chosen = choose_pairs(
        asker.doubt,
        rows,
        count,
        np.random.default_rng(seed_number(*seed, "choice")),
        random_share=settings.random_share,
    )
    tasks = []
    for choice in chosen:
        prompt, replies = offered[choice.index]
        replies = replies[: settings.replies]
        order = torch.randperm(len(replies), generator=seeded(*seed, "order", choice.index))
        payload = {
            "prompt": written_messages(prompt),
            "responses": replies,
            "stages": [asker.stage] * len(replies),
            "order": order.tolist(),
        }
        how = "at random" if choice.at_random else "by information"
        tasks.append(
            NewTask(
                kind="rank",
                payload=payload,
                propensity=min(1.0, choice.propensity),
                source=f"teach, {how}",
            )
        )
    return tasks


def _rate_tasks(
    asker: Asker,
    prompts: Sequence[Conversation],
    count: int,
    settings: Settings,
    seed: tuple[object, ...],
) -> list[NewTask]:
    drawn = _draw(prompts, count, seed)
    sampling = Sampling(max_new_tokens=REPLY_TOKENS)
    generator = seeded(*seed, "reply")
    trajectories = collect_replies(asker.policy, asker.tokenizer, drawn, 1, sampling, generator)
    payloads = (
        {
            "prompt": written_messages(trajectory.prompt),
            "response": trajectory.response,
            "stage": asker.stage,
        }
        for trajectory in trajectories
        if trajectory.terminated
    )
    return [_at_random("rate", payload, len(drawn) / len(prompts)) for payload in payloads]


def _makes_at_random(kind: TaskKind, payload: Callable[[Conversation], dict[str, Any]]) -> Maker:
    """Makes tasks of one kind of prompts that are drawn at random."""

    def make(
        asker: Asker,
        prompts: Sequence[Conversation],
        count: int,
        settings: Settings,
        seed: tuple[object, ...],
    ) -> list[NewTask]:
        propensity = count / len(prompts)
        return [
            _at_random(kind, payload(prompt), propensity) for prompt in _draw(prompts, count, seed)
        ]

    return make


def _at_random(kind: TaskKind, payload: dict[str, Any], propensity: float) -> NewTask:
    return NewTask(
        kind=kind, payload=payload, propensity=min(1.0, propensity), source="teach, at random"
    )


MAKERS: dict[str, Maker] = {
    "rank": _rank_tasks,
    "rate": _rate_tasks,
    "demonstrate": _makes_at_random(
        "demonstrate",
        lambda prompt: {"prompt": written_messages(prompt), "style": "plain", "use_case": ""},
    ),
    "dialogue": _makes_at_random(
        "dialogue",
        lambda prompt: {"opening": prompt[-1].content, "suggestions": SUGGESTIONS},
    ),
}


def _draw(
    prompts: Sequence[Conversation], count: int, seed: tuple[object, ...]
) -> list[Conversation]:
    """So many different ones, as far as there are."""
    order = torch.randperm(len(prompts), generator=seeded(*seed, "prompts"))
    return [prompts[i] for i in order[:count].tolist()]


def pair_features(
    model: RewardModel, tokenizer: ChatTokenizer, pairs: Sequence[Comparison]
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """What the last layer weighs of each first response less that of the second: (N, D + 1)."""
    trees = [comparison_tree(tokenizer, pair) for pair in pairs]
    features = (
        RewardModelJudge(model, tokenizer.pad).features_of_trees(trees).view(len(pairs), 2, -1)
    )
    return (features[:, 0] - features[:, 1]).double().cpu().numpy()


def doubt_of(
    model: RewardModel,
    tokenizer: ChatTokenizer,
    comparisons: Sequence[Comparison],
    sampled: int,
    *seed: object,
) -> Posterior:
    """The last layer's posterior after training on these comparisons, from a pair of each of
    `sampled` of them, which stand for all."""
    order = torch.randperm(len(comparisons), generator=seeded(*seed, "doubt"))[:sampled].tolist()
    pairs = []
    for i in order:
        comparison = comparisons[i]
        first, second = comparison.ranking[0][0], comparison.ranking[-1][-1]
        if first != second:
            responses = (comparison.responses[first], comparison.responses[second])
            pairs.append(Comparison(comparison.prompt, responses, ((0, 1),)))
    rows = pair_features(model, tokenizer, pairs)
    weights = np.full(len(rows), len(comparisons) / len(order))
    return around(prior(rows), rows, model.last_layer.detach().double().cpu().numpy(), weights)
