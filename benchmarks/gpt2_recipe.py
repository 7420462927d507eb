"""The well-known small recipe for characters, as a plain loop: GPT-2's block, AdamW, a cosine."""

from __future__ import annotations

import math
import time

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEARNING_RATE, FINAL_RATE, WARM_UP, WEIGHT_DECAY = 1e-3, 1e-4, 100, 0.1
EVALUATE_EVERY, EVALUATED_BATCHES = 250, 20


class GPT2Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        B, T, D = x.shape
        qkv = self.qkv(self.norm_1(x)).view(B, T, 3, self.heads, D // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(B, T, D))
        return x + self.down(F.gelu(self.up(self.norm_2(x))))


class GPT2(nn.Module):
    """Tokens (B, T) to logits (B, T, V); input and output embeddings are one matrix."""

    def __init__(self, vocabulary: int, context: int, layers: int, heads: int, width: int) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.blocks = nn.ModuleList(GPT2Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        for name, weight in self.named_parameters():
            if weight.ndim == 2:
                residual = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * layers) if residual else 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(weight)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.tokens(tokens) + self.places(torch.arange(tokens.shape[1]))
        for block in self.blocks:
            x = block(x)
        return F.linear(self.norm(x), self.tokens.weight)


def learning_rate(step: int, steps: int) -> float:
    if step < WARM_UP:
        return LEARNING_RATE * (step + 1) / (WARM_UP + 1)
    share = (step - WARM_UP) / (steps - WARM_UP)
    return FINAL_RATE + 0.5 * (1 + math.cos(math.pi * share)) * (LEARNING_RATE - FINAL_RATE)


def train(
    model: GPT2, stream: Tensor, validation: Tensor, steps: int, batch: int, context: int
) -> float:
    """Train on random windows of `stream`; the seconds it took, its loss estimates included."""
    decayed = [p for p in model.parameters() if p.ndim == 2]
    rest = [p for p in model.parameters() if p.ndim != 2]
    optimiser = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": rest, "weight_decay": 0.0}],
        lr=LEARNING_RATE,
        betas=(0.9, 0.99),
    )

    def loss_of(source: Tensor) -> Tensor:
        starts = torch.randint(len(source) - context, (batch,)).tolist()
        rows = torch.stack([source[i : i + context + 1] for i in starts]).long()
        return F.cross_entropy(model(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())

    began = time.perf_counter()
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, steps)
        if step % EVALUATE_EVERY == 0:
            with torch.no_grad():
                for source in (stream, validation):
                    sum(loss_of(source).item() for _ in range(EVALUATED_BATCHES))
        optimiser.zero_grad(set_to_none=True)
        loss_of(stream).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    return time.perf_counter() - began
