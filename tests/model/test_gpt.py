"""The GPT: causal, and from its first weights on able to look up what followed a pair before."""

from __future__ import annotations

import pytest
import torch

from tests.conftest import tiny_gpt
from tutelage.device import seeded
from tutelage.model.gpt import GPT, GPTConfig, preceding
from tutelage.text.packing import Tree, pack, plain


def test_no_token_sees_a_later_one():
    gpt = tiny_gpt(dtype=torch.float64)
    tokens = torch.randint(300, (1, 12), generator=seeded("tokens"))
    changed = tokens.clone()
    changed[0, 7] += 1
    before, after = gpt(plain(tokens)), gpt(plain(changed))
    torch.testing.assert_close(before[:, :7], after[:, :7], rtol=0, atol=0)
    assert (before[:, 7:] - after[:, 7:]).abs().amin(dim=1).max() > 0


def test_first_layer_finds_what_followed_the_same_pair():
    """After "7 9 5 … 7 9" the heads that copy attend to the 5, before any training."""
    gpt = GPT(GPTConfig(vocabulary=300, layers=1, heads=4, width=128)).initialise(seeded(1))
    tokens = torch.tensor([[7, 9, 5, 20, 9, 31, 40, 8, 7, 9]])
    last = tokens[:, :-1]
    x = gpt.embedding(tokens) + gpt.previous(torch.cat([torch.zeros(1, 1).long(), last], 1))
    x = torch.nn.functional.rms_norm(x, (128,))
    q, k = (weight.T for weight in gpt.blocks[0].attention.qkv.weight.split(128)[:2])
    scores = torch.nn.functional.cosine_similarity(
        (x @ q[:, :32])[0, -1:], (x @ k[:, :32])[0, :-1], dim=1
    )
    assert scores.argmax().item() == 1  # the 9 after the first 7; its successor's key is this one


def test_what_precedes_a_token_is_of_its_own_sequence():
    """A branch's first token follows its prompt, whatever stands before it in the row."""
    packed = pack([Tree([5, 6, 7], [[1, 2], [3]])], row_length=8, pad=0)
    recent = preceding(packed.tokens, packed.positions, packed.attend())
    assert recent[0, :, 0].tolist() == [0, 5, 6, 6, 7, 1, 6, 7]
    assert recent[0, :, 1].tolist() == [0, 0, 5, 5, 6, 7, 5, 6]


def test_an_odd_width_is_refused():
    with pytest.raises(ValueError, match="multiple of 2 × heads"):
        GPTConfig(width=30, heads=4)
