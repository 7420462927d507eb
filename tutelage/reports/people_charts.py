"""Charts of labelers: what their agreement allows, what more labels bring, how often each agrees.

Each takes plain numbers and returns a figure; shares are of 1, as everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import plotly.graph_objects as go

from tutelage.reports.answers import share_interval
from tutelage.reports.figures import (
    COLOURS,
    add_band,
    base,
    end_labels,
    error_bars,
    fade,
    in_percent,
    label,
    span,
)
from tutelage.wording import about, count, percent, rate

Curve = Callable[[float], tuple[float, Sequence[float]]]
_STEPS = 40


def accuracy_against_comparisons(
    points: Sequence[Mapping[str, Any]],
    curve: Curve | None,
    agreement: Mapping[str, Any] | None,
    ceiling: tuple[float, float, float] | None,
    reach: float = 8.0,
) -> go.Figure:
    """The reward model's accuracy against the comparisons it learned from, with the curve through
    it, what it would be with up to `reach` times as many, and what labelers' agreement allows.

    points: {"comparisons", "accuracy", "ci95", "n"} each, n test pairs, ci95 None where it was not
    noted. curve: comparisons → accuracy and its 95 % interval; None before there are points enough.
    agreement: {"value", "ci95"} of two labelers. ceiling: low, estimate, high.
    """
    figure, colour, ends = base(), COLOURS["reward"], []
    xs = [float(point["comparisons"]) for point in points]
    ys = [100 * point["accuracy"] for point in points]
    intervals = [point["ci95"] or [point["accuracy"]] * 2 for point in points]
    low, high = (min(xs), max(xs)) if xs else (10.0, 100.0)
    last = high * (reach if curve else 1.0)
    seen = [*ys, *(100 * end for end in chain(*intervals))]
    if curve is not None:
        seen += _draw_curve(figure, curve, low, high, last, colour)
        ends.append(("reward model", last, 100 * curve(last)[0], colour))
    elif xs:
        ends.append(("reward model", xs[-1], ys[-1], colour))
    figure.add_scatter(
        x=xs,
        y=ys,
        mode="markers",
        marker={"size": 7, "color": fade(colour, 0.55)},
        error_y=error_bars(ys, [in_percent(pair) for pair in intervals], fade(colour, 0.55)),
        text=[
            f"{count(round(x))} comparisons: {rate(point['accuracy'], point['ci95'], point['n'])}"
            for x, point in zip(xs, points, strict=True)
        ],
        hovertemplate="%{text}<extra></extra>",
    )
    if agreement is not None:
        value, pair = 100 * agreement["value"], in_percent(agreement["ci95"])
        add_band(figure, [low, last], [pair] * 2, COLOURS["people"])
        _level(figure, low, last, value, COLOURS["people"], "solid")
        ends.append(("two labelers", last, value, COLOURS["people"]))
        seen += [value, *pair]
    if ceiling is not None:
        bottom, middle, top = in_percent(ceiling)
        add_band(figure, [low, last], [(bottom, top)] * 2, COLOURS["quiet"])
        _level(figure, low, last, middle, COLOURS["quiet"], "dot")
        ends.append(("ceiling", last, middle, COLOURS["quiet"]))
        seen += [bottom, top]
    ticks = _ticks(low, last)
    air = 0.03 * math.log10(last / low) if last > low else 0.05
    figure.update_xaxes(
        type="log",
        tickvals=ticks,
        ticktext=[about(tick) for tick in ticks],
        title_text="comparisons learned from",
        range=[math.log10(low) - air, math.log10(last)],
        showgrid=False,
    )
    y_range = span(seen or [50, 100], 0.06)
    figure.update_yaxes(title_text="agrees with held-out rankings (%)", range=y_range)
    if ends:
        # An annotation's x on a logarithmic axis is the exponent.
        end_labels(figure, [(name, math.log10(x), y, c) for name, x, y, c in ends], y_range)
    return figure


def labeler_accuracy(rows: Sequence[Mapping[str, Any]]) -> go.Figure:
    """How often each labeler agrees with most of the others. rows: {"labeler", "with_consensus",
    "tasks"}; the interval is of so many tasks. A labeler without a shared task is left out."""
    rows = [row for row in rows if row["tasks"] and math.isfinite(row["with_consensus"])]
    ordered = sorted(rows, key=lambda row: row["with_consensus"])
    intervals = [share_interval(row["with_consensus"], row["tasks"]) for row in ordered]
    xs, places = [100 * row["with_consensus"] for row in ordered], list(range(len(ordered)))
    figure, colour = base(height=90 + 30 * max(1, len(ordered))), COLOURS["people"]
    figure.add_scatter(
        x=xs,
        y=places,
        mode="markers",
        marker={"size": 9, "color": colour, "line": {"width": 2, "color": colour}},
        error_x=error_bars(xs, [in_percent(pair) for pair in intervals], fade(colour, 0.55)),
        text=[
            f"{label(str(row['labeler']))}: {rate(row['with_consensus'], pair, row['tasks'])}"
            for row, pair in zip(ordered, intervals, strict=True)
        ],
        hovertemplate="%{text}<extra></extra>",
    )
    figure.update_yaxes(
        tickvals=places,
        ticktext=[label(str(row["labeler"]), 24) for row in ordered],
        range=[-0.6, max(1, len(ordered)) - 0.4],
        showgrid=False,
    )
    if total := sum(row["tasks"] for row in ordered):
        mean = sum(row["with_consensus"] * row["tasks"] for row in ordered) / total
        figure.add_vline(
            x=100 * mean, line={"color": COLOURS["quiet"], "width": 1.5, "dash": "dot"}
        )
        figure.add_annotation(
            x=100 * mean,
            y=1,
            yref="paper",
            text=f"mean {percent(mean)}",
            showarrow=False,
            yanchor="bottom",
        )
    figure.update_layout(margin_t=28)
    figure.update_xaxes(title_text="agrees with most of the others (%)", range=[0, 102])
    return figure


def _draw_curve(
    figure: go.Figure, curve: Curve, low: float, high: float, last: float, colour: str
) -> list[float]:
    """The curve, dashed beyond the data, over its band; all y that it passes."""
    xs = [low * (last / low) ** (i / _STEPS) for i in range(_STEPS + 1)]
    intervals = [in_percent(curve(x)[1]) for x in xs]
    add_band(figure, xs, intervals, colour)
    within = [x for x in xs if x < high]
    for part, dash in (([*within, high], "solid"), ([high, *xs[len(within) :]], "dash")):
        figure.add_scatter(
            x=part,
            y=[100 * curve(x)[0] for x in part],
            mode="lines",
            line={"color": colour, "width": 2, "dash": dash},
            text=[f"{about(x)} labels: {rate(*curve(x))}" for x in part],
            hovertemplate="%{text}<extra>fitted</extra>",
        )
    return list(chain(*intervals))


def _level(figure: go.Figure, low: float, last: float, y: float, colour: str, dash: str) -> None:
    figure.add_scatter(
        x=[low, last],
        y=[y, y],
        mode="lines",
        hoverinfo="skip",
        line={"color": colour, "width": 1.5, "dash": dash},
    )


def _ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 of each power of ten, or only 1 where they would crowd."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    wide = math.log10(high / low) > 2.2
    ticks = [first * 10.0**power for power in powers for first in ((1,) if wide else (1, 2, 5))]
    return [tick for tick in ticks if 0.99 * low <= tick <= 1.01 * high] or [low]
