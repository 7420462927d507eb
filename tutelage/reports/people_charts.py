"""Charts of labelers: what their agreement allows, what more labels would bring, who leans where.

Each takes plain numbers and returns a figure; shares are of 1, as everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from tutelage.evaluation.statistics import wilson
from tutelage.reports.figures import COLOURS, add_band, base, end_labels, fade, label, span
from tutelage.wording import about, count, percent, rate, signed

Curve = Callable[[float], tuple[float, Sequence[float]]]
_Z = 1.96
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
    seen = [*ys, *(100 * end for pair in intervals for end in pair)]
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
        error_y=_error_bars(ys, [[100 * end for end in pair] for pair in intervals], colour),
        text=[
            f"{count(round(x))} comparisons: {rate(point['accuracy'], point['ci95'], point['n'])}"
            for x, point in zip(xs, points, strict=True)
        ],
        hovertemplate="%{text}<extra></extra>",
    )
    if agreement is not None:
        value, pair = 100 * agreement["value"], [100 * end for end in agreement["ci95"]]
        add_band(figure, [low, last], [pair[0]] * 2, [pair[1]] * 2, COLOURS["people"])
        _level(figure, low, last, value, COLOURS["people"], "solid")
        ends.append(("two labelers", last, value, COLOURS["people"]))
        seen += [value, *pair]
    if ceiling is not None:
        bottom, middle, top = (100 * share for share in ceiling)
        add_band(figure, [low, last], [bottom] * 2, [top] * 2, COLOURS["quiet"])
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
    """How often each labeler says what most of the others say. rows: {"labeler", "with_consensus",
    "tasks"}; the interval is of so many tasks. Who shared none is left out."""
    rows = [row for row in rows if row["tasks"] and math.isfinite(row["with_consensus"])]
    ordered = sorted(rows, key=lambda row: row["with_consensus"])
    intervals = [wilson(row["with_consensus"] * row["tasks"], row["tasks"]) for row in ordered]
    xs = [100 * row["with_consensus"] for row in ordered]
    figure = _labeler_rows([row["labeler"] for row in ordered])
    _dots(
        figure,
        xs,
        [[100 * end for end in pair] for pair in intervals],
        [
            f"{label(str(row['labeler']))}: {rate(row['with_consensus'], pair, row['tasks'])}"
            for row, pair in zip(ordered, intervals, strict=True)
        ],
        [False] * len(xs),
    )
    total = sum(row["tasks"] for row in ordered)
    if total:
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


def labeler_bias(
    rows: Sequence[Mapping[str, Any]], key: str, error: str, towards: str, unit: str
) -> go.Figure:
    """One bias of each labeler with its 95 % interval; grey where the interval holds 0. rows:
    {"labeler", key, error: standard error}. towards: what a bias above 0 prefers. unit: of it."""
    ordered = sorted(rows, key=lambda row: row[key])
    xs = [row[key] for row in ordered]
    intervals = [[row[key] - _Z * row[error], row[key] + _Z * row[error]] for row in ordered]
    figure = _labeler_rows([row["labeler"] for row in ordered])
    figure.add_vline(x=0, line={"color": COLOURS["quiet"], "width": 1.5, "dash": "dot"})
    _dots(
        figure,
        xs,
        intervals,
        [
            f"{label(str(row['labeler']))}: {signed(row[key], 2)} ± {_Z * row[error]:.2f} {unit}"
            for row in ordered
        ],
        [low <= 0 <= high for low, high in intervals],
    )
    ends = [end for pair in intervals for end in pair] or [-1.0, 1.0]
    reach = 1.08 * max(abs(end) for end in ends)
    figure.update_xaxes(title_text=f"{towards} → ({unit})", range=[-reach, reach])
    return figure


def _draw_curve(
    figure: go.Figure, curve: Curve, low: float, high: float, last: float, colour: str
) -> list[float]:
    """The curve, dashed beyond the data, over its band; all y that it passes."""
    xs = [low * (last / low) ** (i / _STEPS) for i in range(_STEPS + 1)]
    found = [curve(x) for x in xs]
    lows, highs = ([100 * pair[end] for _, pair in found] for end in (0, 1))
    add_band(figure, xs, lows, highs, colour)
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
    return [*lows, *highs]


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


def _labeler_rows(names: Sequence[object]) -> go.Figure:
    """An empty figure with a row for each labeler, the first at the bottom."""
    figure = base(height=90 + 30 * max(1, len(names)))
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=[label(str(name), 24) for name in names],
        range=[-0.6, max(1, len(names)) - 0.4],
        showgrid=False,
    )
    return figure


def _dots(
    figure: go.Figure,
    xs: Sequence[float],
    intervals: Sequence[Sequence[float]],
    texts: Sequence[str],
    quiet: Sequence[bool],
) -> None:
    """Points with intervals, one a row; quiet ones grey and hollow."""
    for grey in (True, False):
        rows = [i for i in range(len(xs)) if quiet[i] is grey]
        colour = COLOURS["quiet" if grey else "people"]
        ends = [intervals[i] for i in rows]
        figure.add_scatter(
            x=[xs[i] for i in rows],
            y=rows,
            mode="markers",
            marker={
                "size": 9,
                "color": colour,
                "symbol": "circle-open" if grey else "circle",
                "line": {"width": 2, "color": colour},
            },
            error_x=_error_bars([xs[i] for i in rows], ends, colour),
            text=[texts[i] for i in rows],
            hovertemplate="%{text}<extra></extra>",
        )


def _error_bars(
    values: Sequence[float], intervals: Sequence[Sequence[float]], colour: str
) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "thickness": 1.5,
        "width": 3,
        "color": fade(colour, 0.55),
        "array": [pair[1] - value for value, pair in zip(values, intervals, strict=True)],
        "arrayminus": [value - pair[0] for value, pair in zip(values, intervals, strict=True)],
    }
