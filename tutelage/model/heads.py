"""What stands on a language model beside its language head: a score, for the reward model and the
critic."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tutelage.model.language_model import LanguageModel, ParameterGroup, logprobs_from
from tutelage.text.packing import Packed, put_spans, take_spans


class RewardModel(nn.Module):
    """A language model that scores replies: a linear head on the hidden state at a reply's last
    token, plus `likelihood` times the mean log-probability that its language head gives the reply's
    tokens.

    The second part starts as what fine-tuning has taught (a policy finds its own slips unlikely)
    and is trained through the body; alone it would be the implicit reward of Rafailov et al. 2023,
    eq. 5, without a reference. The head starts at 0, so that chance adds nothing to it. Scores are
    shifted and scaled by what `normalise` saw.
    """

    def __init__(self, body: LanguageModel, likelihood: float = 3.0) -> None:
        super().__init__()
        self.body = body
        self.head = nn.Linear(body.width, 1, bias=False)
        nn.init.zeros_(self.head.weight)
        self.likelihood = nn.Parameter(torch.tensor(likelihood))
        self.shift: Tensor
        self.scale: Tensor
        self.register_buffer("shift", torch.zeros(()))
        self.register_buffer("scale", torch.ones(()))
        self.to(body.device)

    @property
    def device(self) -> torch.device:
        return self.body.device

    @property
    def context(self) -> int:
        return self.body.context

    def parameter_groups(self) -> list[ParameterGroup]:
        """The body's, and its own, which are read directly as scores."""
        own = ParameterGroup([self.head.weight, self.likelihood], scale=0.3)
        return [*self.body.parameter_groups(), own]

    def forward(self, packed: Packed) -> tuple[Tensor, Tensor]:
        """Scores of each branch after 0, 1, … all of its tokens, (N, L + 1), and their mask: what
        is to be expected of an unfinished reply, at last the score of the whole."""
        hidden, is_read, ends, logprobs, count = self._read(packed)
        scores = self.head(hidden.to(self.head.weight.dtype)).squeeze(-1)
        scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
        table = torch.zeros(is_read.shape, dtype=scores.dtype, device=scores.device)
        scores, mask = take_spans(table.masked_scatter(is_read, scores), ends)
        total = F.pad(logprobs.cumsum(dim=1), (1, 0))
        mean = total / F.pad(count.cumsum(dim=1), (1, 0)).clamp_min(1)
        return (scores + self.likelihood * mean - self.shift) / self.scale * mask, mask

    def features(self, packed: Packed) -> Tensor:
        """What whole branches' scores are linear in, (N, D + 1): the hidden state at the last token
        and the mean log-probability. Before `normalise`, scores = features · last_layer."""
        hidden, is_read, ends, logprobs, count = self._read(packed)
        place = is_read.flatten().cumsum(dim=0).view_as(is_read) - 1  # row of `hidden`
        last = hidden[place[ends[:, 0], ends[:, 1] + ends[:, 2] - 1]]
        mean = logprobs.sum(dim=1) / count.sum(dim=1).clamp_min(1)
        return torch.cat([last.to(mean.dtype), mean[:, None]], dim=1)

    @property
    def last_layer(self) -> Tensor:
        """Weights of `features`: (D + 1,)."""
        return torch.cat([self.head.weight[0], self.likelihood[None]])

    def _read(self, packed: Packed) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Hidden states (K, D), row by row, at prompts' last and branches' tokens; where those are,
        (B, T); spans that count the prompt's token in; log-probabilities of branches' tokens under
        the loss mask, else 0, and that mask, (N, L)."""
        ends = packed.spans + torch.tensor([0, 0, 1], device=packed.spans.device)
        lengths = torch.arange(int(ends[:, 2].max()), device=ends.device) < ends[:, 2:]
        is_read = put_spans(lengths, ends, packed.tokens.shape)
        hidden = self.body(packed, is_read)
        predicts = F.pad(packed.mask, (0, 1))[is_read]  # all but each branch's last token
        logprobs = logprobs_from(self.body, hidden[predicts], packed)
        kind = torch.promote_types(hidden.dtype, torch.float32)
        table = torch.zeros(packed.mask.shape, dtype=logprobs.dtype, device=hidden.device)
        per_token, _ = take_spans(table.masked_scatter(packed.mask, logprobs), packed.spans)
        count, _ = take_spans(packed.mask, packed.spans)
        return hidden, is_read, ends, per_token.to(kind), count

    def scores(self, packed: Packed) -> Tensor:
        """Score of each whole branch, (N,) in the order of packed.spans."""
        return last_of(*self(packed))

    def unnormalise(self) -> None:
        """Scores as they were trained, before any `normalise`."""
        self.shift.zero_()
        self.scale.fill_(1.0)

    def normalise(self, scores: Tensor) -> None:
        """Make these scores (which this model gave) have mean 0 and deviation 1 from now on."""
        self.shift += scores.mean() * self.scale
        self.scale *= scores.std().clamp_min(1e-6)


def last_of(values: Tensor, mask: Tensor) -> Tensor:
    """The last value of each row under its mask, which has no gaps: (N,)."""
    return values.gather(1, mask.sum(dim=1, keepdim=True) - 1)[:, 0]


def new_critic(model: LanguageModel) -> RewardModel:
    """A copy of the model that finds everything worth 0."""
    return RewardModel(copy.deepcopy(model), 0.0)
