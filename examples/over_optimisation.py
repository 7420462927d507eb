"""Optimise against a reward model with a flaw that is known, and see what becomes of the truth.

    python examples/over_optimisation.py

An answer has a quality q and a length L, and is worth gold = q + 0.6 L − 0.25 max(0, L − 2)²: some
length helps, more of it harms. The reward model is linear, so it cannot say "too long"; and it sees
q through noise, so length is what it goes by. It is fitted to 10,000 pairs labelled by the truth,
and then optimised against, by taking the best of n answers and by reinforcement with a KL price.
Its promise keeps rising while the gold falls (Gao et al. 2023). One that sees q does no such harm.

Writes over_optimisation.html, a chart that needs no network. Takes a few seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from plotly.graph_objects import Figure
from torch import Tensor

from tutelage.algorithms.functional import bradley_terry_loss
from tutelage.curricula.exact import best_of, tilted
from tutelage.device import seeded
from tutelage.evaluation.figures import COLOURS, base, fade

ANSWERS = 2**18  # that the untrained policy may give, all as likely
PAIRS = 10_000  # labelled ones
LONGEST = 7.3  # an answer is cut there
LENGTH_TELLS = 0.1  # of q, in deviations of it for one of L: long answers are a little better
NOISE = 5.0  # deviation of what the reward model reads, when q has deviation 1
SAMPLES = tuple(2**k for k in range(11))  # n
STRENGTHS = tuple(0.2 * k for k in range(1, 12))  # deviations of the score over β
CHART = Path("over_optimisation.html")


@dataclass(frozen=True)
class Answers:
    """Every answer's quality, length and worth, (ANSWERS,)."""

    quality: Tensor
    noisy_quality: Tensor
    length: Tensor
    gold: Tensor


@dataclass(frozen=True)
class Point:
    """What a policy is worth on average, and how far it is from the untrained one, in nats."""

    name: str
    kl: float
    gold: float
    score: float  # by the reward model
    length: float


def new_answers() -> Answers:
    """L is a Gamma(4, ½), a sum of four exponentials, of mean 2 and deviation 1; q is normal."""
    generator = seeded("over-optimisation", "answers")
    parts = torch.empty(ANSWERS, 4, dtype=torch.float64).exponential_(generator=generator)
    length = (0.5 * parts.sum(dim=1)).clamp_max(LONGEST)
    luck, noise = torch.randn(2, ANSWERS, generator=generator, dtype=torch.float64)
    quality = LENGTH_TELLS * (length - 2) + math.sqrt(1 - LENGTH_TELLS**2) * luck
    gold = quality + 0.6 * length - 0.25 * (length - 2).clamp_min(0).square()
    return Answers(quality, quality + NOISE * noise, length, gold)


