"""Whether GAIL does as its expert does, within 100,000 steps: a PPO policy that keeps CartPole's
pole up for 500 steps, and a bad expert, which looks at the pole's angle and not at its speed and
drops it.

    python benchmarks/gail.py --seeds 5

A line each. Matched is a seed whose returns over fresh episodes cannot be told from the expert's:
the mean is at least 99 % of the good expert's; of the bad expert the whole distribution counts, by
the two-sample Kolmogorov–Smirnov test at 5 %. Beside it: behaviour cloning on the same episodes, a
policy that acts at random, and how often a good policy does what the expert does.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from common import commit, machine, scratch_run
from torch import nn

from tutelage.algorithms import ALGORITHMS
from tutelage.algorithms.gail import GAIL, GAILConfig
from tutelage.algorithms.imitation import Cloning, CloningConfig, agreement
from tutelage.data.episodes import Episodes, record
from tutelage.device import seeded
from tutelage.environments import make_environments
from tutelage.evaluation.statistics import mean_interval
from tutelage.policies.control import CategoricalActor, ControlPolicy, new_policy
from tutelage.runs import Run
from tutelage.stages.control import ControlConfig, control, evaluate_control
from tutelage.stages.imitation import (
    AdversarialConfig,
    CloneConfig,
    clone,
    gail,
)

make = partial(make_environments, "CartPole-v1")
EXPERT_EPISODES = 60
FRESH = 200  # episodes over which each learner is measured
OWN = 500  # over which the expert is
STEPS = 100_000
HIDDEN = (64, 64)


def good_expert() -> ControlPolicy:
    """PPO, 50,000 steps, its best audit."""
    policy = new_policy(make(1), HIDDEN, seeded("expert"))
    entry = ALGORITHMS["ppo"]
    algorithm = entry.algorithm(policy, entry.settings(**(entry.control or {})))
    with scratch_run() as run:
        for _ in control(run, algorithm, make, ControlConfig(steps=50_000), 0):
            pass
    return policy


def bad_expert() -> ControlPolicy:
    """Pushes the cart to the side to which the pole leans, however fast it comes back."""
    network = nn.Linear(4, 2, bias=False)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[0.0, 0.0, -1.0, 0.0], [0.0, 0.0, 1.0, 0.0]]))
    return ControlPolicy(CategoricalActor(network))


def adversarial(
    shown: Episodes, seed: int, name: str, settings: dict[str, Any], run: Run
) -> ControlPolicy:
    """The policy at the end of GAIL's own loop. settings: over the defaults, to try others."""
    policy = new_policy(make(1), HIDDEN, seeded(seed, "learner"))
    own = {key: settings[key] for key in settings if key in GAILConfig.__dataclass_fields__}
    loop = {key: settings[key] for key in settings if key in AdversarialConfig.__dataclass_fields__}
    entry = ALGORITHMS[name]
    chosen = {**(entry.control or {}), **settings.get("algorithm", {})}
    algorithm = entry.algorithm(policy, entry.settings(**chosen))
    adversary = GAIL(shown, 2, GAILConfig(**own), seeded(seed, "discriminator"))
    config = AdversarialConfig(**({"steps": STEPS, "audits": 2} | loop))
    for progress in gail(run, algorithm, adversary, shown, make, config, seed):
        if "audit/return" in progress.metrics:
            said = {key: round(value, 3) for key, value in progress.metrics.items()}
            print(f"seed {seed}: {said}", file=sys.stderr, flush=True)
    return policy


def cloned(shown: Episodes, seed: int, run: Run) -> ControlPolicy:
    policy = new_policy(make(1), HIDDEN, seeded(seed, "clone"), "actor")
    for _ in clone(run, Cloning(policy, CloningConfig()), shown, make, CloneConfig(audits=1), seed):
        pass
    return policy


def returns_of(policy: ControlPolicy, episodes: int, seed: int) -> list[float]:
    return evaluate_control(policy, make(50), episodes, seed)


def distance(one: Sequence[float], other: Sequence[float]) -> float:
    """The largest gap between two samples' distribution functions (Kolmogorov–Smirnov)."""

    def below(sample: Sequence[float], value: float) -> float:
        return sum(x <= value for x in sample) / len(sample)

    return max(abs(below(one, value) - below(other, value)) for value in {*one, *other})


