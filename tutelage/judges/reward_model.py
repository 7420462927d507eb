"""A judge that has learned from rankings."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from tutelage.errors import JudgeFailure
from tutelage.model.heads import RewardModel
from tutelage.schema import Outcome, Trajectory, Verdict
from tutelage.text.packing import Packed, Tree, pack

Prompt = tuple[int, ...]
Reply = tuple[tuple[int, ...], tuple[bool, ...]]  # tokens, and which of them were sampled


class RewardModelJudge:
    """Scores trajectories with a trained reward model; same prompt, one pass over the prompt."""

    def __init__(self, model: RewardModel, pad: int, row_length: int = 192) -> None:
        self.model = model
        self.pad = pad
        self.row_length = row_length

    @torch.inference_mode()
    def score(self, trajectories: Sequence[Trajectory]) -> list[Verdict]:
        # Samples of a prompt often say the same; each different reply is read once.
        branches: dict[Prompt, dict[Reply, None]] = {}
        keys = [_key(t) for t in trajectories]
        for prompt, reply in keys:
            branches.setdefault(prompt, {})[reply] = None
        trees = [
            Tree(prompt, [tokens for tokens, _ in replies], None, [mask for _, mask in replies])
            for prompt, replies in branches.items()
        ]
        scores = self.score_trees(trees)
        if not torch.isfinite(scores).all():
            raise JudgeFailure("The reward model gave a score that is not a number.")
        distinct = [(prompt, reply) for prompt, replies in branches.items() for reply in replies]
        scores_of = dict(zip(distinct, scores.tolist(), strict=True))
        return [Verdict(scores_of[key], Outcome.SUCCESS) for key in keys]

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


def _key(trajectory: Trajectory) -> tuple[Prompt, Reply]:
    t = trajectory
    return tuple(t.prompt_tokens), (tuple(t.tokens), tuple(t.action_mask))
