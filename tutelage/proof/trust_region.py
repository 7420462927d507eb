"""TRPO's step: along the natural gradient, and not farther than it may."""

from __future__ import annotations

import torch
from torch import Tensor

from tutelage.algorithms import trpo
from tutelage.algorithms.batch import Batch
from tutelage.device import seeded
from tutelage.model.mlp import mlp
from tutelage.policies.control import CategoricalActor, ControlPolicy, Transitions
from tutelage.policies.language import LanguagePolicy, Replies
from tutelage.proof.enumerable import new_gpt, pack_sequences, small_world
from tutelage.proof.finding import Measured, at_most, claim, same_gradient

_STATES, _ACTIONS, _MAX_KL = 300, 3, 0.01


@claim("G15", "The Fisher-vector product is the dense Fisher matrix times the vector.")
def fisher_vector_product() -> Measured:
    """Against the Fisher matrix written out, Σ_s Σ_a π(a|s) ∇log π ∇log πᵀ / S."""
    policy = new_policy()
    every, _ = new_batch(policy)
    few = 20  # states; each takes a gradient an action
    inputs = Transitions(every.observations[:few], every.actions[:few], every.mask[:few])
    parameters = list(policy.actor.parameters())
    dense = torch.zeros(())
    for observation in inputs.observations:
        logprobs = policy.actor(observation[None]).logits.log_softmax(dim=-1)[0]
        for action in range(_ACTIONS):
            score = trpo.flat(torch.autograd.grad(logprobs[action], parameters, retain_graph=True))
            dense = dense + logprobs[action].exp().detach() * torch.outer(score, score) / few
    vector = torch.randn(len(dense), generator=seeded("exact", "vector"), dtype=torch.float64)
    product = policy.fisher(inputs)(vector)
    return same_gradient((dense @ vector).tolist(), product.tolist(), 1e-9)


@claim("G15", "So is that of a GPT, over the tokens of replies.")
def fisher_vector_product_of_a_gpt() -> Measured:
    """For every prefix of the enumerable world, against the Fisher matrix written out over all
    tokens that may come next."""
    world = small_world()
    gpt = new_gpt(world.vocabulary, "trust region")
    policy = LanguagePolicy(gpt)
    # two branches hold seven prefixes of different lengths; each takes a gradient a token
    inputs = Replies(pack_sequences(world.sequences[[27, 228]]))
    parameters = list(gpt.parameters())
    logprobs = policy.distribution(inputs).logits.log_softmax(dim=-1)
    gradients = [
        trpo.flat(torch.autograd.grad(logprob, parameters, retain_graph=True))
        for logprob in logprobs.flatten()
    ]
    scores = torch.stack(gradients)
    chances = logprobs.detach().exp().flatten() / len(logprobs)
    vector = torch.randn(scores.shape[1], generator=seeded("exact", "vector"), dtype=torch.float64)
    product = policy.fisher(inputs)(vector)
    return same_gradient(scores.T @ (chances * (scores @ vector)), product, 1e-9)


@claim("G15", "TRPO's step moves the policy by a KL of at most δ.")
def step_stays_in_the_region() -> Measured:
    """The mean over states of KL(old‖new), summed over the actions."""
    policy = new_policy()
    before, after = _stepped(policy, *new_batch(policy))
    kl = (before.exp() * (before - after)).sum(dim=-1).mean()
    return at_most(_MAX_KL, kl.item())


@claim("G15", "TRPO's step makes the surrogate better.")
def step_improves_the_surrogate() -> Measured:
    """Minus the gain in E ratio·A is below 0."""
    policy = new_policy()
    inputs, batch = new_batch(policy)
    before, after = _stepped(policy, inputs, batch)
    ratio = (after - before).gather(1, inputs.actions[:, None]).exp()[:, 0]
    advantages = batch.advantages - batch.advantages.mean()
    gain = ((ratio - 1) * advantages).mean()
    return at_most(-1e-3, -gain.item())


def new_policy() -> ControlPolicy:
    generator = seeded("exact", "trust region")
    network = mlp((4, 8, _ACTIONS), generator, last_gain=0.5)
    return ControlPolicy(CategoricalActor(network), mlp((4, 8, 1), generator)).double()


def new_batch(policy: ControlPolicy) -> tuple[Transitions, Batch]:
    """A decision in each of many states; the first action is worth more, by chance or not."""
    generator = seeded("exact", "states")
    observations = torch.randn(_STATES, 4, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        distribution = policy.actor(observations)
        actions = distribution.choose(distribution.noise(1, generator)[0])
        logprobs = distribution.logprobs(actions)
    noise = torch.randn(_STATES, generator=generator, dtype=torch.float64)
    worth = (actions == 0).double() + 0.5 * noise
    inputs = Transitions(observations, actions, torch.ones(_STATES, 1, dtype=torch.bool))
    values = torch.zeros(_STATES, dtype=torch.float64)
    return inputs, Batch(inputs, logprobs, worth, values=values, returns=worth)


def _stepped(policy: ControlPolicy, inputs: Transitions, batch: Batch) -> tuple[Tensor, Tensor]:
    """Log-probabilities (S, A) of every action before and after an update."""

    def logprobs() -> Tensor:
        return policy.actor(inputs.observations).logits.log_softmax(dim=-1).detach()

    before = logprobs()
    trpo.TRPO(policy, trpo.TRPOConfig(max_kl=_MAX_KL)).update(batch, seeded("exact", "update"))
    return before, logprobs()
