"""The GPT: a decoder-only transformer that trains, scores packed rows, and decodes with a cache.

Pre-norm residual blocks, rotary positions (Su et al. 2021) on half of each head, RMS norms without
weights, normalised queries and keys (Henry et al. 2020), squared ReLU (So et al. 2021), separate
input and output embeddings, the input's with a table for the token before. Half the heads of the
first layer have keys one token older than their values, so that they copy from the start. Left out
on purpose: biases and dropout (with dropout the policy that is trained would not be the policy that
was sampled).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tutelage.config import require
from tutelage.model.fused import normalise_and_rotate, rms_norm, squared_relu
from tutelage.text.batching import Packed


@dataclass(frozen=True, kw_only=True)
class GPTConfig:
    vocabulary: int = 1024  # token ids
    context: int = 256  # longest sequence in tokens that it is trained on
    layers: int = 4
    heads: int = 4
    width: int = 192  # D, a multiple of 2 × heads

    def __post_init__(self) -> None:
        require(self, "above 0", "vocabulary", "context", "layers", "heads", "width")
        if self.width % (2 * self.heads):
            raise ValueError(
                f"width must be a multiple of 2 × heads, got width {self.width}, heads {self.heads}"
            )


class KeyValueCache:
    """Keys and values of the tokens seen so far, in `slots` preallocated places a sequence.

    keys, values: (layers, B, H, slots, D/H). length: how many slots are filled.
    """

    def __init__(self, config: GPTConfig, batch: int, slots: int, like: Tensor) -> None:
        shape = (config.layers, batch, config.heads, slots, config.width // config.heads)
        self.keys = torch.empty(shape, dtype=like.dtype, device=like.device)
        self.values = torch.empty_like(self.keys)
        self.length = 0

    def append(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Store (B, H, new, D/H) after the filled slots; return all filled ones and the new."""
        end = self.length + key.shape[2]
        self.keys[layer, :, :, self.length : end] = key
        self.values[layer, :, :, self.length : end] = value
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]

    def fill(self, source: KeyValueCache) -> None:
        """Take over what `source` holds, each of its sequences as often as this has room for."""
        for mine, theirs in ((self.keys, source.keys), (self.values, source.values)):
            copies = mine.unflatten(1, (theirs.shape[1], -1))
            copies[..., : source.length, :] = theirs[:, :, None, :, : source.length]
        self.length = source.length

    def move(self, here: Sequence[int], there: Sequence[int], rows: int) -> None:
        """Overwrite rows `here` by rows `there`, then keep the first `rows` only."""
        for array in (self.keys, self.values):
            for to, source in zip(here, there, strict=True):
                array[:, to, :, : self.length] = array[:, source, :, : self.length]
        self.keys, self.values = self.keys[:, :rows], self.values[:, :rows]