def critical(n: int, m: int) -> float:
    """The distance that two samples of one distribution exceed in 5 % of cases, at most."""
    return math.sqrt(math.log(2 / 0.05) / 2 * (n + m) / (n * m))


def half(mean: float, ci95: Sequence[float] | None) -> float | None:
    """Half an interval's width; a single value has none."""
    return round(mean - ci95[0], 2) if ci95 else None


def described(returns: Sequence[float]) -> dict[str, Any]:
    """Mean with its 95 % interval, and quartiles."""
    mean, ci95 = mean_interval(returns)
    ordered = sorted(returns)
    quartiles = [ordered[round(share * (len(ordered) - 1))] for share in (0, 0.25, 0.5, 0.75, 1)]
    return {"mean": round(mean, 2), "ci95": half(mean, ci95), "quartiles": quartiles}


def measured(
    kind: str, expert: ControlPolicy, good: ControlPolicy, arguments: argparse.Namespace
) -> dict[str, Any]:
    """The claim's line."""
    shown = record(expert, make(20), EXPERT_EPISODES, 1)
    unseen = record(expert, make(20), EXPERT_EPISODES, 2).inputs()
    own = returns_of(expert, OWN, 3)
    settings = json.loads(arguments.settings)
    results: list[dict[str, Any]] = []
    cloning: dict[str, Any] = {}
    for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            policy = adversarial(shown, seed, arguments.algorithm, settings, Run(Path(folder)))
            seconds = time.perf_counter() - began
        found = returns_of(policy, FRESH, 4)
        gap = distance(own, found)
        if kind == "good":
            matched = fmean(found) >= 0.99 * fmean(own)
        else:
            matched = gap <= critical(OWN, FRESH)
        results.append(
            {
                "seed": seed,
                **described(found),
                "distance": round(gap, 3),
                "agreement": round(agreement(policy, unseen), 4),
                "matched": matched,
                "seconds": round(seconds, 1),
            }
        )
        print(json.dumps(results[-1]), file=sys.stderr, flush=True)
        if seed == arguments.first_seed:
            with scratch_run() as run:
                copy = cloned(shown, seed, run)
            again = returns_of(copy, FRESH, 4)
            cloning = {
                "seed": seed,
                "mean": round(fmean(again), 2),
                "distance": round(distance(own, again), 3),
                "agreement": round(agreement(copy, unseen), 4),
            }
    means = [result["mean"] for result in results]
    mean, ci95 = mean_interval(means)
    random_policy = new_policy(make(1), HIDDEN, seeded("random"), "actor")
    at_random = record(random_policy, make(20), FRESH, 5, sampled=True).returns or []
    return {
        "claim": f"GAIL, a {kind} expert",
        "matched": sum(result["matched"] for result in results),
        "of": len(results),
        "return": {"mean": round(mean, 2), "ci95_over_seeds": half(mean, ci95)},
        "expert": described(own),
        "agreement": round(fmean(result["agreement"] for result in results), 4),
        "agreement_of_a_good_policy": round(agreement(good, unseen), 4),
        "distance_at_5_percent": round(critical(OWN, FRESH), 3),
        "runs": results,
        "cloning": cloning,
        "at_random": round(fmean(at_random), 2),
        "steps": STEPS,
        "expert_episodes": EXPERT_EPISODES,
        "expert_steps": len(shown),
        "fresh_episodes": FRESH,
        "expert_fresh_episodes": OWN,
        "algorithm": arguments.algorithm,
        "settings": settings,
        "machine": machine(),
        "commit": commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "command": " ".join(["python", "benchmarks/gail.py", *sys.argv[1:]]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--expert", choices=("good", "bad", "both"), default="both")
    parser.add_argument("--algorithm", choices=("ppo", "trpo"), default="ppo")
    parser.add_argument("--settings", default="{}", help="JSON, over the defaults")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    good = good_expert()
    experts = {"good": good, "bad": bad_expert()}
    for kind, expert in experts.items():
        if arguments.expert in (kind, "both"):
            line = measured(kind, expert, good, arguments)
            print(json.dumps(line, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
