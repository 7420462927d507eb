"""The GPT: a decoder-only transformer that trains, scores packed rows, and decodes with a cache.

Pre-norm residual blocks, rotary positions (Su et al. 2021) on half of each head, RMS norms without
weights, normalised queries and keys (Henry et al. 2020), squared ReLU (So et al. 2021), separate
input and output embeddings, the input's with a table for the token before. Half the heads of the
first layer have keys one token older than their values, so that they copy from the start. Left out
on purpose: biases and dropout (with dropout the policy that is trained would not be the policy that
was sampled).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tutelage.text.batching import Packed


@dataclass(frozen=True, kw_only=True)
class GPTConfig:
    vocabulary: int = 1024  # token ids
    context: int = 256  # longest sequence in tokens that it is trained on
    layers: int = 4
    heads: int = 4
    width: int = 192  # D, a multiple of 2 × heads

    def __post_init__(self) -> None:
        if self.width % (2 * self.heads):
            raise ValueError(
                f"width must be a multiple of 2 × heads, got width {self.width}, heads {self.heads}"
            )


class KeyValueCache:
    """Keys and values of the tokens seen so far, in `slots` preallocated places a sequence.

    keys, values: one (B, H, slots, D/H) a layer. length: how many slots are filled.
    """

    def __init__(self, config: GPTConfig, batch: int, slots: int, like: Tensor) -> None:
        shape = (config.layers, batch, config.heads, slots, config.width // config.heads)
        self.keys = torch.zeros(shape, dtype=like.dtype, device=like.device)
        self.values = torch.zeros_like(self.keys)
        self.length = 0

    def append(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Store (B, H, new, D/H) after the filled slots; return all filled ones and the new."""
        end = self.length + key.shape[2]
        self.keys[layer, :, :, self.length : end] = key
        self.values[layer, :, :, self.length : end] = value
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]

    def select(self, rows: Tensor) -> None:
        """Keep only these rows of the batch, in this order; a row may be repeated."""
        self.keys = self.keys.index_select(1, rows)
        self.values = self.values.index_select(1, rows)


def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Turn each pair (x_i, x_{i+d/2}) by its position's angle. x: (B, H, T, d)."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], dim=-1)


class Attention(nn.Module):
    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.qkv = nn.Linear(config.width, 3 * config.width, bias=False)
        self.out = nn.Linear(config.width, config.width, bias=False)

    def forward(
        self,
        x: Tensor,
        rotation: tuple[Tensor, Tensor],
        attend: Tensor | None,
        cache: KeyValueCache | None,
        layer: int,
        before: Tensor | None,
    ) -> Tensor:
        """before: (B, T, D) embeddings of the tokens before; given, half the heads make their keys
        of them, so that a token finds what followed it earlier."""
        B, T, D = x.shape
        q, k, v = self.qkv(x).view(B, T, 3, self.heads, D // self.heads).permute(2, 0, 3, 1, 4)
        if before is None:
            q, k = rotate(q, *rotation), rotate(k, *rotation)
        else:
            half = self.heads // 2
            keys = F.linear(before, self.qkv.weight[D : D + D // self.heads * half])
            keys = keys.view(B, T, half, D // self.heads).transpose(1, 2)
            q = torch.cat([q[:, :half], rotate(q[:, half:], *rotation)], dim=1)
            k = torch.cat([keys, rotate(k[:, half:], *rotation)], dim=1)
        q, k = (F.rms_norm(part, (part.shape[-1],)) for part in (q, k))
        v = v.to(q.dtype)  # under autocast the norms return float32
        if cache is not None:
            k, v = cache.append(layer, k, v)
        # Normalised q and k make the largest logit d × scale: 15 lets a head look at one token
        # only, which copying needs; the usual 1/√d stops at 7 for heads this small.
        scale = 15 / q.shape[-1]
        if T == 1:
            # One query: two plain products are three times faster here than the fused kernel.
            weights = (q @ k.transpose(-1, -2)) * scale
            if attend is not None:
                weights = weights.masked_fill(~attend, float("-inf"))
            mixed = weights.softmax(dim=-1).to(v.dtype) @ v
        else:
            mixed = F.scaled_dot_product_attention(
                q, k, v, attn_mask=attend, is_causal=attend is None, scale=scale
            )
        return self.out(mixed.transpose(1, 2).reshape(B, T, D))


class Block(nn.Module):
    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.attention = Attention(config)
        self.up = nn.Linear(config.width, 4 * config.width, bias=False)
        self.down = nn.Linear(4 * config.width, config.width, bias=False)

    def forward(
        self,
        x: Tensor,
        rotation: tuple[Tensor, Tensor],
        attend: Tensor | None,
        cache: KeyValueCache | None,
        layer: int,
        before: Tensor | None,
    ) -> Tensor:
        width = (x.shape[-1],)
        x = x + self.attention(F.rms_norm(x, width), rotation, attend, cache, layer, before)
        return x + self.down(F.relu(self.up(F.rms_norm(x, width))).square())


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
    ) -> Tensor:
        """Hidden states (B, T, D) of tokens (B, T).

        positions: (B, T), default 0…T−1. previous: (B, T, 2) the token before each and the one
        before that, default the row's own order with token 0 before the first. attend: True
        where a query (B, 1, T, keys) may look at a key, default causal. cache: keys and values of
        earlier tokens; these are added to it.
        """
        T = tokens.shape[1]
        if positions is None:
            positions = torch.arange(T, device=tokens.device)[None]
        angles = positions[:, None, :, None] * self.frequencies  # (B, 1, T, d/2)
        rotation = (angles.cos(), angles.sin())
        if previous is None:
            padded = F.pad(tokens, (2, 0))
            previous = torch.stack([padded[:, 1:-1], padded[:, :-2]], dim=2)
        # `before` is what x was one token earlier. With it as the key, one layer is enough to find
        # where the last two tokens stood and copy what followed; without it that takes two layers
        # and many times the text.
        last, second_last = previous.unbind(dim=2)
        x = F.rms_norm(self.embedding(tokens) + self.previous(last), (self.config.width,))
        before = self.embedding(last) + self.previous(second_last)
        before = F.rms_norm(before, (self.config.width,))
        for layer, block in enumerate(self.blocks):
            x = block(x, rotation, attend, cache, layer, before if layer == 0 else None)
        if cache is not None:
            cache.length += T
        return F.rms_norm(x, (self.config.width,))

    def parameter_count(self) -> int:
        return sum(parameter.numel() for parameter in self.parameters())

    def training_flops_per_token(self, length: int) -> int:
        """Multiply-adds of forward and backward, counted as two operations each (6 a weight)."""
        matrices = self.parameter_count() - 2 * self.embedding.weight.numel()
        return 6 * matrices + 6 * self.config.layers * self.config.width * length


def read_packed(gpt: GPT, packed: Packed) -> Tensor:
    """Hidden states (B, T, D) of packed rows, each sequence seeing only itself."""
    return gpt(packed.tokens, packed.positions, packed.attend(), previous=packed.previous)


def masked_logprobs(gpt: GPT, hidden: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    """Log-probability of tokens[:, t+1] at t where mask[:, t], 0 elsewhere: (B, T−1).

    Only masked positions reach the head, which for short replies is most of its work saved.
    """
    targets = tokens[:, 1:][mask]
    logits = gpt.head(hidden[:, :-1][mask])
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    chosen = -F.cross_entropy(logits, targets, reduction="none")
    return torch.zeros(mask.shape, dtype=chosen.dtype, device=chosen.device).masked_scatter(
        mask, chosen
    )