class Attention(nn.Module):
    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.qkv = nn.Linear(config.width, 3 * config.width, bias=False)
        self.out = nn.Linear(config.width, config.width, bias=False)

    def forward(
        self,
        x: Tensor,
        turns: Tensor,
        attend: Tensor | None,
        cache: KeyValueCache | None,
        layer: int,
        before: Tensor | None,
    ) -> Tensor:
        """What each token gathers, (B, T, D), before `out`.

        before: (B, T, D) embeddings of the tokens before; given, half the heads make their keys
        of them, so that a token finds what followed it earlier.
        """
        B, T, D = x.shape
        qkv = self.qkv(x).view(B, T, 3, self.heads, D // self.heads)
        if before is not None:
            half = self.heads // 2
            keys = F.linear(before, self.qkv.weight[D : D + D // self.heads * half])
            qkv[:, :, 1, :half] = keys.view(B, T, half, D // self.heads)
        q, k, v = normalise_and_rotate(qkv, turns)
        if cache is not None:
            k, v = cache.append(layer, k, v)
        # Normalised q and k make the largest logit d × scale: 15 lets a head look at one token
        # only, which copying needs; the usual 1/√d stops at 7 for heads this small.
        scale = 15 / q.shape[-1]
        if T == 1:
            # One query: two plain products are three times faster here than the fused kernel.
            weights = (q @ k.transpose(-1, -2)) * scale
            if attend is not None:
                weights = weights + attend
            mixed = weights.softmax(dim=-1).to(v.dtype) @ v
        else:
            mixed = F.scaled_dot_product_attention(
                q, k, v, attn_mask=attend, is_causal=attend is None, scale=scale
            )
        return mixed.transpose(1, 2).reshape(B, T, D)


class Block(nn.Module):
    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.attention = Attention(config)
        self.up = nn.Linear(config.width, 4 * config.width, bias=False)
        self.down = nn.Linear(4 * config.width, config.width, bias=False)

    def forward(
        self,
        x: Tensor,
        turns: Tensor,
        attend: Tensor | None,
        cache: KeyValueCache | None,
        layer: int,
        before: Tensor | None,
        keep: Tensor | None,
    ) -> Tensor:
        mixed = self.attention(rms_norm(x), turns, attend, cache, layer, before)
        if keep is not None:  # from here on a position needs nothing but itself
            x, mixed = x[keep], mixed[keep]
        x = x + self.attention.out(mixed)
        return x + self.down(squared_relu(self.up(rms_norm(x))))


class GPT(nn.Module):
    """Tokens (B, T) to hidden states (B, T, D); `head` turns hidden states into logits (…, V)."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary, config.width)
        self.previous = nn.Embedding(config.vocabulary, config.width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.head = nn.Linear(config.width, config.vocabulary, bias=False)
        half = config.width // config.heads // 2
        turning = half // 2  # the other half of each head matches content wherever it stands
        frequencies = torch.zeros(half)
        frequencies[:turning] = (1 / 1024) ** torch.linspace(0, 1, turning)
        self.register_buffer("frequencies", frequencies, persistent=False)
        self.frequencies: Tensor

    def initialise(self, generator: torch.Generator) -> GPT:
        """Weights from `generator`: matrices uniform with deviation 1/√D, residual outputs and
        the head zero, so that the network starts as the identity and uniform predictions."""
        bound = 3**0.5 * self.config.width**-0.5
        for name, weight in sorted(self.named_parameters()):
            if name.endswith(("out.weight", "down.weight", "head.weight")):
                nn.init.zeros_(weight)
            elif name == "embedding.weight":
                nn.init.normal_(weight, std=1.0, generator=generator)
            elif name == "previous.weight":
                nn.init.normal_(weight, std=0.7, generator=generator)
            else:
                nn.init.uniform_(weight, -bound, bound, generator=generator)
        D = self.config.width
        block = self.blocks[0]
        assert isinstance(block, Block)
        # The heads whose keys are the tokens before start with query and key alike: from the
        # first step each token looks at what followed it earlier.
        qkv = block.attention.qkv.weight.data
        qkv[D : D + D // 2] = qkv[: D // 2]
        return self

    def forward(
        self,
        tokens: Tensor,
        positions: Tensor | None = None,
        attend: Tensor | None = None,
        cache: KeyValueCache | None = None,
        previous: Tensor | None = None,
        keep: Tensor | None = None,
    ) -> Tensor:
        """Hidden states (B, T, D) of tokens (B, T), or (K, D) of the K positions to keep.

        positions: (B, T), default 0…T−1. previous: (B, T, 2) the token before each and the one
        before that, default the row's own order with token 0 before the first. attend: True
        where a query (B, 1, T, keys) may look at a key, default causal. cache: keys and values of
        earlier tokens; these are added to it. keep: (B, T), True where the result is needed.
        """
        T = tokens.shape[1]
        if positions is None:
            positions = torch.arange(T, device=tokens.device)[None]
        angles = positions[:, :, None, None, None] * self.frequencies  # (B, T, 1, 1, d/2)
        turns = torch.polar(torch.ones_like(angles), angles)
        if previous is None:
            padded = F.pad(tokens, (2, 0))
            previous = torch.stack([padded[:, 1:-1], padded[:, :-2]], dim=2)
        # `before` is what x was one token earlier. With it as the key, one layer is enough to find
        # where the last two tokens stood and copy what followed; without it that takes two layers
        # and many times the text.
        last, second_last = previous.unbind(dim=2)
        x = rms_norm(self.embedding(tokens) + self.previous(last))
        if attend is not None:  # once for all layers
            attend = torch.zeros_like(attend, dtype=x.dtype).masked_fill_(~attend, float("-inf"))
        before = rms_norm(self.embedding(last) + self.previous(second_last))
        # Heads that look one token back match by content alone.
        unturned = torch.ones_like(turns).expand(-1, -1, -1, self.config.heads // 2, -1)
        turned = turns.expand(-1, -1, -1, self.config.heads - self.config.heads // 2, -1)
        first_turns = torch.cat([unturned, turned], dim=3)
        final = len(self.blocks) - 1
        for layer, block in enumerate(self.blocks):
            first = layer == 0
            x = block(
                x,
                first_turns if first else turns,
                attend,
                cache,
                layer,
                before if first else None,
                keep if layer == final else None,
            )
        if cache is not None:
            cache.length += T
        return rms_norm(x)

    def parameter_count(self) -> int:
        return sum(parameter.numel() for parameter in self.parameters())

    def training_flops_per_token(self, length: int) -> int:
        """Multiply-adds of forward and backward, counted as two operations each (6 a weight)."""
        matrices = self.parameter_count() - 2 * self.embedding.weight.numel()
        return 6 * matrices + 6 * self.config.layers * self.config.width * length


def read_packed(gpt: GPT, packed: Packed, keep: Tensor | None = None) -> Tensor:
    """Hidden states of packed rows, each sequence seeing only itself: (B, T, D), or (K, D) of the
    positions under keep, (B, T)."""
    return gpt(
        packed.tokens, packed.positions, packed.attend(), previous=packed.previous, keep=keep
    )


def read_branches(gpt: GPT, packed: Packed) -> Tensor:
    """Hidden states (K, D) that predict the K tokens under packed.mask, row by row."""
    return read_packed(gpt, packed, F.pad(packed.mask, (0, 1)))


def branch_logits(gpt: GPT, hidden: Tensor) -> Tensor:
    """(K, V), in float32 at least."""
    logits = gpt.head(hidden)
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


def branch_logprobs(gpt: GPT, hidden: Tensor, packed: Packed) -> Tensor:
    """Log-probabilities (K,) of the tokens under packed.mask, from what read_branches returned."""
    actions = packed.tokens[:, 1:][packed.mask]
    return -F.cross_entropy(branch_logits(gpt, hidden), actions, reduction="none")


def imitation_loss(gpt: GPT, packed: Packed) -> Tensor:
    """Mean negative log-probability of the tokens under packed.mask."""
    return -branch_logprobs(gpt, read_branches(gpt, packed), packed).mean()
