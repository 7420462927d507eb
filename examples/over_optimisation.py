"""Optimise against a reward model with a flaw that is known, and see what becomes of the truth.

    python examples/over_optimisation.py

An answer has a quality q and a length L, and is worth gold = q + 0.6 L − 0.25 max(0, L − 2)²: some
length helps, more of it harms. The reward model is linear, so it cannot say "too long"; and it sees
q through noise, so length is what it goes by. It is fitted to 10,000 pairs labelled by the truth,
and then optimised against, by taking the best of n answers and by reinforcement with a KL price.
Its promise keeps rising while the gold falls. One that sees q does no such harm.

Gao et al. (2023) found that the gold gained follows d(a − b·d) for the best of n, and for
reinforcement d(a − b·log d), with d = √KL. Both forms are fitted to both. Here, where every average
is exact and reinforcement has ended, the first fits reinforcement better too: the second rises
vertically from d = 0, and the exact optimum leaves it along a line.

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
from tutelage.device import seeded
from tutelage.proof.enumerable import best_of, tilted
from tutelage.reports.figures import COLOURS, base, fade

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


@dataclass(frozen=True)
class Fit:
    """gold − gold₀ = d(a − b·d), or with `logarithm` d(a − b·log d); error: the root of the mean of
    its square."""

    a: float
    b: float
    error: float
    logarithm: bool

    def __str__(self) -> str:
        return f"d({self.a:.2f} − {self.b:.2f}·{'log d' if self.logarithm else 'd'})"

    def gold(self, d: float) -> float:
        """Gained at this distance, at d = 0 nothing."""
        return d * (self.a - self.b * (math.log(d) if self.logarithm else d)) if d else 0.0


def fitted(points: list[Point], logarithm: bool) -> Fit:
    """By least squares; the first point is the untrained policy."""
    d = torch.tensor([math.sqrt(p.kl) for p in points[1:]], dtype=torch.float64)
    gained = torch.tensor([p.gold - points[0].gold for p in points[1:]], dtype=torch.float64)
    columns = torch.stack([d, -d * (d.log() if logarithm else d)], dim=1)
    a, b = torch.linalg.lstsq(columns, gained[:, None]).solution[:, 0].tolist()
    error = (columns @ torch.tensor([a, b], dtype=torch.float64) - gained).square().mean().sqrt()
    return Fit(a, b, error.item(), logarithm)


def judged(points: list[Point], logarithm: bool) -> Fit:
    """The fit of the form that Gao et al. found for this way (logarithm: for reinforcement), after
    saying which of the two fits better."""
    fits = {form: fitted(points, form) for form in (logarithm, not logarithm)}
    theirs, other = fits.values()
    said = f"gold gained ≈ {theirs}, off by {theirs.error:.3f} (the form of Gao et al.)"
    better = "better" if other.error < theirs.error else "worse"
    print(f"{said}; {other} fits {better}, off by {other.error:.3f}")
    return theirs


def table(title: str, points: list[Point]) -> None:
    print(f"\n{title}\n{'':<14}{'KL':>7}{'√KL':>7}{'gold':>8}{'length':>8}{'promised':>10}")
    for p in points:
        promised = points[0].gold + p.score - points[0].score
        print(
            f"{p.name:<14}{p.kl:7.2f}{math.sqrt(p.kl):7.2f}{p.gold:8.2f}{p.length:8.2f}"
            f"{promised:10.2f}"
        )


def chart(curves: list[tuple[str, str, list[Point], Fit]]) -> Figure:
    """Gold against √KL, a curve each (name, colour, points, fit); dotted what its reward model
    says, dashed the fit."""
    figure = base(height=480)
    for name, colour, points, fit in curves:
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
        along = [k / 50 * d[-1] for k in range(51)]
        figure.add_scatter(
            x=along,
            y=[points[0].gold + fit.gold(at) for at in along],
            showlegend=False,
            mode="lines",
            line={"color": fade(colour, 0.7), "width": 1.5, "dash": "dash"},
            hovertemplate=f"{name}: gold₀ + {fit}<extra></extra>",
        )
    figure.update_layout(
        paper_bgcolor="white",
        showlegend=True,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        margin_t=110,
    )
    figure.update_xaxes(
        title_text="d = √KL from the untrained policy (√nats); dotted: what the reward model "
        "promises;<br>dashed: fits of d(a − b·d) to the best of n, "
        "of d(a − b·log d) to reinforcement"
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
            fit = judged(points, logarithm=way == "reinforcement")
            curves.append((f"{way}, {name}", COLOURS[colour], points, fit))
    chart(curves).write_html(CHART, include_plotlyjs=True)
    print(f"\nchart: {CHART}")


if __name__ == "__main__":
    main()
