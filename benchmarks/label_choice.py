"""Chosen pairs against random ones: how many labels each needs for the same reward model.

Labelers are simulated and their skills known; a reply is features and its utility is linear in
them, so that the reward model is right in kind. Each of `worlds` draws replies whose features are
more or less unlike in size. No peer: the baseline is the same number of pairs drawn at random, and
`control` is that baseline against itself, drawn anew: what comes of the measure alone.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from common import commit, machine
from numpy.typing import NDArray
from simulated_labels import (
    World,
    WorldConfig,
    make_crowd,
    make_world,
    more_replies,
    pair_rows,
    share_of_labels,
)

from tutelage.config import require
from tutelage.evaluation.statistics import mean_interval
from tutelage.labelling.choice import Floats, Posterior, choose_pairs, laplace, prior, sigmoid


@dataclass(frozen=True, kw_only=True)
class ChoiceConfig:
    labels: int = 300
    batch: int = 10  # labels between two fits; the first batch is random
    labelers: int = 6
    skill_spread: float = 0.5  # deviation of the logarithm of labelers' skills, which are known
    random_share: float = 0.2  # of chosen batches

    def __post_init__(self) -> None:
        require(self, "above 0", "labels", "batch", "labelers")
        require(self, "at least 0", "skill_spread")
        require(self, "from 0 to 1", "random_share")


def accuracy_by_labels(
    world: World, unseen: World, config: ChoiceConfig, seed: int, chosen: bool
) -> tuple[list[int], list[float]]:
    """Labels, and the share of unseen pairs that the model then orders as their utilities do.

    The labels of a pair and its labeler are the same in both arms if they meet it: noise is drawn
    from the seed and the pair.
    """
    generator = np.random.default_rng([seed, chosen])
    crowd = make_crowd(config.labelers, config.skill_spread, 0.0, np.random.default_rng([seed, 2]))
    rows = pair_rows(world.features)
    who = np.random.default_rng([seed, 3]).integers(config.labelers, size=len(rows))
    luck = np.random.default_rng([seed, 4]).random(len(rows))
    seen_rows = rows * crowd.skills[who][:, None]  # as their labeler weighs them
    outcomes = (luck < sigmoid(seen_rows @ world.weights)).astype(np.float64)
    tests = pair_rows(unseen.features)
    truth = tests @ unseen.weights > 0

    start = prior(rows)
    belief: Posterior = start
    left = np.arange(len(rows))
    labelled: list[int] = []
    counts, accuracies = [], []
    for done in range(0, config.labels, config.batch):
        if chosen and done:
            # By the pair alone: which labeler will get it is not known, in either arm.
            batch = choose_pairs(belief, rows[left], config.batch, generator, config.random_share)
            places = [c.index for c in batch]
        else:
            places = generator.choice(len(left), config.batch, replace=False).tolist()
        labelled += left[places].tolist()
        left = np.delete(left, places)
        belief = laplace(start, seen_rows[labelled], outcomes[labelled])
        counts.append(len(labelled))
        accuracies.append(float(np.mean((tests @ belief.mean > 0) == truth)))
    return counts, accuracies


def fit_with_skills(
    before: Posterior,
    rows: Floats,
    outcomes: Floats,
    who: NDArray[np.int64],
    labelers: int,
    spread: float = 0.5,
    rounds: int = 20,
) -> tuple[Posterior, Floats]:
    """The last layer's posterior and labelers' skills, (labelers,), by turns, each given the other.

    rows: (N, D), outcomes, who: (N,) the labeler of each. A labeler answers with σ(skill·w·x);
    skills are log-normal around 1, their logarithms with the deviation `spread`.
    """
    logs = np.zeros(labelers)
    belief = before
    for _ in range(rounds):
        belief = laplace(before, rows * np.exp(logs)[who][:, None], outcomes)
        margins = rows @ belief.mean
        for _ in range(5):  # Fisher scoring
            seen = np.exp(logs)[who] * margins
            chances = sigmoid(seen)
            slope = np.bincount(who, (chances - outcomes) * seen, labelers) + logs / spread**2
            curvature = np.bincount(who, chances * (1 - chances) * seen**2, labelers)
            logs -= slope / (curvature + 1 / spread**2)
    return belief, np.exp(logs)


@dataclass(frozen=True, kw_only=True)
class Settings:
    seeds: int = 30
    decays: tuple[float, ...] = (0.0, 0.5, 1.0)  # of the features' sizes, a world each
    targets: tuple[int, ...] = (100, 200)  # random labels whose accuracy is to be reached
    world: WorldConfig = field(default_factory=WorldConfig)
    choice: ChoiceConfig = field(default_factory=ChoiceConfig)


def measure(settings: Settings, decay: float) -> dict[str, Any]:
    config = WorldConfig(**asdict(settings.world) | {"decay": decay})
    arms = {
        "random": (False, settings.choice),
        "chosen": (True, settings.choice),
        "control": (True, replace(settings.choice, random_share=1.0)),
    }
    curves: dict[str, list[list[float]]] = {arm: [] for arm in arms}
    counts: list[int] = []
    for seed in range(settings.seeds):
        generator = np.random.default_rng([seed, 9])
        world = make_world(config, generator)
        unseen = more_replies(world, 500, generator)
        for arm, (chosen, choice) in arms.items():
            counts, accuracies = accuracy_by_labels(world, unseen, choice, seed, chosen)
            curves[arm].append(accuracies)
    random_curves, chosen_curves, control = (np.array(found) for found in curves.values())
    found = {}
    for target in settings.targets:
        share, interval = share_of_labels(counts, random_curves, chosen_curves, target)
        by_chance, chance_interval = share_of_labels(counts, random_curves, control, target)
        place = counts.index(target)
        gain, gain_interval = mean_interval((chosen_curves - random_curves)[:, place].tolist())
        found[str(target)] = {
            "random_accuracy": round(float(random_curves[:, place].mean()), 4),
            "chosen_accuracy": round(float(chosen_curves[:, place].mean()), 4),
            "gain": round(gain, 4),
            "gain_ci95": [round(end, 4) for end in gain_interval or ()],
            "share_of_labels": round(share, 3),
            "share_ci95": [round(end, 3) for end in interval],
            "control_share": round(by_chance, 3),
            "control_ci95": [round(end, 3) for end in chance_interval],
        }
    return found


def skills_recovered(settings: Settings) -> dict[str, Any]:
    """Every pair of the world labelled once, by labelers whose skills are not told: how far their
    logarithms, less their mean, are off, and how far guessing the same for all would be."""
    errors, guesses = [], []
    labelers, spread = settings.choice.labelers, settings.choice.skill_spread
    for seed in range(settings.seeds):
        generator = np.random.default_rng([seed, 11])
        world = make_world(settings.world, generator)
        skills = make_crowd(labelers, spread, 0.0, generator).skills
        rows = pair_rows(world.features)
        who = generator.integers(labelers, size=len(rows))
        seen = skills[who] * (rows @ world.weights)
        says = (generator.logistic(size=len(rows)) < seen) * 1.0
        _, found = fit_with_skills(prior(rows), rows, says, who, labelers, max(spread, 0.1))
        truth, logs = np.log(skills) - np.log(skills).mean(), np.log(found) - np.log(found).mean()
        errors.append(float(np.sqrt(np.mean((logs - truth) ** 2))))
        guesses.append(float(np.sqrt(np.mean(truth**2))))
    return {
        "labels_a_labeler": round(len(rows) / labelers),
        "rmse_of_log_skill": round(mean_interval(errors)[0], 3),
        "rmse_ci95": [round(end, 3) for end in mean_interval(errors)[1] or ()],
        "rmse_of_guessing": round(mean_interval(guesses)[0], 3),
    }


def main(settings: Settings) -> None:
    worlds = {f"decay {decay}": measure(settings, decay) for decay in settings.decays}
    line = {
        "claim": "Labels that chosen pairs need for the accuracy of random ones",
        "unit": "share of random pairs' labels; accuracy on unseen pairs, by true utility",
        "by_random_labels": worlds,
        "skills_recovered": skills_recovered(settings),
        "seeds": list(range(settings.seeds)),
        "world": asdict(settings.world),
        "choice": asdict(settings.choice),
        "machine": machine(),
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "command": " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]]),
    }
    print(json.dumps(line, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
