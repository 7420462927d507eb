"""The report's charts: each function takes plain numbers and returns a plotly figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import plotly.graph_objects as go

from tutelage.reports.answers import accuracy_interval, set_name, share_interval
from tutelage.reports.figures import (
    COLOURS,
    GRID,
    Line,
    add_band,
    base,
    end_labels,
    error_bars,
    fade,
    in_percent,
    label,
    mark_rounds,
    running_mean,
    span,
)
from tutelage.wording import duration, percent, rate


def stage_rise(stages: Sequence[tuple[str, str, Mapping[str, Mapping[str, Any]]]]) -> go.Figure:
    """Success on each held-out set, stage by stage. stages: (label, colour, held_out)."""
    figure, ends = base(), []
    keys = [key for key in stages[-1][2] if all(key in held_out for _, _, held_out in stages)][:4]
    # A fan of small offsets keeps intervals of different sets from hiding one another.
    for i, key in enumerate(keys):
        xs = [at + 0.03 * (i - (len(keys) - 1) / 2) for at in range(len(stages))]
        cells = [held_out[key] for _, _, held_out in stages]
        ys = [100 * cell["success"] for cell in cells]
        figure.add_scatter(
            x=xs,
            y=ys,
            mode="lines+markers",
            line={"color": fade(COLOURS["quiet"], 0.6), "width": 1.5},
            marker={"size": 9, "color": [colour for _, colour, _ in stages]},
            error_y=error_bars(ys, [in_percent(cell["ci95"]) for cell in cells], COLOURS["quiet"]),
            text=[
                f"{label(set_name(key))}: {rate(cell['success'], cell['ci95'], cell['n'])}"
                for cell in cells
            ],
            hovertemplate="%{text}<extra></extra>",
        )
        ends.append((set_name(key).removeprefix("new "), xs[-1], ys[-1], stages[-1][1]))
    figure.update_xaxes(
        tickvals=list(range(len(stages))),
        ticktext=[label(name) for name, _, _ in stages],
        range=[-0.25, len(stages) - 0.85],
        showgrid=False,
        title_text="stage",
    )
    figure.update_yaxes(title_text="right on new …, greedy (%)", range=[-3, 103])
    end_labels(figure, ends, [-3, 103])
    return figure


def calibration(bins: Sequence[Mapping[str, Any]]) -> go.Figure:
    """How often the reward model is right against how sure it says it is."""
    figure, colour = base(), COLOURS["reward"]
    xs = [100 * row["confidence"] for row in bins]
    ys = [100 * row["accuracy"] for row in bins]
    intervals = [in_percent(accuracy_interval(row)) for row in bins]
    low = min(50.0, min(xs) - 2)
    figure.add_scatter(
        x=[low, 100],
        y=[low, 100],
        mode="lines",
        hoverinfo="skip",
        line={"color": COLOURS["quiet"], "width": 1.5, "dash": "dot"},
    )
    add_band(figure, xs, intervals, colour)
    figure.add_scatter(
        x=xs,
        y=ys,
        mode="lines+markers",
        line={"color": colour, "width": 2},
        marker={"size": 7},
        text=[
            f"says {percent(row['confidence'])}, is right {rate(row['accuracy'], n=row['n'])}"
            for row in bins
        ],
        hovertemplate="%{text}<extra></extra>",
    )
    y_range = span([*ys, low, 100, *chain(*intervals)], 0.03)
    figure.update_xaxes(title_text="confidence in its choice (%)", range=[low - 1, 101])
    figure.update_yaxes(title_text="right about the pair (%)", range=y_range)
    ends = [("reward model", xs[-1], ys[-1], colour), ("if honest", 100, 100, COLOURS["quiet"])]
    end_labels(figure, ends, y_range)
    return figure


def accuracy_by_length(bins: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Pair accuracy with its interval for each difference in length."""
    figure = base()
    ys = [100 * row["accuracy"] for row in bins]
    intervals = [accuracy_interval(row) for row in bins]
    figure.add_scatter(
        x=list(range(len(bins))),
        y=ys,
        mode="markers",
        marker={"size": 9, "color": COLOURS["reward"]},
        error_y=error_bars(ys, [in_percent(pair) for pair in intervals], COLOURS["reward"]),
        text=[
            rate(row["accuracy"], pair, row["n"]) for row, pair in zip(bins, intervals, strict=True)
        ],
        hovertemplate="%{text}<extra></extra>",
    )
    mean = sum(row["accuracy"] * row["n"] for row in bins) / max(1, sum(row["n"] for row in bins))
    figure.add_hline(y=100 * mean, line={"color": COLOURS["quiet"], "width": 1.5, "dash": "dot"})
    figure.add_annotation(
        x=len(bins) - 0.55,
        y=100 * mean,
        text="mean",
        showarrow=False,
        xanchor="right",
        yanchor="bottom",
    )
    figure.update_xaxes(
        tickvals=list(range(len(bins))),
        ticktext=[label(row["label"].replace(" characters", ""), 16) for row in bins],
        range=[-0.5, len(bins) - 0.5],
        showgrid=False,
        title_text="difference in length of the two answers (characters)",
    )
    figure.update_yaxes(title_text="right about the pair (%)")
    return figure


