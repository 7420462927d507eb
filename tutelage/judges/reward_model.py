"""A judge that has learned from rankings: the score of a reply at its last token."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tutelage.errors import JudgeFailure
from tutelage.model.gpt import read_packed
from tutelage.model.heads import RewardModel
from tutelage.rollout.collect import grouped
from tutelage.schema import Outcome, Trajectory, Verdict
from tutelage.text.batching import Packed, Tree, pack, take_spans


def branch_scores(model: RewardModel, packed: Packed) -> Tensor:
    """Score of each branch at its last token, (N,) in the order of packed.spans."""
    rows, starts, lengths = packed.spans.unbind(1)
    ends = torch.zeros_like(packed.tokens, dtype=torch.bool)
    ends[rows, starts + lengths] = True
    scores = model.score(read_packed(model.gpt, packed, keep=ends))  # row by row
    order = (rows * packed.tokens.shape[1] + starts).argsort()
    return scores[order.argsort()]


def prefix_scores(model: RewardModel, packed: Packed) -> tuple[Tensor, Tensor]:
    """Scores of each branch after 0, 1, … all of its tokens, (N, L + 1), and their mask."""
    hidden = read_packed(model.gpt, packed)
    spans = packed.spans + torch.tensor([0, 0, 1], device=packed.spans.device)
    return take_spans(model.score(hidden), spans)


class RewardModelJudge:
    """Scores trajectories with a trained reward model; same prompt, one pass over the prompt."""

    def __init__(self, model: RewardModel, pad: int, row_length: int = 192) -> None:
        self.model = model
        self.pad = pad
        self.row_length = row_length

    @torch.inference_mode()
    def score(self, trajectories: Sequence[Trajectory]) -> list[Verdict]:
        groups = grouped(trajectories)
        scores = self.score_trees(
            [Tree(g[0].prompt_tokens, [t.response_tokens for t in g]) for g in groups]
        )
        if not torch.isfinite(scores).all():
            raise JudgeFailure("The reward model gave a score that is not a number.")
        ordered = [trajectory for group in groups for trajectory in group]
        by_identity = dict(zip(map(id, ordered), scores.tolist(), strict=True))
        return [Verdict(by_identity[id(t)], Outcome.SUCCESS) for t in trajectories]

    @torch.inference_mode()
    def score_trees(self, trees: Sequence[Tree], at_once: int = 128) -> Tensor:
        """Score of every branch of every tree, in order: (branches,)."""
        device = self.model.gpt.embedding.weight.device
        scores = []
        for start in range(0, len(trees), at_once):
            packed = pack(trees[start : start + at_once], self.row_length, self.pad).to(device)
            scores.append(branch_scores(self.model, packed))
        return torch.cat(scores)
