"""Episodes of any number of turns: what is kept of them, and how they end."""

from __future__ import annotations

from collections.abc import Sequence

import gymnasium
import pytest
import torch

from tutelage.environments.chat import Chat, Messages, conversations
from tutelage.errors import EnvironmentFailure
from tutelage.policies.language import LanguagePolicy
from tutelage.rollout.collect import collect
from tutelage.rollout.sampler import Sample, Sampling
from tutelage.rollout.trajectories import read_trajectories
from tutelage.schema import Conversation, Message, Outcome, Verdict, ask
from tutelage.text.tokenizer import Tokenizer

SAMPLING, GENERATOR = Sampling(max_new_tokens=9), torch.Generator()


class Script:
    """A sampler that replies from a list, one list a sample, and notes what it was shown."""

    context = 200

    def __init__(self, tokenizer: Tokenizer, replies: Sequence[Sequence[str]]) -> None:
        self.tokenizer, self.replies = tokenizer, [list(one) for one in replies]
        self.shown: list[tuple[Sequence[int], int]] = []

    def sample(self, prompts, samples_per_prompt, sampling, generator) -> list[list[Sample]]:
        drawn, sample = [], iter(self.replies)
        for prompt in prompts:
            self.shown.append((prompt, samples_per_prompt))
            drawn.append([self.next_reply(next(sample)) for _ in range(samples_per_prompt)])
        return drawn

    def next_reply(self, replies: list[str]) -> Sample:
        reply = replies.pop(0)
        cut = reply.endswith("…")
        tokens = self.tokenizer.encode_reply(reply.removesuffix("…"))
        tokens = tokens[:-1] if cut else tokens
        return Sample(tokens, [-0.5] * len(tokens), finished=not cut)


def guessing(conversation: Conversation) -> tuple[Conversation, float, bool]:
    """1 for the right word, which ends it; 0.25 for any other, and another try."""
    right = conversation[-1].content == "blue"
    answer: Conversation = () if right else (Message("user", "no"),)
    return answer, 1.0 if right else 0.25, right


def play(tokenizer: Tokenizer, *replies: Sequence[str]):
    sampler = Script(tokenizer, replies)
    environments = [lambda: Chat(ask("which word"), guessing)]
    return sampler, collect(sampler, tokenizer, environments, len(replies), SAMPLING, GENERATOR)


def test_an_episode_of_two_turns_by_hand(tokenizer: Tokenizer):
    sampler, [trajectory] = play(tokenizer, ["red", "blue"])
    red, blue = tokenizer.encode_reply("red"), tokenizer.encode_reply("blue")
    told = tokenizer.encode_prompt((Message("user", "no"),))
    assert list(trajectory.prompt_tokens) == tokenizer.encode_prompt(ask("which word"))
    assert trajectory.tokens == [*red, *told, *blue]
    mask = [True] * len(red) + [False] * len(told) + [True] * len(blue)
    assert trajectory.action_mask == mask
    assert trajectory.rewards == [*[0.0] * (len(red) - 1), 0.25, *[0.0] * (len(blue) - 1), 1.0]
    assert len(trajectory.logprobs) == len(red) + len(blue)
    assert [m.content for m in trajectory.messages] == ["red", "no", "blue"]
    assert (trajectory.terminated, trajectory.truncated) == (True, False)
    # what the second reply was sampled after is what the update will read
    assert sampler.shown[1][0] == (*trajectory.prompt_tokens, *red, *told)


def test_samples_share_their_prompt_until_they_differ(tokenizer: Tokenizer):
    sampler, trajectories = play(tokenizer, ["blue"], ["blue"], ["blue"])
    assert [count for _, count in sampler.shown] == [3]
    assert {t.group for t in trajectories} == {0}


def test_a_reply_without_a_stop_token_ends_the_episode(tokenizer: Tokenizer):
    _, [trajectory] = play(tokenizer, ["red and…"])
    assert (trajectory.terminated, trajectory.truncated) == (False, True)


def test_turns_and_context_have_limits(tokenizer: Tokenizer):
    sampler = Script(tokenizer, [["red"] * 4])
    environments = [lambda: Chat(ask("which word"), guessing)]
    [cut] = collect(sampler, tokenizer, environments, 1, SAMPLING, GENERATOR, max_turns=3)
    assert sum(m.role == "assistant" for m in cut.messages) == 3
    assert cut.truncated
    sampler = Script(tokenizer, [["red"] * 99])
    sampler.context = 40
    [full] = collect(sampler, tokenizer, environments, 1, SAMPLING, GENERATOR, max_turns=99)
    assert full.truncated
    assert len(full.prompt_tokens) + len(full.tokens) >= 40


def test_an_environment_that_breaks_ends_its_own_episode_only(tokenizer: Tokenizer):
    class Broken(Chat):
        def step(self, action: str):
            raise EnvironmentFailure("The wire came off.")

    environments = [lambda: Broken(ask("a")), *conversations([ask("b")])]
    sampler = Script(tokenizer, [["x"], ["y"]])
    broken, whole = collect(sampler, tokenizer, environments, 1, SAMPLING, GENERATOR)
    assert broken.verdict == Verdict(
        0.0, Outcome.ENVIRONMENT_ERROR, "EnvironmentFailure: The wire came off."
    )
    assert whole.verdict is None
    assert whole.terminated


def test_turns_become_experience_without_a_step_for_what_was_told(tokenizer: Tokenizer):
    """Rewards lie where the environment paid them, the judge's score comes with the last."""
    from tests.conftest import tiny_gpt
    from tutelage.model.heads import new_critic

    gpt = tiny_gpt(vocabulary=len(tokenizer))
    _, trajectories = play(tokenizer, ["red", "blue"], ["blue"])
    for trajectory in trajectories:
        trajectory.verdict = Verdict(2.0, Outcome.SUCCESS)
    policy = LanguagePolicy(gpt, new_critic(gpt))
    experience = read_trajectories(policy, gpt, trajectories, tokenizer.pad)
    red, blue = (len(tokenizer.encode_reply(word)) for word in ("red", "blue"))
    assert experience.mask.sum(dim=1).tolist() == [red + blue, blue]
    assert experience.rewards[0, red - 1].item() == 0.25
    assert experience.rewards[0, red + blue - 1].item() == 3.0
    assert experience.rewards[1, blue - 1].item() == 3.0
    assert experience.rewards.sum().item() == pytest.approx(6.25)


def test_chat_is_an_environment_of_gymnasium():
    environment = Chat(ask("hello"))
    assert isinstance(environment, gymnasium.Env)
    observation, _ = environment.reset(seed=1)
    assert Messages().contains(observation)
    answer, reward, terminated, truncated, _ = environment.step("hi")
    assert (answer, reward, terminated, truncated) == ((), 0.0, True, False)