def reward_rounds(rounds: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Pair accuracy and the ceiling of its labels, round by round."""
    figure = base()
    xs = [row["round"] for row in rounds]
    kinds = (
        ("ceiling", "ceiling", COLOURS["quiet"], "dot"),
        ("pair_accuracy", "reward model", COLOURS["reward"], "solid"),
    )
    y_range = span([100 * row[key] for row in rounds for key, _, _, _ in kinds], 0.35)
    for key, name, colour, dash in kinds:
        figure.add_scatter(
            x=xs,
            y=[100 * row[key] for row in rounds],
            mode="lines+markers",
            name=name,
            line={"color": colour, "width": 2, "dash": dash},
            marker={"size": 7},
            hovertemplate=f"{name}, round %{{x}}: %{{y:.1f}} %<extra></extra>",
        )
    ends = [(name, xs[-1], 100 * rounds[-1][key], colour) for key, name, colour, _ in kinds]
    end_labels(figure, ends, y_range)
    figure.update_xaxes(
        title_text="round of comparisons", dtick=1, range=[xs[0] - 0.2, xs[-1] + 0.1]
    )
    figure.update_yaxes(title_text="pairs right (%)", range=y_range)
    return figure


def over_optimisation(rows: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Gold success, the judge's score and the KL over the policy's steps, one above another."""
    figure = base(height=560)
    starts, offset = {}, 0
    for number in sorted({row["round"] for row in rows}):
        starts[number] = offset
        offset += max(row["step"] for row in rows if row["round"] == number)
    panels = (
        ("", [0.56, 1.0], COLOURS["policy"], "gold success (%)", lambda row: 100 * row["gold"]),
        ("2", [0.26, 0.5], COLOURS["reward"], "score", lambda row: row["score"]),
        ("3", [0.0, 0.2], COLOURS["sft"], "KL (nats)", lambda row: row["kl"]),
    )
    for row_id, domain, colour, title, value in panels:
        for number, start in starts.items():
            within = [row for row in rows if row["round"] == number]
            xs = [start + row["step"] for row in within]
            if row_id == "":
                add_band(figure, xs, [in_percent(row["ci95"]) for row in within], colour)
            figure.add_scatter(
                x=xs,
                y=[value(row) for row in within],
                mode="lines+markers",
                marker={"size": 5},
                line={"color": colour, "width": 2},
                xaxis="x",
                yaxis=f"y{row_id}",
                hovertemplate=f"round {number}, step %{{x}}: %{{y:.2f}}<extra>{title}</extra>",
            )
        figure.update_layout(
            {
                f"yaxis{row_id}": {
                    "domain": domain,
                    "title": {"text": title, "font": {"size": 14}},
                    "gridcolor": GRID,
                    "zeroline": False,
                    "fixedrange": True,
                    "automargin": True,
                    "anchor": "x",
                    "nticks": 4,
                }
            }
        )
    mark_rounds(figure, {f"round {number}": start for number, start in starts.items()})
    figure.update_xaxes(title_text="policy step, all rounds", showgrid=False, anchor="y3")
    return figure


def best_of_n(rows: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Gold success of the sample that the reward model likes best, by how many it chose from."""
    figure, colour = base(), COLOURS["reward"]
    xs = [row["n"] for row in rows]
    add_band(figure, xs, [in_percent(row["ci95"]) for row in rows], colour)
    figure.add_scatter(
        x=xs,
        y=[100 * row["gold"] for row in rows],
        mode="lines+markers",
        marker={"size": 7},
        line={"color": colour, "width": 2},
        text=[f"best of {row['n']}: {rate(row['gold'], row['ci95'])}" for row in rows],
        hovertemplate="%{text}<extra></extra>",
    )
    figure.update_xaxes(
        type="log", tickvals=xs, ticktext=[str(x) for x in xs], title_text="samples chosen from"
    )
    figure.update_yaxes(title_text="right answers (%)")
    return figure


def groups(
    rows: Sequence[Mapping[str, Any]], before: tuple[str, str], after: tuple[str, str], of_set: str
) -> go.Figure:
    """Each group's success before and after on a set, joined. before, after: (key, label)."""
    figure = base(height=90 + 34 * len(rows))
    ordered = sorted(rows, key=lambda row: row[after[0]] - row[before[0]])
    for i, row in enumerate(ordered):
        figure.add_scatter(
            x=[100 * row[before[0]], 100 * row[after[0]]],
            y=[i, i],
            mode="lines",
            line={"color": COLOURS["quiet"], "width": 2},
            hoverinfo="skip",
        )
    for (key, name), colour, symbol in (
        (before, COLOURS["sft"], "circle-open"),
        (after, COLOURS["policy"], "circle"),
    ):
        intervals = [share_interval(row[key], row["n"]) for row in ordered]
        values = [100 * row[key] for row in ordered]
        figure.add_scatter(
            x=values,
            y=list(range(len(ordered))),
            mode="markers",
            marker={
                "size": 10,
                "color": colour,
                "symbol": symbol,
                "line": {"width": 2, "color": colour},
            },
            error_x=error_bars(
                values, [in_percent(pair) for pair in intervals], fade(colour, 0.4), 1, 0
            ),
            text=[
                f"{name}: {rate(row[key], pair, row['n'])}"
                for row, pair in zip(ordered, intervals, strict=True)
            ],
            hovertemplate="%{text}<extra></extra>",
        )
        figure.add_annotation(
            x=values[-1],
            y=len(ordered) - 1,
            yshift=18,
            showarrow=False,
            text=name,
            xanchor="right"
            if (key == before[0]) == (values[-1] < 100 * ordered[-1][after[0]] or key == after[0])
            else "left",
        )
    figure.update_yaxes(
        tickvals=list(range(len(ordered))),
        range=[-0.6, len(ordered) + 0.1],
        ticktext=[label(row["group"], 34) for row in ordered],
        showgrid=False,
    )
    figure.update_xaxes(title_text=f"right, {label(of_set)} (%)", range=[0, 102])
    return figure


def costs(rows: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Seconds that each stage took."""
    figure = base(height=80 + 30 * len(rows), margin_r=84)
    at, seconds = list(range(len(rows)))[::-1], [row["seconds"] for row in rows]
    figure.add_scatter(
        x=seconds,
        y=at,
        mode="markers+text",
        cliponaxis=False,
        marker={"size": 9, "color": COLOURS["quiet"]},
        textposition="middle right",
        text=[f" {duration(time)}" for time in seconds],
        hoverinfo="skip",
        error_x=error_bars(seconds, [(0, time) for time in seconds], COLOURS["quiet"], 3, 0),
    )
    figure.update_yaxes(
        tickvals=at,
        ticktext=[label(row["stage"].replace("_", " "), 24) for row in rows],
        showgrid=False,
        range=[-0.6, len(rows) - 0.4],
    )
    figure.update_xaxes(title_text="time (s)", rangemode="tozero")
    return figure


def curve(
    lines: Mapping[str, Sequence[Line]],
    colours: Sequence[str],
    unit: str,
    marks: Mapping[str, float],
) -> go.Figure:
    """Metrics over steps: raw points faint, a running mean over them, broken between rounds.

    lines: name → a line for each round. marks: label → step.
    """
    figure, ends = base(), []
    points = [point for parts in lines.values() for part in parts for point in part]
    y_range = span([value for _, value in points])
    for (name, parts), colour in zip(lines.items(), colours, strict=False):
        for part in parts:
            smooth = running_mean(part)
            if smooth != part:
                figure.add_scatter(
                    x=[x for x, _ in part],
                    y=[y for _, y in part],
                    mode="markers",
                    marker={"size": 3, "color": fade(colour, 0.3)},
                    hoverinfo="skip",
                )
            figure.add_scatter(
                x=[x for x, _ in smooth],
                y=[y for _, y in smooth],
                mode="lines",
                line={"color": colour, "width": 2},
                hovertemplate=f"{label(name)}, step %{{x}}: %{{y:.4g}}<extra></extra>",
            )
        ends.append((name, *smooth[-1], colour))
    mark_rounds(figure, marks)
    figure.update_xaxes(title_text="step", showgrid=False, range=[0, max(x for x, _ in points)])
    figure.update_yaxes(title_text=unit, range=y_range)
    end_labels(figure, ends, y_range)
    return figure
