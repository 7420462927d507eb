"""A judge that has learned from rankings."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from tutelage.errors import JudgeFailure
from tutelage.model.heads import RewardModel
from tutelage.rollout.trajectories import grouped
from tutelage.schema import Outcome, Trajectory, Verdict
from tutelage.text.packing import Packed, Tree, pack


class RewardModelJudge:
    """Scores trajectories with a trained reward model; same prompt, one pass over the prompt."""

    def __init__(self, model: RewardModel, pad: int, row_length: int = 192) -> None:
        self.model = model
        self.pad = pad
        self.row_length = row_length

    @torch.inference_mode()
    def score(self, trajectories: Sequence[Trajectory]) -> list[Verdict]:
        # Samples of a prompt often say the same; each different reply is read once.
        distinct = [
            (group[0], {tuple(t.tokens): t.action_mask for t in group})
            for group in grouped(trajectories)
        ]
        trees = [
            Tree(first.prompt_tokens, list(branches), branch_masks=list(branches.values()))
            for first, branches in distinct
        ]
        scores = self.score_trees(trees)
        if not torch.isfinite(scores).all():
            raise JudgeFailure("The reward model gave a score that is not a number.")
        replies = [(first.group, tokens) for first, branches in distinct for tokens in branches]
        scores_of = dict(zip(replies, scores.tolist(), strict=True))
        return [Verdict(scores_of[t.group, tuple(t.tokens)], Outcome.SUCCESS) for t in trajectories]

    def score_trees(self, trees: Sequence[Tree], at_once: int = 128) -> Tensor:
        """Score of every branch of every tree, in order: (branches,)."""
        return self._read(self.model.scores, trees, at_once)

    def features_of_trees(self, trees: Sequence[Tree], at_once: int = 128) -> Tensor:
        """What those scores are linear in, as RewardModel.features has it: (branches, D + 1)."""
        return self._read(self.model.features, trees, at_once)

    @torch.inference_mode()
    def _read(
        self, read: Callable[[Packed], Tensor], trees: Sequence[Tree], at_once: int
    ) -> Tensor:
        device = self.model.device
        rows = []
        for start in range(0, len(trees), at_once):
            packed = pack(trees[start : start + at_once], self.row_length, self.pad).to(device)
            rows.append(read(packed))
        return torch.cat(rows)
