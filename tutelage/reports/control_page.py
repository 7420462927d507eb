"""The report of a network that learned to act: its words, charts and tables."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import plotly.graph_objects as go

from tutelage.evaluation.statistics import mean_interval
from tutelage.reports.answers import answer_change, answer_curve
from tutelage.reports.control_wording import begun, places_for, result, with_interval
from tutelage.reports.doctor import examined, reinforced
from tutelage.reports.figures import COLOURS, add_band, base, end_labels, fade, safe_json, span
from tutelage.reports.overview import BigNumber
from tutelage.reports.panels import MOST_ROWS, Panel, recorded
from tutelage.reports.reading import Series
from tutelage.reports.seed_curves import Averaged, averaged, over_steps
from tutelage.wording import count, decimal, duration, plural

COLOUR = COLOURS["policy"]


@dataclass(frozen=True)
class Curve:
    """One metric over the steps. up: the right direction; None: neither."""

    metric: str
    name: str
    question: str
    unit: str
    up: bool | None = None
    places: int = 2


CURVES = (
    Curve("policy/entropy", "entropy", "Did it keep its variety?", "entropy (nats a step)"),
    Curve(
        "policy/approx_kl", "KL", "How far did an update move the policy?", "KL (nats)", places=4
    ),
    Curve("policy/kl_step", "KL", "How far did an update move the policy?", "KL (nats)", places=4),
    Curve(
        "value/explained_variance",
        "explained variance",
        "Did the critic foresee the returns?",
        "share of their variance",
        up=True,
    ),
    Curve("value/loss", "value loss", "How large was the critic's error?", "half its square"),
    Curve("value/mean", "mean value", "What did it expect to earn?", "discounted return"),
    Curve("policy/loss", "policy loss", "What was the policy's loss?", "loss", places=3),
    Curve(
        "policy/surrogate",
        "gain",
        "What did a step gain, by the surrogate?",
        "gain (deviations)",
        places=3,
    ),
    Curve("episode/length", "length", "How long were the episodes?", "steps an episode", places=0),
)


def control_page(
    report: Mapping[str, Any], metrics: Sequence[Mapping[str, Series]], picture: bytes
) -> dict[str, Any]:
    """Everything the template shows. metrics: of each seed; picture: WebP, empty for none."""
    series = [by_stage.get("control", {}) for by_stage in metrics]
    learned = _learned(report, series)
    names = _seed_names(report)
    curves = [panel for curve in CURVES if (panel := _curve_panel(curve, series, names))]
    return {
        "headline": result(report) if "mean" in report else begun(report),
        "numbers": _numbers(report) if "mean" in report else [],
        "film": f"data:image/webp;base64,{base64.b64encode(picture).decode()}" if picture else "",
        "film_caption": _film_caption(report),
        "learned": learned,
        "evaluation": _evaluation(report) if "mean" in report else [],
        "curves": curves,
        "doctor": _doctor(report, metrics),
        "recorded": recorded(dict(zip(names, series, strict=True))),
        "settings": sorted(report.get("settings", {}).items()),
        "facts": _facts(report),
        "command": report.get("command", ""),
        "has_charts": bool(learned or curves),
    }


def _numbers(report: Mapping[str, Any]) -> list[BigNumber]:
    """Before, after, time."""
    seeds, places = report["seeds"], places_for(report["mean"])
    first = [row["first_return"] for row in seeds if "first_return" in row]
    numbers = []
    if first:
        below = "return of the first episodes, while it tried"
        numbers.append(BigNumber("at first", decimal(sum(first) / len(first), places), below))
    over = f"n = {count(len(seeds))} seeds" if len(seeds) > 1 else "1 seed"
    half = with_interval(report["mean"], report.get("ci95"), places).partition(" ")[2]
    below = f"return of the likeliest actions, {half} ({over})"
    numbers.append(BigNumber("in the end", decimal(report["mean"], places), below, COLOUR))
    speeds = [row["steps_per_s"] for row in seeds if "steps_per_s" in row]
    speed = f", {count(round(sum(speeds) / len(speeds)))} steps/s" if speeds else ""
    word = "time a seed" if len(seeds) > 1 else "time"
    seconds = sum(row["seconds"] for row in seeds) / len(seeds)
    below = f"{count(seeds[0]['steps'])} steps{speed}"
    return [*numbers, BigNumber(word, duration(seconds), below)]


def _film_caption(report: Mapping[str, Any]) -> str:
    film = report.get("film")
    if film is None:
        return ""
    speed = "" if film["speed"] <= 1 else f", shown {decimal(film['speed'])} times as fast"
    total = decimal(film["return"], places_for(film["return"]))
    which = ", which did best of all" if len(report["seeds"]) > 1 else ""
    return (
        f"The best of {plural(film['episodes'], 'episode')} of seed {film['seed']}{which}: return "
        f"{total} in {plural(film['steps'], 'step')}{speed}."
    )


def _learned(report: Mapping[str, Any], series: Sequence[Series]) -> Panel | None:
    """Did it learn? The return against the steps."""
    lines = [over_steps(one, "episode/return") for one in series]
    if not lines or not all(lines):
        return None
    curves = averaged(lines)
    places = places_for(report.get("mean", curves.mean[-1]))
    audits = [point for one in series for point in over_steps(one, "audit/return")]
    mean = list(zip(curves.xs, curves.mean, strict=True))
    moved = answer_curve({"the return while learning": [mean]}, places=places, up=True).rstrip(".")
    if "mean" in report:
        kept = with_interval(report["mean"], report.get("ci95"), places)
        which = "policies kept earn" if len(lines) > 1 else "policy kept earns"
        moved += f"; the {which} {kept}, acting by the likeliest action"
    drawn = "Points are audits."
    if len(lines) > 1:
        drawn = "Thin lines are seeds, the band is the mean's 95 % interval, points are audits."
    figure = _figure(curves, "return of an episode", "mean" if len(lines) > 1 else "return", audits)
    headings = ("steps", "mean", "95 % interval", *_seed_names(report))
    answer, rows = f"{moved}. {drawn}", _rows(curves, places)
    return Panel("Did it learn?", answer, safe_json(figure), headings, rows)


def _curve_panel(curve: Curve, series: Sequence[Series], names: Sequence[str]) -> Panel | None:
    lines = [over_steps(one, curve.metric) for one in series]
    if not lines or not all(len(line) > 1 for line in lines):
        return None
    curves = averaged(lines)
    mean = list(zip(curves.xs, curves.mean, strict=True))
    if curve.up is None:
        answer = answer_change(curve.name, mean, places=curve.places)
    else:
        answer = answer_curve({curve.name: [mean]}, places=curve.places, up=curve.up)
    figure = _figure(curves, curve.unit, curve.name, [])
    headings = ("steps", "mean", "95 % interval", *names)
    return Panel(curve.question, answer, safe_json(figure), headings, _rows(curves, curve.places))


def _seed_names(report: Mapping[str, Any]) -> list[str]:
    return [f"seed {row['seed']}" for row in report["seeds"]]


def _rows(curves: Averaged, places: int) -> list[list[str]]:
    return [
        [
            decimal(x, 0),
            decimal(curves.mean[i], places),
            " to ".join(decimal(end, places) for end in curves.intervals[i])
            if len(curves.seeds) > 1
            else "one seed",
            *(decimal(seed[i], places) for seed in curves.seeds),
        ]
        for i, x in list(enumerate(curves.xs))[:: -(-len(curves.xs) // MOST_ROWS)]
    ]


def _figure(
    curves: Averaged, unit: str, name: str, audits: Sequence[tuple[float, float]]
) -> go.Figure:
    """Each seed thin, the mean thick in the band of its interval, audits as points."""
    figure = base()
    y_range = span([*chain(*curves.seeds), *(y for _, y in audits)])
    if len(curves.seeds) > 1:
        # An interval over few seeds may exceed possible values; the axis keeps to measured ones.
        floor, top = y_range
        within = [(max(floor, low), min(top, high)) for low, high in curves.intervals]
        add_band(figure, curves.xs, within, COLOUR)
        for seed in curves.seeds:
            figure.add_scatter(
                x=curves.xs,
                y=seed,
                mode="lines",
                line={"color": fade(COLOUR, 0.35), "width": 1},
                hoverinfo="skip",
            )
    if audits:
        figure.add_scatter(
            x=[x for x, _ in audits],
            y=[y for _, y in audits],
            mode="markers",
            marker={"size": 5, "color": fade(COLOURS["verifier"], 0.6)},
            hovertemplate="audit after %{x:,.0f} steps: %{y:.4g}<extra></extra>",
        )
    figure.add_scatter(
        x=curves.xs,
        y=curves.mean,
        mode="lines",
        line={"color": COLOUR, "width": 2},
        hovertemplate="%{x:,.0f} steps: %{y:.4g}<extra></extra>",
    )
    ends = [(name, curves.xs[-1], curves.mean[-1], COLOUR)]
    if audits:
        x_last = max(x for x, _ in audits)
        last = [y for x, y in audits if x == x_last]
        ends.append(("audits", curves.xs[-1], sum(last) / len(last), COLOURS["verifier"]))
    figure.update_xaxes(title_text="steps", showgrid=False, range=[0, curves.xs[-1] * 1.01])
    figure.update_yaxes(title_text=unit, range=y_range)
    end_labels(figure, ends, y_range)
    return figure


def _evaluation(report: Mapping[str, Any]) -> list[list[str]]:
    """A row for each seed's final evaluation, and one for all."""
    everything = [value for row in report["seeds"] for value in row["returns"]]
    places = places_for(*everything)
    rows = [
        [
            f"seed {row['seed']}",
            with_interval(row["mean"], mean_interval(row["returns"])[1], places),
            decimal(row["sd"], places),
            decimal(min(row["returns"]), places),
            decimal(max(row["returns"]), places),
            count(len(row["returns"])),
            duration(row["seconds"]),
            count(round(row["steps_per_s"])) if "steps_per_s" in row else "",
        ]
        for row in report["seeds"]
    ]
    if len(rows) > 1:
        rows.append(
            [
                "all seeds",
                with_interval(report["mean"], report.get("ci95"), places),
                "",
                decimal(min(everything), places),
                decimal(max(everything), places),
                count(len(everything)),
                duration(sum(row["seconds"] for row in report["seeds"])),
                "",
            ]
        )
    return rows


def _doctor(report: Mapping[str, Any], metrics: Sequence[Mapping[str, Series]]) -> dict[str, Any]:
    """What the doctor found in each seed, or in how many updates it found nothing."""
    findings = [
        {"where": f"{name}, update {finding.step}"} | vars(finding)
        for name, one in zip(_seed_names(report), metrics, strict=True)
        for finding in examined(one)
    ]
    return {"findings": findings, "steps": count(sum(sum(reinforced(m).values()) for m in metrics))}


def _facts(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    machine = report.get("machine", {})
    versions = [f"{key} {machine[key]}" for key in machine if key != "processor"]
    facts = [
        ("Commit", report.get("commit", "")),
        ("Processor", machine.get("processor", "")),
        ("Versions", ", ".join(versions)),
    ]
    return [(name, value) for name, value in facts if value]
