"""Reinforcement in an environment: play, credit, update."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from gymnasium.spaces import Box
from gymnasium.vector import VectorEnv
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from tutelage.algorithms import Algorithm
from tutelage.config import from_table, require
from tutelage.device import seed_number, seeded
from tutelage.environments import make_environments
from tutelage.environments.grid import grid_policy, reads_instructions
from tutelage.errors import BadInput, ContractBroken
from tutelage.model.optimiser import set_learning_rate
from tutelage.policies.control import (
    CategoricalActor,
    ControlPolicy,
    Networks,
    QActor,
    Transitions,
    new_policy,
)
from tutelage.rollout.play import check_finite, play, standardised, start, step
from tutelage.runs import Progress, Run, read_json, write_json

FORMAT = 1  # of policy.json


@dataclass(frozen=True, kw_only=True)
class ControlConfig:
    steps: int = 100_000  # of all environments together
    environments: int = 8  # side by side
    steps_per_update: int = 32  # of each environment
    final_learning_rate: float = 0.0  # share of the first one left at the end
    normalise: bool = False  # observations and rewards by what was seen of them so far
    exploration_share: float = 0.16  # of the updates, over which ε falls from 1 to final_epsilon
    final_epsilon: float = 0.04  # share of actions by chance, where the policy acts by Q-values
    audits: int = 10  # over the run; the policy that the best one saw is kept
    audit_episodes: int = 16

    def __post_init__(self) -> None:
        require(self, "above 0", "steps", "environments", "steps_per_update")
        require(self, "above 0", "audits", "audit_episodes")
        require(self, "from 0 to 1", "final_learning_rate", "exploration_share", "final_epsilon")

    @property
    def updates(self) -> int:
        return max(1, self.steps // (self.environments * self.steps_per_update))

    def epsilon(self, update: int) -> float:
        """Of the policy's actions in this update, the share that is left to chance."""
        until = self.exploration_share * self.updates
        explored = min(1.0, update / until) if until else 1.0
        return 1.0 + explored * (self.final_epsilon - 1.0)


@dataclass(frozen=True, kw_only=True)
class PolicyShape:
    """What a policy's networks were made for, and of."""

    environment: str  # Gymnasium's id
    environment_options: dict = field(default_factory=dict)
    hidden: tuple[int, ...]  # widths
    networks: Networks
    normalised: bool = False  # observations


def control(
    run: Run,
    algorithm: Algorithm,
    make: Callable[[int], VectorEnv],
    config: ControlConfig,
    seed: int,
    stage: str = "control",
    shape: PolicyShape | None = None,
) -> Iterator[Progress]:
    """Play, credit and update in turn; ends with checkpoints/<stage>, the policy whose audit had
    the highest mean return. make: makes a number of environments, side by side. shape: saved with
    the policy, so that it can be loaded again.

    After an audit the state is saved and new episodes begin, because an environment in the middle
    of an episode cannot be saved: a resumed run then plays the same as one that was never cut off.
    """
    policy = algorithm.policy
    assert isinstance(policy, ControlPolicy)
    learning_rate = algorithm.config.learning_rate
    if config.normalise and policy.return_normaliser is None:
        policy.standardise()
    start_at, best = 0, float("-inf")
    best_policy = copied(policy)
    if state := run.load_state(stage):
        algorithm.load_state_dict(state["algorithm"])
        start_at, best, best_policy = state["step"], state["best"], state["best_policy"]
        if policy.return_normaliser is not None:
            policy.return_normaliser.load_state_dict(state["return_normaliser"])
    audited = audited_after(config.audits, config.updates)
    environments = make(config.environments)
    players = start(environments, seed_number(seed, stage, start_at))
    began = time.perf_counter()
    for update in range(start_at, config.updates):
        factor = 1 - (1 - config.final_learning_rate) * update / config.updates
        set_learning_rate(algorithm.optimiser, learning_rate * factor)
        if isinstance(policy.actor, QActor):
            policy.actor.epsilon = config.epsilon(update)
        players.finished.clear()
        experience = play(
            policy, players, config.steps_per_update, seeded(seed, stage, update, "play")
        )
        if config.normalise:
            standardised(policy, players, experience, algorithm.config.gamma)
        batch = algorithm.credit(experience)
        metrics = algorithm.update(batch, seeded(seed, stage, update, "update"))
        if config.normalise and isinstance(experience.inputs, Transitions):
            policy.observe(experience.inputs)
        _check_finite(policy, update)
        if isinstance(policy.actor, CategoricalActor):  # of a density it may be below 0
            metrics["policy/entropy"] = -experience.logprobs[experience.mask].mean().item()
        if players.finished:
            returns = [total for total, _ in players.finished]
            metrics["episode/return"] = sum(returns) / len(returns)
            metrics["episode/length"] = sum(length for _, length in players.finished) / len(returns)
            metrics["episode/count"] = len(returns)
        done = update + 1
        metrics["train/steps"] = done * config.environments * config.steps_per_update
        if done in audited:
            # always the same episodes, so that audits differ by the policy alone
            audit = evaluate_control(
                policy, make(config.environments), config.audit_episodes, seed_number(seed, "audit")
            )
            metrics["audit/return"] = sum(audit) / len(audit)
            if metrics["audit/return"] > best:
                best, best_policy = metrics["audit/return"], copied(policy)
        run.log(stage, done, metrics)
        if done in audited:
            run.save_state(
                stage,
                {
                    "step": done,
                    "algorithm": algorithm.state_dict(),
                    "best": best,
                    "best_policy": best_policy,
                    "return_normaliser": policy.return_normaliser
                    and policy.return_normaliser.state_dict(),
                },
            )
            players = start(environments, seed_number(seed, stage, done))
        played = (done - start_at) * config.environments * config.steps_per_update
        metrics["train/steps_per_s"] = played / (time.perf_counter() - began)
        yield Progress(stage, done, config.updates, metrics)
    environments.close()
    policy.load_state_dict(best_policy)
    run.finish(stage, lambda folder: save_policy(folder, policy, shape))


