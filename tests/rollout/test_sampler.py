"""Sampling with a cache: the same distribution, the same numbers, as scoring without one."""

from __future__ import annotations

import torch

from tests.conftest import tiny_gpt
from tutelage.device import seeded
from tutelage.rollout.sampler import ModelSampler, Sampling
from tutelage.text.packing import plain

PROMPTS = [[5, 9], [7, 8, 11, 4, 2], [3]]


def test_greedy_equals_the_obvious_loop():
    gpt = tiny_gpt()
    found = ModelSampler(gpt, frozenset({1})).sample(
        PROMPTS, 1, Sampling(max_new_tokens=9, temperature=0), seeded(0)
    )
    for prompt, [sample] in zip(PROMPTS, found, strict=True):
        tokens = list(prompt)
        for _ in range(9):
            tokens.append(int(gpt.head(gpt(plain(torch.tensor([tokens]))))[0, -1].argmax()))
            if tokens[-1] == 1:
                break
        assert sample.tokens == tokens[len(prompt) :]


def test_kept_logprobs_are_those_of_a_full_pass():
    gpt = tiny_gpt()
    gpt.head.weight.data[1] += 0.5  # the stop token comes often, so rows leave the batch
    for temperature in (1.0, 0.7):
        sampling = Sampling(max_new_tokens=12, temperature=temperature)
        found = ModelSampler(gpt, frozenset({1})).sample(PROMPTS * 4, 5, sampling, seeded(3))
        lengths = {len(s.tokens) for group in found for s in group}
        assert len(lengths) > 2
        for prompt, group in zip(PROMPTS * 4, found, strict=True):
            for sample in group:
                assert sample.finished == (sample.tokens[-1] == 1)
                hidden = gpt(plain(torch.tensor([[*prompt, *sample.tokens]])))[
                    :, len(prompt) - 1 : -1
                ]
                logprobs = (gpt.head(hidden) / temperature).log_softmax(-1)[0]
                chosen = logprobs.gather(1, torch.tensor(sample.tokens)[:, None])[:, 0]
                torch.testing.assert_close(torch.tensor(sample.logprobs), chosen, atol=1e-4, rtol=0)


def test_samples_follow_the_policy():
    """First tokens of 20,000 samples against the exact distribution (chi-square per token)."""
    gpt = tiny_gpt(vocabulary=8)
    found = ModelSampler(gpt, frozenset({0})).sample(
        [[5, 2]], 20_000, Sampling(max_new_tokens=1), seeded("many")
    )
    counts = torch.bincount(torch.tensor([s.tokens[0] for s in found[0]]), minlength=8)
    expected = gpt.head(gpt(plain(torch.tensor([[5, 2]]))))[0, -1].softmax(-1) * 20_000
    chi_square = ((counts - expected) ** 2 / expected).sum().item()
    assert chi_square < 24.3  # 99.9th percentile with 7 degrees of freedom


def test_same_generator_same_samples():
    gpt = tiny_gpt()
    first, second = (
        ModelSampler(gpt, frozenset({1})).sample(PROMPTS, 3, Sampling(max_new_tokens=6), seeded(9))
        for _ in range(2)
    )
    assert [[s.tokens for s in g] for g in first] == [[s.tokens for s in g] for g in second]
