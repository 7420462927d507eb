"""Every loss's gradient against finite differences in float64.

A loss of numbers is checked number by number; a loss of a network along one random direction of
each of its weight tensors.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from tutelage.algorithms import functional
from tutelage.device import seeded
from tutelage.model.heads import RewardModel
from tutelage.model.language_model import imitation_loss
from tutelage.policies.language import LanguagePolicy, Replies
from tutelage.proof.enumerable import PROMPT, new_gpt, small_world, token_logprobs
from tutelage.proof.finding import Measured, claim, same_gradient
from tutelage.text.packing import Packed, Tree, pack

_STEP = 1e-5  # of the central difference: its error is of the order of the square
_TOLERANCE = 1e-6  # of the gradient's length
_SHAPE = (6, 8)


@claim("G19", "The clipped surrogate's gradient is what finite differences give.")
def clipped_surrogate() -> Measured:
    advantages = _draw("advantages")
    return _by_number("log ratio", lambda x: functional.clipped_surrogate(0.3 * x, advantages, 0.2))


@claim("G19", "The surrogate with a KL penalty's gradient is what finite differences give.")
def penalised_surrogate() -> Measured:
    advantages = _draw("advantages")
    return _by_number("log ratio", lambda x: functional.penalised_surrogate(x, advantages, 0.7))


@claim("G19", "The clipped value loss's gradient is what finite differences give.")
def clipped_value_loss() -> Measured:
    old, returns = _draw("old values"), _draw("returns")
    return _by_number(
        "values", lambda x: functional.clipped_value_loss(old + 0.3 * x, old, returns, 0.2)
    )


@claim("G19", "The KL estimator k1's gradient is what finite differences give.")
def kl_k1() -> Measured:
    reference = _draw("reference")
    return _by_number("logprobs", lambda x: functional.kl_k1(x, reference))


@claim("G19", "The KL estimator k2's gradient is what finite differences give.")
def kl_k2() -> Measured:
    reference = _draw("reference")
    return _by_number("logprobs", lambda x: functional.kl_k2(x, reference))


@claim("G19", "The KL estimator k3's gradient is what finite differences give.")
def kl_k3() -> Measured:
    reference = _draw("reference")
    return _by_number("logprobs", lambda x: functional.kl_k3(x, reference))


@claim("G19", "The Bradley–Terry loss's gradient is what finite differences give.")
def bradley_terry_loss() -> Measured:
    """With ties, and with prompts that have fewer responses."""
    ranks = torch.randint(4, _SHAPE, generator=seeded("exact", "ranks"))
    mask = torch.arange(_SHAPE[1]) < torch.arange(2, 2 + _SHAPE[0])[:, None]
    return _by_number("scores", lambda x: functional.bradley_terry_loss(x, ranks, mask))


@claim("G19", "The imitation loss's gradient is what finite differences give.")
def imitation() -> Measured:
    model = new_gpt(small_world().vocabulary, "imitates")
    packed = _some_replies()
    return _by_direction(model, lambda: imitation_loss(model, packed))


@claim("G19", "The clipped surrogate's gradient through a GPT is what finite differences give.")
def surrogate_of_a_gpt() -> Measured:
    """Some ratios are clipped and some are not: the samples are another policy's."""
    world = small_world()
    packed = _some_replies()
    model = new_gpt(world.vocabulary, "surrogate")
    with torch.no_grad():
        old = token_logprobs(new_gpt(world.vocabulary, "sampler"), packed)
    advantages = _draw("advantages of replies", *old.shape)
    return _by_direction(
        model,
        lambda: functional.clipped_surrogate(
            token_logprobs(model, packed) - old, advantages, 0.5
        ).mean(),
    )


@claim(
    "G19",
    "The Bradley–Terry loss's gradient through a reward model is what finite differences give.",
)
def ranking_by_a_reward_model() -> Measured:
    model, packed = _reward_model("grades"), _some_replies()
    ranks = torch.tensor([[0, 1, 2], [0, 0, 1]])
    mask = torch.ones(2, 3, dtype=torch.bool)
    return _by_direction(
        model,
        lambda: functional.bradley_terry_loss(model.scores(packed).view(2, 3), ranks, mask),
    )


@claim("G19", "The clipped value loss's gradient through a critic is what finite differences give.")
def value_loss_of_a_critic() -> Measured:
    model, packed = _reward_model("critic"), _some_replies()
    policy = LanguagePolicy(model.body, model)
    with torch.no_grad():
        old = policy.values(Replies(packed))
    old = old + 0.1 * _draw("moved", len(old))
    returns = _draw("returns of replies", len(old))

    def loss() -> Tensor:
        values = policy.values(Replies(packed))
        return functional.clipped_value_loss(values, old, returns, 0.1).mean()

    return _by_direction(model, loss)


def _draw(*what: object) -> Tensor:
    """Standard normal numbers of a seed. Numbers in `what` are their shape, _SHAPE without one."""
    shape = [part for part in what if isinstance(part, int)] or list(_SHAPE)
    return torch.randn(shape, generator=seeded("exact", *what), dtype=torch.float64)


def _some_replies() -> Packed:
    """Two prompts with three replies each, of different lengths, two trees to a row."""
    trees = [
        Tree([PROMPT, 2], [[1, 3, 2], [3], [2, 2, 0, 1]]),
        Tree([PROMPT], [[1, 0], [1, 1, 3], [3, 0, 2]]),
    ]
    return pack(trees, 64, PROMPT)


def _reward_model(name: str) -> RewardModel:
    model = RewardModel(new_gpt(small_world().vocabulary, name)).double()
    nn.init.normal_(model.head.weight, generator=seeded("exact", name, "head"))
    return model


def _by_number(name: str, losses: Callable[[Tensor], Tensor]) -> Measured:
    """The gradient of a weighted sum of the losses, against a difference for each number."""
    x = _draw(name)

    def loss(x: Tensor) -> Tensor:
        values = losses(x)
        return (values * (_draw("weights") if values.dim() else 1.0)).sum()

    x.requires_grad_()
    (analytic,) = torch.autograd.grad(loss(x), x)
    x = x.detach()
    numerical = torch.zeros_like(x)
    for place in range(x.numel()):
        moved = torch.zeros_like(x)
        moved.view(-1)[place] = _STEP
        numerical.view(-1)[place] = (loss(x + moved) - loss(x - moved)) / (2 * _STEP)
    return same_gradient(numerical, analytic, _TOLERANCE)


def _by_direction(model: nn.Module, loss: Callable[[], Tensor]) -> Measured:
    """The gradient along a random direction of each weight tensor, against a difference."""
    weights = list(model.parameters())
    generator = seeded("exact", "directions")
    drawn = [torch.randn(w.shape, generator=generator, dtype=w.dtype) for w in weights]
    directions = [direction / direction.norm() for direction in drawn]
    gradients = torch.autograd.grad(loss(), weights)
    analytic = [(g * d).sum() for g, d in zip(gradients, directions, strict=True)]
    numerical = []
    with torch.no_grad():
        for weight, direction in zip(weights, directions, strict=True):
            start = weight.clone()
            weight.copy_(start + _STEP * direction)
            ahead = loss()
            weight.copy_(start - _STEP * direction)
            numerical.append((ahead - loss()) / (2 * _STEP))
            weight.copy_(start)
    return same_gradient(torch.stack(numerical), torch.stack(analytic), _TOLERANCE)
