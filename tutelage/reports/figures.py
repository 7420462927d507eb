"""The house style of charts: paper, colours, labels, bands; charts.py draws with it."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

COLOURS = {
    "pretrain": "#999999",
    "sft": "#0072B2",
    "reward": "#E69F00",
    "policy": "#009E73",
    "people": "#CC79A7",
    "verifier": "#D55E00",
    "quiet": "#8a929b",
}
CLASSES = {colour: f"of-{stage}" for stage, colour in COLOURS.items()}
# Mid-tones: readable on both papers, should the page's own style not reach them.
TEXT, GRID = "#7d858e", "rgba(128,136,145,0.25)"
SERIF_FREE = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"
HEIGHT, TOP, BOTTOM, RIGHT = 300, 12, 52, 24
LABEL_GAP_PX, CHARACTER_PX = 19, 8

Line = Sequence[tuple[float, float]]


def stage_class(colour: str) -> str:
    """The class that gives a stage its colour: the web's policy forbids a style in the page."""
    return CLASSES.get(colour, "of-quiet")


def safe_json(figure: go.Figure) -> str:
    """A figure as JSON that cannot end the script element it stands in."""
    text = json.dumps(json.loads(figure.to_json()), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def label(text: str, limit: int = 40) -> str:
    """Foreign text as a chart's label: plotly reads tags in labels, so they are escaped."""
    flat = text.replace("\n", "␊")
    return html.escape(flat if len(flat) <= limit else flat[: limit - 1] + "…", quote=False)


def fade(colour: str, alpha: float) -> str:
    """A `#rrggbb` colour with some transparency."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def span(values: Sequence[float], pad: float = 0.08) -> list[float]:
    """An axis range around values, with some air."""
    low, high = min(values), max(values)
    air = (high - low) * pad or max(abs(high) * 0.1, 0.01)
    return [low - air, high + air]


def base(height: int = HEIGHT, **layout: Any) -> go.Figure:
    """An empty figure in the house style: transparent paper, no legend, quiet grid."""
    figure = go.Figure()
    axis = {
        "gridcolor": GRID,
        "zeroline": False,
        "automargin": True,
        "title_standoff": 10,
        "title_font_size": 14,
    }
    figure.update_layout(
        template="none",
        height=height,
        margin={"l": 60, "r": RIGHT, "t": TOP, "b": BOTTOM},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": SERIF_FREE, "size": 14, "color": TEXT},
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        **layout,
    )
    figure.update_xaxes(**axis, fixedrange=True)
    figure.update_yaxes(**axis, fixedrange=True)
    return figure


def in_percent(interval: Sequence[float]) -> list[float]:
    """The two ends of an interval of a share."""
    return [100 * end for end in interval]


def add_band(
    figure: go.Figure, xs: list[float], intervals: Sequence[Sequence[float]], colour: str
) -> None:
    """The interval (low, high) at each x, as a pale band behind a line."""
    figure.add_scatter(
        x=xs + xs[::-1],
        y=[high for _, high in intervals] + [low for low, _ in intervals][::-1],
        fill="toself",
        fillcolor=fade(colour, 0.16),
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        xaxis="x",
        yaxis="y",
    )


def error_bars(
    values: Sequence[float],
    intervals: Sequence[Sequence[float]],
    colour: str,
    thickness: float = 1.5,
    width: float = 3,
) -> dict[str, Any]:
    """An interval (low, high) around each value, in its unit, for plotly's error_x and error_y."""
    return {
        "type": "data",
        "symmetric": False,
        "thickness": thickness,
        "width": width,
        "color": colour,
        "array": [high - value for value, (_, high) in zip(values, intervals, strict=True)],
        "arrayminus": [value - low for value, (low, _) in zip(values, intervals, strict=True)],
    }


def end_labels(
    figure: go.Figure, ends: Sequence[tuple[str, float, float, str]], y_range: Sequence[float]
) -> None:
    """Names at the lines' last points (name, x, y, colour), pushed apart where they collide."""
    names = [label(name, 18) for name, *_ in ends]
    figure.update_layout(margin_r=30 + CHARACTER_PX * max(len(name) for name in names))
    pixels = (HEIGHT - TOP - BOTTOM) / (y_range[1] - y_range[0])
    floor = float("-inf")
    for name, x, y, colour in sorted(ends, key=lambda end: end[2]):
        at = max((y - y_range[0]) * pixels, floor)
        floor = at + LABEL_GAP_PX
        shift = at - (y - y_range[0]) * pixels
        figure.add_annotation(
            x=x,
            y=y,
            text=f'<span style="color:{colour}">●</span> {label(name, 18)}',
            showarrow=False,
            xanchor="left",
            xshift=8,
            yshift=shift,
            align="left",
            name="end",
        )


def mark_rounds(figure: go.Figure, marks: Mapping[str, float]) -> None:
    """A dashed line and a name where each round begins. marks: name → step."""
    if len(marks) < 2:
        return
    for name, at in marks.items():
        figure.add_vline(x=at, line={"color": GRID, "width": 1.5, "dash": "dash"})
        figure.add_annotation(
            x=at,
            y=1,
            yref="paper",
            text=label(name),
            showarrow=False,
            xanchor="left",
            yanchor="bottom",
            xshift=2,
        )
    figure.update_layout(margin_t=28)


def running_mean(line: Line) -> Line:
    """Each value averaged with its neighbours, over a tenth of the line; short lines stay."""
    if len(line) < 30:
        return line
    reach = len(line) // 20
    smoothed = []
    for i, (x, _) in enumerate(line):
        near = line[max(0, i - reach) : i + reach + 1]
        smoothed.append((x, sum(y for _, y in near) / len(near)))
    return smoothed
