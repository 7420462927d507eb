"""Simulated labelers of known skill, position bias and length bias."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tutelage.labelling.pairs import Floats, Pairs, Ranking, pairs_of


@dataclass(frozen=True)
class Crowd:
    pairs: Pairs
    quality: Floats  # (tasks, K)
    parameters: Floats  # (W, 3) skill, position bias, length bias, in the order of labeler_names


def simulated(
    *, tasks: int, responses: int, labelers: int, overlap: int, seed: int, tie_within: float = 0.0
) -> Crowd:
    """Utility = skill · quality − position bias · place + length bias · doublings + Gumbel noise:
    pair by pair that is the model of skill.py, if nobody says tie. tie_within: utilities so close
    are called equal to the next better one."""
    generator = np.random.default_rng(seed)
    true = np.stack(
        [
            generator.uniform(0.1, 1.9, labelers),
            generator.normal(0.3, 0.5, labelers),
            generator.normal(0.0, 0.4, labelers),
        ],
        axis=1,
    )
    # What all share in length belongs to the scores.
    true[:, 2] -= true[:, 0] * true[:, 2].mean() / true[:, 0].mean()
    quality = generator.normal(0, 1.5, (tasks, responses))
    rankings = []
    for task in range(tasks):
        lengths = generator.integers(20, 400, responses)
        for labeler in generator.choice(labelers, overlap, replace=False):
            skill, position, length = true[labeler]
            shown = generator.permutation(responses)
            felt = skill * quality[task] - position * shown / (responses - 1)
            felt = felt + length * np.log2(lengths) + generator.gumbel(size=responses)
            ranks = np.zeros(responses, dtype=int)
            order = np.argsort(-felt)
            for better, worse in pairwise(order):
                ranks[worse] = ranks[better] + (felt[better] - felt[worse] > tie_within)
            rankings.append(
                Ranking(
                    task=task,
                    labeler=int(labeler),
                    ranks=ranks.tolist(),
                    shown=shown.tolist(),
                    lengths=lengths.tolist(),
                )
            )
    pairs = pairs_of(rankings)
    true = true[np.array(pairs.labeler_names)]
    true[:, 0] /= np.average(true[pairs.labelers, 0])
    return Crowd(pairs, quality, true)