def fresh_policy(
    environments: VectorEnv,
    hidden: tuple[int, ...],
    generator: torch.Generator,
    networks: Networks,
) -> ControlPolicy:
    """Networks that read what these environments show; those of grid worlds have a shape of their
    own."""
    if not reads_instructions(environments):
        return new_policy(environments, hidden, generator, networks)
    if networks not in ("actor", "actor_critic"):
        raise BadInput("In grid worlds a policy learns by PPO, A2C, REINFORCE or TRPO.")
    return grid_policy(environments, generator)


def save_policy(folder: Path, policy: ControlPolicy, shape: PolicyShape | None = None) -> None:
    """Write policy.safetensors, and policy.json where the shape is given."""
    save_file(copied(policy), folder / "policy.safetensors")
    if shape is not None:
        write_json(folder / "policy.json", {"format": FORMAT, **asdict(shape)})


def load_control_policy(folder: Path) -> tuple[ControlPolicy, PolicyShape]:
    """What save_policy wrote: the policy, and what it was made for.

    Its environment is made once, because only that knows what is observed and which actions
    there are."""
    described = read_json(folder / "policy.json")
    if not isinstance(described, dict) or described.pop("format", None) != FORMAT:
        raise BadInput(f"{folder}/policy.json is of a format that this version does not read.")
    shape = from_table(PolicyShape, described, f"{folder}/policy.json")
    environments = make_environments(shape.environment, 1, **shape.environment_options)
    policy = fresh_policy(environments, shape.hidden, seeded(0), shape.networks)
    environments.close()
    if shape.normalised:
        policy.standardise()
    try:
        policy.load_state_dict(load_file(folder / "policy.safetensors"))
    except (OSError, RuntimeError, SafetensorError) as error:
        raise BadInput(f"{folder}/policy.safetensors does not fit policy.json: {error}.") from None
    if isinstance(policy.actor, QActor):
        policy.actor.epsilon = 0.0  # exploration is over
    return policy.eval(), shape


@torch.no_grad()
def evaluate_control(
    policy: ControlPolicy, environments: VectorEnv, episodes: int, seed: int
) -> list[float]:
    """Returns of at least `episodes` episodes, the likeliest action in each state. The first
    episodes of every environment count, so that short ones are not preferred."""
    players = start(environments, seed)
    wanted = -(-episodes // environments.num_envs)
    returns: list[list[float]] = [[] for _ in range(environments.num_envs)]
    totals, action_space = players.returns, environments.single_action_space
    observations, ended = players.observations, players.ended
    while min(map(len, returns)) < wanted:
        action = policy.actor(torch.as_tensor(observations, dtype=torch.float32)).mode().numpy()
        if isinstance(action_space, Box):
            action = action.clip(action_space.low, action_space.high)
        observations, rewards, terminated, truncated = step(environments, action)
        check_finite(rewards, "reward")
        totals += rewards * ~ended
        ended = (terminated | truncated) & ~ended
        for i in ended.nonzero()[0]:
            returns[i].append(float(totals[i]))
            totals[i] = 0.0
    environments.close()
    return [total for per_environment in returns for total in per_environment[:wanted]]


def audited_after(audits: int, updates: int) -> set[int]:
    """After which updates an audit is made; the last is one of them."""
    return {max(1, updates * (i + 1) // audits) for i in range(audits)}


def copied(policy: ControlPolicy) -> dict[str, torch.Tensor]:
    """The policy's weights as they are now."""
    return {name: tensor.clone() for name, tensor in policy.state_dict().items()}


def _check_finite(policy: ControlPolicy, update: int) -> None:
    # what is no number makes the sum none
    if not all(math.isfinite(parameter.data.sum()) for parameter in policy.parameters()):
        raise ContractBroken(
            f"The policy's weights are no longer numbers after update {update + 1}: a lower "
            "learning rate cures most of these; the last saved state is whole."
        )