def fit_reward_model(features: Tensor, gold: Tensor) -> Tensor:
    """Weights (F,) of the features (ANSWERS, F), from pairs that the truth has labelled: the first
    is preferred with probability σ(gold − gold')."""
    generator = seeded("over-optimisation", "labels")
    pairs = torch.randint(len(gold), (PAIRS, 2), generator=generator)
    first, second = gold[pairs].unbind(dim=1)
    wins = torch.rand(PAIRS, generator=generator, dtype=torch.float64) < (first - second).sigmoid()
    ranks = torch.stack([~wins, wins], dim=1).long()
    both = torch.ones_like(ranks, dtype=torch.bool)
    weights = torch.zeros(features.shape[1], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        found = bradley_terry_loss(features[pairs] @ weights, ranks, both)
        found.backward()
        return found

    optimiser.step(loss)
    return weights.detach()


def point(name: str, chances: Tensor, scores: Tensor, answers: Answers) -> Point:
    """The averages under a policy that gives each answer with these chances, (ANSWERS,)."""
    kl = torch.special.xlogy(chances, chances * ANSWERS).sum()  # a chance of 0 adds nothing
    averages = [(chances * x).sum().item() for x in (answers.gold, scores, answers.length)]
    return Point(name, kl.item(), *averages)


def best_of_n(scores: Tensor, answers: Answers) -> list[Point]:
    """Exactly: every answer's probability of being the best of n."""
    untrained = torch.full_like(scores, -math.log(ANSWERS))
    return [point(f"best of {n}", best_of(untrained, scores, n), scores, answers) for n in SAMPLES]


def reinforced(scores: Tensor, answers: Answers) -> list[Point]:
    """Where reinforcement with a KL price β ends, exactly: at ref·exp(score/β)/Z."""
    untrained = torch.full_like(scores, -math.log(ANSWERS))
    found = [point("untrained", untrained.exp(), scores, answers)]
    for strength in STRENGTHS:
        beta = scores.std().item() / strength
        chances = tilted(untrained, scores, beta).exp()
        found.append(point(f"β {beta:.2f}", chances, scores, answers))
    return found


def fitted(points: list[Point], logarithm: bool) -> tuple[float, float, float]:
    """a and b of gold − gold₀ = d(a − b·d), or d(a − b·log d), d = √KL, by least squares, and the
    root of the mean squared error. The first point is the untrained policy."""
    d = torch.tensor([math.sqrt(p.kl) for p in points[1:]], dtype=torch.float64)
    gained = torch.tensor([p.gold - points[0].gold for p in points[1:]], dtype=torch.float64)
    columns = torch.stack([d, -d * (d.log() if logarithm else d)], dim=1)
    a, b = torch.linalg.lstsq(columns, gained[:, None]).solution[:, 0].tolist()
    error = (columns @ torch.tensor([a, b], dtype=torch.float64) - gained).square().mean().sqrt()
    return a, b, error.item()


def table(title: str, points: list[Point]) -> None:
    print(f"\n{title}\n{'':<14}{'KL':>7}{'√KL':>7}{'gold':>8}{'length':>8}{'promised':>10}")
    for p in points:
        promised = points[0].gold + p.score - points[0].score
        print(
            f"{p.name:<14}{p.kl:7.2f}{math.sqrt(p.kl):7.2f}{p.gold:8.2f}{p.length:8.2f}"
            f"{promised:10.2f}"
        )


def chart(curves: list[tuple[str, str, list[Point]]]) -> Figure:
    """Gold against √KL, a curve each (name, colour, points); dotted what its reward model says."""
    figure = base(height=480)
    for name, colour, points in curves:
        d = [math.sqrt(p.kl) for p in points]
        promised = [points[0].gold + p.score - points[0].score for p in points]
        figure.add_scatter(
            x=d,
            y=[p.gold for p in points],
            name=name,
            mode="lines+markers",
            line={"color": colour, "width": 2},
            text=[f"{name}: {p.name}, length {p.length:.1f}" for p in points],
            hovertemplate="%{text}<br>gold %{y:.2f} at √KL %{x:.2f}<extra></extra>",
        )
        figure.add_scatter(
            x=d,
            y=promised,
            showlegend=False,
            mode="lines",
            line={"color": fade(colour, 0.7), "width": 1.5, "dash": "dot"},
            hoverinfo="skip",
        )
    figure.update_layout(
        paper_bgcolor="white",
        showlegend=True,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        margin_t=110,
    )
    figure.update_xaxes(
        title_text="√KL from the untrained policy (√nats); dotted: what the reward model promises"
    )
    figure.update_yaxes(title_text="worth of the average answer")
    return figure


def main() -> None:
    answers = new_answers()
    curves = []
    for name, seen, colours in (
        ("sees noise", answers.noisy_quality, ("verifier", "reward")),
        ("sees q", answers.quality, ("policy", "sft")),
    ):
        features = torch.stack([seen, answers.length], dim=1)
        weights = fit_reward_model(features, answers.gold)
        print(f"\nreward model that {name}: {weights[0]:.3f} of it, {weights[1]:.3f} of the length")
        scores = features @ weights
        selected = best_of_n(scores, answers)
        learned = reinforced(scores, answers)
        for way, points, colour in zip(
            ("best of n", "reinforcement"), (selected, learned), colours, strict=True
        ):
            table(f"{way}, reward model {name}", points)
            curves.append((f"{way}, {name}", COLOURS[colour], points))
            for logarithm in (False, True):
                a, b, error = fitted(points, logarithm)
                form = "log d" if logarithm else "d"
                print(f"gold gained ≈ d({a:.2f} − {b:.2f}·{form}), off by {error:.3f}")
    chart(curves).write_html(CHART, include_plotlyjs=True)
    print(f"\nchart: {CHART}")


if __name__ == "__main__":
    main()
