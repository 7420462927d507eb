"""Imitation of an expert in an environment, without its rewards: behaviour cloning, DAgger, GAIL.
Audits measure returns, which choose nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from gymnasium.vector import VectorEnv

from tutelage.algorithms import Algorithm
from tutelage.algorithms.gail import GAIL
from tutelage.algorithms.imitation import (
    Cloning,
    MixedActor,
    aggregate,
    agreement,
    cloning_loss,
    expert_share,
    labelled,
)
from tutelage.config import require
from tutelage.data.episodes import Episodes
from tutelage.device import seed_number, seeded
from tutelage.model.optimiser import set_learning_rate, warmup_then_linear
from tutelage.policies.control import ControlPolicy, Transitions
from tutelage.rollout.play import play, start
from tutelage.runs import Progress, Run
from tutelage.stages.control import (
    PolicyShape,
    audited_after,
    copied,
    evaluate_control,
    save_policy,
)

Make = Callable[[int], VectorEnv]  # so many environments, side by side


@dataclass(frozen=True, kw_only=True)
class CloneConfig:
    updates: int = 2_000  # optimiser steps
    held_out: float = 0.1  # share of the episodes that only audits see
    warmup: int = 0  # updates in which the learning rate rises
    final_learning_rate: float = 0.0  # share of the first one left at the end
    gamma: float = 0.99  # of the returns that a critic learns
    audits: int = 10
    audit_episodes: int = 16

    def __post_init__(self) -> None:
        require(self, "above 0", "updates", "audits", "audit_episodes")
        require(self, "at least 0", "warmup")
        require(self, "from 0 to 1", "held_out", "final_learning_rate", "gamma")


@dataclass(frozen=True, kw_only=True)
class DAggerConfig:
    rounds: int = 10
    environments: int = 8  # side by side
    steps_per_round: int = 128  # of each environment; the expert labels all
    updates_per_round: int = 300  # optimiser steps on all that was labelled
    expert_share: float = 0.0  # β_i = share^i: how often the expert itself acts in round i
    audit_episodes: int = 16

    def __post_init__(self) -> None:
        require(self, "above 0", "rounds", "environments", "steps_per_round", "updates_per_round")
        require(self, "above 0", "audit_episodes")
        require(self, "from 0 to 1", "expert_share")


@dataclass(frozen=True, kw_only=True)
class AdversarialConfig:
    steps: int = 100_000  # of all environments together
    environments: int = 8  # side by side
    steps_per_update: int = 128  # of each environment
    final_learning_rate: float = 0.0  # share of the first one left at the end
    audits: int = 10
    audit_episodes: int = 16

    def __post_init__(self) -> None:
        require(self, "above 0", "steps", "environments", "steps_per_update")
        require(self, "above 0", "audits", "audit_episodes")
        require(self, "from 0 to 1", "final_learning_rate")

    @property
    def updates(self) -> int:
        """As many as fit into the steps, at least one."""
        return max(1, self.steps // (self.environments * self.steps_per_update))


def clone(
    run: Run,
    cloning: Cloning,
    demonstrations: Episodes,
    make: Make,
    config: CloneConfig,
    seed: int,
    stage: str = "bc",
    shape: PolicyShape | None = None,
) -> Iterator[Progress]:
    """Raise the likelihood of the expert's actions, and regress a critic on its returns; ends with
    checkpoints/<stage>, the policy with the lowest loss on held-out episodes."""
    policy, learning_rate = cloning.policy, cloning.config.learning_rate
    training, held_out_episodes = demonstrations.divide(
        config.held_out, seeded(seed, stage, "divide")
    )
    returns = training.returns_to_go(config.gamma) if policy.critic is not None else None
    start_at, best, best_policy = 0, float("inf"), copied(policy)
    if state := run.load_state(stage):
        cloning.load_state_dict(state["cloning"])
        start_at, best, best_policy = state["step"], state["best"], state["best_policy"]
    audited = audited_after(config.audits, config.updates)
    for update in range(start_at, config.updates):
        factor = warmup_then_linear(
            update, config.updates, config.warmup, config.final_learning_rate
        )
        set_learning_rate(cloning.optimiser, learning_rate * factor)
        metrics = cloning.update(training.inputs(), seeded(seed, stage, update), returns)
        done = update + 1
        if done in audited:
            with torch.no_grad():
                metrics["validation/loss"] = cloning_loss(policy, held_out_episodes.inputs()).item()
            if metrics["validation/loss"] < best:
                best, best_policy = metrics["validation/loss"], copied(policy)
            metrics |= _audit(policy, held_out_episodes.inputs(), make, config.audit_episodes, seed)
            run.log(stage, done, metrics)
            run.save_state(
                stage,
                {
                    "step": done,
                    "cloning": cloning.state_dict(),
                    "best": best,
                    "best_policy": best_policy,
                },
            )
        yield Progress(stage, done, config.updates, metrics)
    policy.load_state_dict(best_policy)
    run.finish(stage, lambda folder: save_policy(folder, policy, shape))


def dagger(
    run: Run,
    cloning: Cloning,
    expert: ControlPolicy,
    make: Make,
    config: DAggerConfig,
    seed: int,
    stage: str = "dagger",
    shape: PolicyShape | None = None,
) -> Iterator[Progress]:
    """Each round: the learner plays, the expert labels the visited states with its actions, and the
    learner clones all labels so far; ends with checkpoints/<stage>."""
    policy = cloning.policy
    start_at, dataset = 0, None
    if state := run.load_state(stage):
        cloning.load_state_dict(state["cloning"])
        start_at = state["step"]
        dataset = Transitions(state["observations"], state["actions"], state["mask"])
    for number in range(start_at, config.rounds):
        share = expert_share(config.expert_share, number)
        players = start(make(config.environments), seed_number(seed, stage, number))
        mixed = ControlPolicy(_mixed(expert, policy, share))
        experience = play(
            mixed, players, config.steps_per_round, seeded(seed, stage, number, "play")
        )
        players.environments.close()
        assert isinstance(experience.inputs, Transitions)
        new_labels = labelled(expert, experience.inputs)
        metrics = {"rollout/agreement": agreement(policy, new_labels)}
        dataset = aggregate(dataset, new_labels)
        for update in range(config.updates_per_round):
            metrics |= cloning.update(dataset, seeded(seed, stage, number, update))
        done = number + 1
        metrics["train/steps"] = len(dataset.actions)
        metrics |= _audit(policy, dataset, make, config.audit_episodes, seed)
        run.log(stage, done, metrics)
        run.save_state(
            stage,
            {
                "step": done,
                "cloning": cloning.state_dict(),
                "observations": dataset.observations,
                "actions": dataset.actions,
                "mask": dataset.mask,
            },
        )
        yield Progress(stage, done, config.rounds, metrics)
    run.finish(stage, lambda folder: save_policy(folder, policy, shape))


def gail(
    run: Run,
    algorithm: Algorithm,
    adversary: GAIL,
    demonstrations: Episodes,
    make: Make,
    config: AdversarialConfig,
    seed: int,
    stage: str = "gail",
    shape: PolicyShape | None = None,
) -> Iterator[Progress]:
    """Reinforce the policy by rewards from a discriminator between its steps and the expert's; ends
    with checkpoints/<stage>, the last policy, because returns may not choose.

    As in `control`, new episodes begin after an audit, so that a resumed run plays the same as one
    that was never cut off.
    """
    policy, learning_rate = algorithm.policy, algorithm.config.learning_rate
    assert isinstance(policy, ControlPolicy)
    start_at = 0
    if state := run.load_state(stage):
        algorithm.load_state_dict(state["algorithm"])
        adversary.load_state_dict(state["adversary"])
        start_at = state["step"]
    audited = audited_after(config.audits, config.updates)
    players = start(make(config.environments), seed_number(seed, stage, start_at))
    began = time.perf_counter()
    for update in range(start_at, config.updates):
        factor = warmup_then_linear(update, config.updates, 0, config.final_learning_rate)
        set_learning_rate(algorithm.optimiser, learning_rate * factor)
        players.finished.clear()
        experience = play(
            policy, players, config.steps_per_update, seeded(seed, stage, update, "play")
        )
        metrics = adversary.update(experience, seeded(seed, stage, update, "adversary"))
        experience.rewards = adversary.rewards(experience)
        batch = algorithm.credit(experience)
        metrics |= algorithm.update(batch, seeded(seed, stage, update, "update"))
        metrics |= {
            "reward/mean": (experience.rewards.sum() / experience.mask.sum()).item(),
            "reward/ended": adversary.ended,
        }
        if players.finished:
            lengths = [length for _, length in players.finished]
            metrics["episode/length"] = sum(lengths) / len(lengths)
        done = update + 1
        metrics["train/steps"] = done * config.environments * config.steps_per_update
        if done in audited:
            metrics |= _audit(policy, demonstrations.inputs(), make, config.audit_episodes, seed)
        run.log(stage, done, metrics)
        if done in audited:
            run.save_state(
                stage,
                {
                    "step": done,
                    "algorithm": algorithm.state_dict(),
                    "adversary": adversary.state_dict(),
                },
            )
            players = start(players.environments, seed_number(seed, stage, done))
        played = (done - start_at) * config.environments * config.steps_per_update
        metrics["train/steps_per_s"] = played / (time.perf_counter() - began)
        yield Progress(stage, done, config.updates, metrics)
    players.environments.close()
    run.finish(stage, lambda folder: save_policy(folder, policy, shape))


def _mixed(expert: ControlPolicy, learner: ControlPolicy, share: float) -> Any:
    if share in (0.0, 1.0):  # nothing is drawn to decide who acts
        return expert.actor if share else learner.actor
    return MixedActor(expert.actor, learner.actor, share)


def _audit(
    policy: ControlPolicy, demonstrations: Transitions, make: Make, episodes: int, seed: int
) -> dict[str, float]:
    """Always the same episodes, so that audits differ by the policy alone."""
    returns = evaluate_control(policy, make(min(episodes, 8)), episodes, seed_number(seed, "audit"))
    return {
        "audit/return": sum(returns) / len(returns),
        "audit/count": len(returns),
        "audit/agreement": agreement(policy, demonstrations),
    }
