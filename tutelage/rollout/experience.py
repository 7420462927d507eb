"""What was decided and what came of it: the one form from which every algorithm learns.

Steps lie in rows, (N, L), an episode or several in a row, padded under a mask. Decisions are the
same steps in the order (K,) in which the policy scores them; only `Inputs` knows that order.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from tutelage.policies.policy import Inputs


@dataclass
class Experience:
    """Episodes as they came.

    mask, logprobs (the behaviour policy's), rewards: (N, L). reference_logprobs: (N, L), where a
    reference prices the distance from it. proximal_logprobs: (N, L), of the policy as it is
    trained, scored once before the update, where the rollout was sampled in another number format
    or by a server. values: (N, L) the critic's of each step's state;
    next_values: of the state after it, 0 where the episode terminated, the critic's where it was
    truncated; terminated: whether the episode came to its end in the step, not to its time limit;
    continues: whether the next step of the row belongs to the same episode; midway: (N,)
    whether the row's first step is in the middle of an episode. samples: rows that began alike,
    side by side.
    """

    inputs: Inputs
    mask: Tensor
    logprobs: Tensor
    rewards: Tensor
    reference_logprobs: Tensor | None = None
    values: Tensor | None = None
    next_values: Tensor | None = None
    terminated: Tensor | None = None
    continues: Tensor | None = None
    midway: Tensor | None = None
    proximal_logprobs: Tensor | None = None
    samples: int = 1

    @property
    def old_logprobs(self) -> Tensor:
        """Of the policy as it is trained, before the update."""
        return self.logprobs if self.proximal_logprobs is None else self.proximal_logprobs
