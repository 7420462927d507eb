"""The GPT: causal, and from its first weights on able to look up what followed a pair before."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from tests.conftest import tiny_gpt
from tests.model.test_fused import plainly
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


def obvious(gpt: GPT, tokens: list[int]) -> torch.Tensor:
    """Hidden states (T, D), each query and key by itself."""
    D, H = gpt.config.width, gpt.config.heads
    T, d = len(tokens), D // H
    shown = torch.tensor([0, 0, *tokens])

    def norm(x: torch.Tensor) -> torch.Tensor:
        return F.rms_norm(x, (D,), eps=0.0)

    embedded = norm(gpt.embedding(shown[1:]) + gpt.previous(shown[:-1]))
    x, before = embedded[1:], embedded[:-1]
    angles = torch.arange(T)[:, None] * gpt.frequencies
    rotations = torch.polar(torch.ones_like(angles), angles)[None, :, None, None]
    for layer, block in enumerate(gpt.blocks):
        q, k, v = block.attention.qkv.weight.split(D)
        read, mixed = norm(x), torch.zeros(T, D, dtype=x.dtype)
        for h in range(H):
            part = slice(h * d, (h + 1) * d)
            copies = layer == 0 and h < H // 2  # keys of the token before, wherever it stands
            keys = (before if copies else read) @ k[part].T
            qkv = torch.stack([read @ q[part].T, keys, read @ v[part].T], dim=1)[None, :, :, None]
            queries, keys, values = plainly(
                qkv, torch.ones_like(rotations) if copies else rotations
            )
            for t in range(T):
                scores = keys[0, 0, : t + 1] @ queries[0, 0, t] * 15 / d
                mixed[t, part] = scores.softmax(dim=0) @ values[0, 0, : t + 1]
        x = x + mixed @ block.attention.out.weight.T
        x = x + norm(x).matmul(block.up.weight.T).relu().square() @ block.down.weight.T
    return norm(x)


def test_hidden_states_are_those_of_the_obvious_loop():
    gpt = tiny_gpt(dtype=torch.float64)
    tokens = torch.randint(300, (9,), generator=seeded("tokens")).tolist()
    found = gpt(plain(torch.tensor([tokens])))[0]
    torch.testing.assert_close(found, obvious(gpt, tokens), rtol=1e-6, atol=1e-6)


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
