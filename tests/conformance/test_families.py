"""Every family of language models keeps the contract that stages, algorithms and judges rely on."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tutelage.device import seeded
from tutelage.model.checkpoint import load_model, save_model
from tutelage.model.families import FAMILIES, family_of, new_model
from tutelage.model.heads import RewardModel
from tutelage.model.language_model import LanguageModel, imitation_loss, trainable, trainable_state
from tutelage.model.optimiser import MuonWithAdam
from tutelage.policies.language import Replies, score_packed
from tutelage.rollout.sampler import ModelSampler, Sampling
from tutelage.text.packing import Tree, pack, plain
from tutelage.text.tokenizer import Tokenizer

VOCABULARY, CONTEXT = 300, 64
TREES = [Tree([7, 8, 11, 4], [[5, 9, 2], [6]]), Tree([3], [[1, 2, 3, 4], [9, 9], [7]])]


@pytest.fixture(params=FAMILIES)
def model(request: pytest.FixtureRequest) -> LanguageModel:
    """Fresh weights, none of them zero, so that every part counts."""
    config = FAMILIES[request.param].config(vocabulary=VOCABULARY, context=CONTEXT)
    made = new_model(config, seeded("family")).double()
    for parameter in made.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.3, generator=seeded("not zero"))
    return made


def logprobs_alone(model: LanguageModel, prompt: list[int], reply: list[int]) -> Tensor:
    """Of the reply's tokens from a row of their own."""
    row = plain(torch.tensor([[*prompt, *reply]]))
    logprobs = model.logits(model(row))[0, len(prompt) - 1 : -1].log_softmax(dim=-1)
    return logprobs.gather(1, torch.tensor(reply)[:, None])[:, 0]


def test_its_numbers(model: LanguageModel):
    assert (model.vocabulary, model.context) == (VOCABULARY, CONTEXT)
    hidden = model(plain(torch.tensor([[1, 2, 3]])))
    assert hidden.shape == (1, 3, model.width)
    assert model.logits(hidden).shape == (1, 3, VOCABULARY)
    assert model.logits(hidden.bfloat16()).dtype == torch.float32


@torch.no_grad()
def test_a_sequence_is_alone_in_whatever_row_it_lies(model: LanguageModel):
    packed = pack(TREES, 40, 0)
    found = Replies(packed).steps(score_packed(model, packed))
    alone = [logprobs_alone(model, t.prompt, b) for t in TREES for b in t.branches]
    for row, expected in zip(found, alone, strict=True):
        torch.testing.assert_close(row[: len(expected)], expected, rtol=1e-9, atol=1e-9)


@torch.no_grad()
def test_keep_gives_the_positions_asked_for(model: LanguageModel):
    packed = pack(TREES, 40, 0)
    keep = torch.rand(packed.tokens.shape, generator=seeded("keep")) < 0.5
    torch.testing.assert_close(model(packed, keep), model(packed)[keep], rtol=1e-9, atol=1e-9)


def test_what_it_says_with_its_cache_has_the_logprobs_of_a_whole_pass(model: LanguageModel):
    prompts = [[5, 9], [7, 8, 11, 4, 2], [3]]
    sampler = ModelSampler(model, frozenset({1}))
    groups = sampler.sample(prompts, 3, Sampling(max_new_tokens=6), seeded("says"))
    for prompt, group in zip(prompts, groups, strict=True):
        for sample in group:
            expected = logprobs_alone(model, prompt, sample.tokens).tolist()
            assert sample.logprobs == pytest.approx(expected, abs=1e-6)


def test_each_parameter_is_in_one_group_and_learns(model: LanguageModel):
    grouped = [id(p) for group in model.parameter_groups() for p in group.parameters]
    assert sorted(grouped) == sorted(map(id, trainable(model)))
    before = copy.deepcopy(trainable_state(model))
    optimiser = MuonWithAdam(model.parameter_groups(), 0.01)
    imitation_loss(model, pack(TREES, 40, 0)).backward()
    optimiser.step()
    same = [name for name, array in model.state_dict().items() if torch.equal(array, before[name])]
    assert not same


@pytest.mark.parametrize("grades", [False, True])
def test_it_is_read_as_it_was_written(
    model: LanguageModel, grades: bool, tokenizer: Tokenizer, tmp_path: Path
):
    made = RewardModel(model) if grades else model
    save_model(tmp_path, made, tokenizer)
    read, _ = load_model(tmp_path)
    assert family_of(read.body if grades else read) == family_of(model)
    for name, array in made.state_dict().items():
        torch.testing.assert_close(read.state_dict()[name], array.float(), rtol=0, atol=0)
