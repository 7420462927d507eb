"""From environments to trajectories: what the policy did, token by token, as it was sampled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import gymnasium
import torch

from tutelage.protocols import ChatTokenizer
from tutelage.rollout.sampler import Sample, Sampler, Sampling
from tutelage.schema import Conversation, Outcome, Trajectory, Verdict

# An environment that speaks: its observations are messages (of role user, tool or system) that are
# added to the conversation, its actions are replies.
MakeEnvironment = Callable[[], "gymnasium.Env[Conversation, str]"]


@dataclass
class _Episode:
    environment: gymnasium.Env[Conversation, str]
    trajectory: Trajectory
    context: list[int] = field(default_factory=list)  # everything read or sampled so far

    @property
    def is_over(self) -> bool:
        t = self.trajectory
        return t.terminated or t.truncated or t.verdict is not None


def collect(
    sampler: Sampler,
    tokenizer: ChatTokenizer,
    environments: Sequence[MakeEnvironment],
    samples_per_prompt: int,
    sampling: Sampling,
    generator: torch.Generator,
    *,
    tasks: Sequence[object] | None = None,
    policy_version: int = 0,
    max_turns: int = 32,
) -> list[Trajectory]:
    """`samples_per_prompt` episodes in each environment, environment by environment; `group` counts
    these.

    All episodes take their turns together: a reply is sampled for each, its environment steps. A
    reply without a stop token, a conversation longer than the context and the last of max_turns are
    truncated. An environment that breaks ends its own episode with a verdict that says so.
    """
    episodes = []
    for group, make in enumerate(environments):
        for _ in range(samples_per_prompt):
            task = tasks[group] if tasks is not None else None
            trajectory = Trajectory(group=group, task=task, policy_version=policy_version)
            episodes.append(_Episode(make(), trajectory))
            _begin(episodes[-1], tokenizer, (generator.initial_seed() + len(episodes)) % 2**31)
    for turn in range(max_turns):
        live = [episode for episode in episodes if not episode.is_over]
        if not live:
            break
        samples = _sample(sampler, live, sampling, generator)
        for episode, sample in zip(live, samples, strict=True):
            _take_turn(episode, sample, tokenizer)
            t = episode.trajectory
            full = len(episode.context) >= sampler.context or turn + 1 == max_turns
            t.truncated = t.truncated or (full and not episode.is_over)
    for episode in episodes:
        episode.environment.close()
    return [episode.trajectory for episode in episodes]


def _begin(episode: _Episode, tokenizer: ChatTokenizer, seed: int) -> None:
    t = episode.trajectory
    try:
        t.prompt, _ = episode.environment.reset(seed=seed)
    except Exception as error:  # an environment is foreign code
        t.verdict = Verdict(0.0, Outcome.ENVIRONMENT_ERROR, f"{type(error).__name__}: {error}")
        return
    t.prompt_tokens = tokenizer.encode_prompt(t.prompt)
    episode.context = list(t.prompt_tokens)


def _sample(
    sampler: Sampler,
    live: Sequence[_Episode],
    sampling: Sampling,
    generator: torch.Generator,
) -> list[Sample]:
    """A reply in each episode; those that have read the same so far share one reading of it."""
    same: dict[tuple[int, ...], list[int]] = {}
    for place, episode in enumerate(live):
        same.setdefault(tuple(episode.context), []).append(place)
    samples: dict[int, Sample] = {}
    by_count: dict[int, list[tuple[int, ...]]] = {}
    for context, places in same.items():
        by_count.setdefault(len(places), []).append(context)
    for count, contexts in by_count.items():
        room = sampler.context - max(map(len, contexts))
        limited = replace(sampling, max_new_tokens=max(1, min(sampling.max_new_tokens, room)))
        for context, drawn in zip(
            contexts, sampler.sample(contexts, count, limited, generator), strict=True
        ):
            samples |= dict(zip(same[context], drawn, strict=True))
    return [samples[place] for place in range(len(live))]


def _take_turn(episode: _Episode, sample: Sample, tokenizer: ChatTokenizer) -> None:
    """Give the reply to the environment and read what it answers."""
    t = episode.trajectory
    reply = tokenizer.decode_reply(sample.tokens)
    t.add_action(sample.tokens, sample.logprobs, reply)
    episode.context += sample.tokens
    if not sample.finished:
        t.truncated = t.is_cut = True
        return
    observation: Conversation = ()
    try:
        observation, reward, t.terminated, t.truncated, info = episode.environment.step(reply)
    except Exception as error:  # an environment is foreign code
        t.verdict = Verdict(0.0, Outcome.ENVIRONMENT_ERROR, f"{type(error).__name__}: {error}")
        return
    t.rewards[-1] += float(reward)
    t.verdict = info.get("verdict")
    if not episode.is_over:
        tokens = tokenizer.encode_continuation(observation)
        t.add_observation(tokens, observation)
        episode.context += tokens
