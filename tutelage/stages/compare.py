"""Comparisons: sample several replies to each prompt and have them ranked."""

from __future__ import annotations

from collections.abc import Sequence

from tutelage.device import seeded
from tutelage.environments.chat import collect_replies
from tutelage.model.language_model import LanguageModel
from tutelage.protocols import ChatTokenizer, CheckMany, Task
from tutelage.rollout.sampler import Sampling
from tutelage.rollout.trajectories import grouped
from tutelage.schema import BROKEN, Conversation

FEWEST, MOST = 4, 9  # responses of one comparison, as InstructGPT's labelers were shown


def sample_responses(
    gpt: LanguageModel,
    tokenizer: ChatTokenizer,
    prompts: Sequence[Conversation],
    sampling: Sampling,
    *seed: object,
) -> list[tuple[int, list[str]]]:
    """(prompt's number, 4 to 9 responses), distinct ones first; a repeated one stays only where
    there are fewer than 4. Prompts on which the policy always says the same, or seldom comes to an
    end, are left out: there is too little to rank."""
    generator = seeded(*seed, "responses")
    trajectories = collect_replies(gpt, tokenizer, prompts, MOST, sampling, generator)
    kept = []
    for group in grouped(trajectories):
        finished = [t.response for t in group if t.terminated]
        distinct = list(dict.fromkeys(finished))
        if len(distinct) < 2 or len(finished) < FEWEST:
            continue
        repeated = [r for i, r in enumerate(finished) if r in finished[:i]]
        fill = repeated[: max(0, FEWEST - len(distinct))]
        kept.append((group[0].group, distinct + fill))
    return kept


def gold_scores(
    sampled: Sequence[tuple[int, list[str]]], tasks: Sequence[Task], check: CheckMany
) -> list[tuple[int, list[str], list[float]]]:
    """(prompt's number, responses, what the check gives each); a prompt one of whose responses
    could not be checked says nothing and is left out."""
    pairs = [(tasks[i], response) for i, responses in sampled for response in responses]
    verdicts = iter(check([task for task, _ in pairs], [response for _, response in pairs]))
    checked = [(i, responses, [next(verdicts) for _ in responses]) for i, responses in sampled]
    return [
        (i, responses, [verdict.score for verdict in of_prompt])
        for i, responses, of_prompt in checked
        if not any(verdict.outcome in BROKEN for verdict in of_prompt)
    ]
