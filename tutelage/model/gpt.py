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

from tutelage.config import require
from tutelage.model.fused import at_least_float32, normalise_and_rotate, rms_norm, squared_relu
from tutelage.model.language_model import Cache, LanguageModel, ParameterGroup
from tutelage.text.packing import Packed


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


class Attention(nn.Module):
    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.qkv = nn.Linear(config.width, 3 * config.width, bias=False)
        self.out = nn.Linear(config.width, config.width, bias=False)

    def forward(
        self,
        x: Tensor,
        rotations: Tensor,
        attend: Tensor | None,
        cache: Cache | None,
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
        q, k, v = normalise_and_rotate(qkv, rotations)
        if cache is not None:
            k, v = cache.append(layer, k, v)
        # Normalised q and k make the largest logit d × scale: 15 lets a head look at one token
        # only, which copying needs; the usual 1/√d stops at 7 for heads this small.
        scale = 15 / q.shape[-1]
        if _plain_is_faster(q):
            if attend is None:
                attend = torch.full((T, T), -torch.inf, device=q.device).triu(1)
            weights = torch.add(attend.to(q.dtype), q @ k.transpose(-1, -2), alpha=scale)
            mixed = weights.softmax(dim=-1).to(v.dtype) @ v
        else:
            mixed = F.scaled_dot_product_attention(
                q, k, v, attn_mask=attend, is_causal=attend is None, scale=scale
            )
        return mixed.transpose(1, 2).reshape(B, T, D)


def _plain_is_faster(q: Tensor) -> bool:
    """Whether two products beat the fused kernel on a processor: for one query in float32, up to
    three times; in bfloat16 for some hundred queries, twice, while one query would copy the cache.
    With gradients as without: by another way the log-probabilities would round otherwise."""
    T = q.shape[2]
    return q.device.type == "cpu" and (1 < T <= 256 if q.dtype == torch.bfloat16 else T == 1)


class Block(nn.Module):
    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.attention = Attention(config)
        self.up = nn.Linear(config.width, 4 * config.width, bias=False)
        self.down = nn.Linear(4 * config.width, config.width, bias=False)

    def forward(
        self,
        x: Tensor,
        rotations: Tensor,
        attend: Tensor | None,
        cache: Cache | None,
        layer: int,
        before: Tensor | None,
        keep: Tensor | None,
    ) -> Tensor:
        mixed = self.attention(rms_norm(x), rotations, attend, cache, layer, before)
        if keep is not None:  # from here on a position needs nothing but itself
            x, mixed = x[keep], mixed[keep]
        x = x + self.attention.out(mixed)
        return x + self.down(squared_relu(self.up(rms_norm(x))))


class GPT(LanguageModel):
    """Tokens to hidden states; `head` turns hidden states into logits."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.config = config
        self.context, self.vocabulary, self.width = config.context, config.vocabulary, config.width
        self.embedding = nn.Embedding(config.vocabulary, config.width)
        self.previous = nn.Embedding(config.vocabulary, config.width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.head = nn.Linear(config.width, config.vocabulary, bias=False)
        half = config.width // config.heads // 2
        rotated = half // 2  # the other half of each head matches content wherever it stands
        frequencies = torch.zeros(half)
        frequencies[:rotated] = (1 / 1024) ** torch.linspace(0, 1, rotated)
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

    def forward(self, packed: Packed, keep: Tensor | None = None) -> Tensor:
        attend = packed.attend()
        positions = packed.positions if attend is not None else packed.positions[:1]  # all alike
        recent = preceding(packed.tokens, positions, attend)
        return self._pass(packed.tokens, positions, recent, attend, keep=keep)

    def logits(self, hidden: Tensor) -> Tensor:
        return at_least_float32(F.linear(hidden, self.head.weight.to(hidden.dtype)))

    def read(self, prompts: Tensor, lengths: Tensor) -> tuple[Tensor, Cache]:
        B, T = prompts.shape
        config, index = self.config, torch.arange(T, device=prompts.device)
        width = config.width // config.heads
        cache = Cache.empty(config.layers, B, config.heads, T, width, self.embedding.weight)
        cache.usable, cache.positions = index < lengths[:, None], lengths
        padded = F.pad(prompts, (2, 0))
        recent = torch.stack([padded[:, 1:-1], padded[:, :-2]], dim=2)
        hidden = self._pass(prompts, index[None], recent, None, cache)
        cache.rows["recent"] = padded.gather(
            1, lengths[:, None] + torch.tensor([1, 0], device=index.device)
        )
        return hidden[torch.arange(B, device=prompts.device), lengths - 1], cache

    def extend(self, tokens: Tensor, cache: Cache) -> Tensor:
        attend = cache.usable[:, None, None, : cache.length + 1]
        recent = cache.rows["recent"]
        hidden = self._pass(
            tokens[:, None], cache.positions[:, None], recent[:, None], attend, cache
        )
        cache.rows["recent"] = torch.stack([tokens, recent[:, 0]], dim=1)
        cache.positions = cache.positions + 1
        return hidden[:, 0]

    def _pass(
        self,
        tokens: Tensor,
        positions: Tensor,
        recent: Tensor,
        attend: Tensor | None,
        cache: Cache | None = None,
        keep: Tensor | None = None,
    ) -> Tensor:
        """Hidden states (B, T, D) of tokens (B, T), or (K, D) of the K positions to keep.

        positions: (B or 1, T). recent: (B, T, 2) the token before each and the one before that, 0
        before the first. attend: True where a query (B, 1, T, keys) may look at a key, default
        causal. cache: keys and values of earlier tokens; these are added to it.
        """
        frequencies = at_least_float32(self.frequencies)
        angles = positions[:, :, None, None, None] * frequencies  # (B, T, 1, 1, d/2)
        rotations = torch.polar(torch.ones_like(angles), angles)
        # `before` is what x was one token earlier. With it as the key, one layer is enough to find
        # where the last two tokens stood and copy what followed; without it that takes two layers
        # and many times the text.
        last, second_last = recent.unbind(dim=2)
        x = rms_norm(self.embedding(tokens) + self.previous(last))
        if attend is not None:  # once for all layers
            attend = torch.zeros_like(attend, dtype=x.dtype).masked_fill_(~attend, float("-inf"))
        before = rms_norm(self.embedding(last) + self.previous(second_last))
        # Heads that look one token back match by content alone.
        half = self.config.heads // 2
        still = torch.ones_like(rotations).expand(-1, -1, -1, half, -1)
        rotated = rotations.expand(-1, -1, -1, self.config.heads - half, -1)
        first_rotations = torch.cat([still, rotated], dim=3)
        final = len(self.blocks) - 1
        for layer, block in enumerate(self.blocks):
            first = layer == 0
            x = block(
                x,
                first_rotations if first else rotations,
                attend,
                cache,
                layer,
                before if first else None,
                keep if layer == final else None,
            )
        if cache is not None:
            cache.length += tokens.shape[1]
        return rms_norm(x)

    def parameter_groups(self) -> list[ParameterGroup]:
        """Rows of an embedding are met rarely and have deviation 1, so they take longer steps; the
        head is read directly as logits, so it takes shorter ones."""
        blocks = [block for block in self.blocks if isinstance(block, Block)]
        fused: list[Tensor] = [block.attention.qkv.weight for block in blocks]
        matrices: list[Tensor] = []
        for block in blocks:
            matrices += [block.attention.out.weight, block.up.weight, block.down.weight]
        return [
            ParameterGroup(fused, muon=True, parts=3),
            ParameterGroup(matrices, muon=True),
            ParameterGroup([self.embedding.weight, self.previous.weight], scale=5.0),
            ParameterGroup([self.head.weight], scale=0.3),
        ]


def preceding(tokens: Tensor, positions: Tensor, attend: Tensor | None) -> Tensor:
    """The token before each in its own sequence and the one before that, 0 before the first:
    (B, T, 2). positions: (B, T); attend: (B, 1, T, T) or None, as in Packed."""
    if attend is None:
        padded = F.pad(tokens, (2, 0))
        return torch.stack([padded[:, 1:-1], padded[:, :-2]], dim=2)
    # Of the tokens that one attends to, each has a place of its own in the sequence.
    is_before = attend[:, 0] & (positions[:, None, :] == positions[:, :, None] - 1)
    index = is_before.int().argmax(dim=2)
    last = tokens.gather(1, index) * (positions > 0)
    second_last = last.gather(1, index) * (positions > 1)
    return torch.stack([last, second_last], dim=2)
