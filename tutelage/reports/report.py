"""Writes a run's report: one self-contained page that opens offline."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from tutelage.errors import TutelageError
from tutelage.reports import overview, panels, tables
from tutelage.reports.answers import answer_helped, answer_reward_model, set_name
from tutelage.reports.control_page import control_page
from tutelage.reports.doctor import examined, reinforced
from tutelage.reports.figures import stage_class
from tutelage.reports.overview import Stage
from tutelage.reports.reading import Series, read_metrics, read_report
from tutelage.runs import write_text
from tutelage.wording import count, megabytes

FOLDER = Path(__file__).parent
FILM = "best_episode.webp"
LOADER = PackageLoader("tutelage.reports", "")


def write_report(run_folder: Path) -> Path:
    """Make run_folder/report.html from its report.json and metrics.jsonl."""
    report = read_report(run_folder / "report.json")
    path = run_folder / "report.html"
    if report.get("kind") == "control":
        text = _filled("control.html", control_values(report, run_folder))
    else:
        text = render(report, read_metrics(run_folder / "metrics.jsonl"))
    try:
        write_text(path, text)
    except OSError as error:
        raise TutelageError(f"The file {path} cannot be written: {error.strerror}.") from None
    return path


def render(report: Mapping[str, Any], metrics: Mapping[str, Series]) -> str:
    """The page as text. Needs nothing but its arguments, so equal runs give equal pages."""
    return _filled("report.html", report_page(report, metrics))


def control_values(report: Mapping[str, Any], run_folder: Path) -> dict[str, Any]:
    """What the page shows of a run with a folder for each seed. report: of a finished run, or what
    `begun_control` gives of one that still learns."""
    metrics = [
        read_metrics(run_folder / f"seed_{row['seed']}" / "metrics.jsonl")
        for row in report["seeds"]
    ]
    film = run_folder / FILM
    picture = film.read_bytes() if "film" in report and film.exists() else b""
    return control_page(report, metrics, picture)


def _filled(template: str, page: Mapping[str, Any]) -> str:
    # No element may run but these two scripts: the policy names them by their content.
    script = _asset("static/figure.js") + _asset("report.js")
    plotly = get_plotlyjs() if page["has_charts"] else ""
    hashes = " ".join(_hash(text) for text in (plotly, script) if text)
    environment = Environment(
        loader=LOADER,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"unbroken": unbroken, "stage_class": stage_class}
    return environment.get_template(template).render(
        **page,
        policy=f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:",
        style=_asset("report.css"),
        script=script,
        plotly=plotly,
    )


def unbroken(sentence: str) -> str:
    """A sentence in which no line ends between a number and its unit."""
    return re.sub(
        r"(?<=\d) (?=(?:%|points|nats|tokens|MB|min|s)(?!\w))|(?<=±) ", "\u00a0", sentence
    )


def report_page(report: Mapping[str, Any], metrics: Mapping[str, Series]) -> dict[str, Any]:
    """Everything the template shows, as words, cells and panels."""
    stages = overview.stages_of(report)
    rewards = report.get("reward_model")
    fooled = panels.fooled_panel(report), panels.best_of_n_panel(report.get("best_of_n", []))
    page = {
        "headline": overview.headline(report, stages),
        "numbers": overview.big_numbers(report, stages),
        "steps": overview.pipeline(report, stages),
        "first_set": set_name(overview.first_set(stages)),
        "held_out": tables.held_out_table(report, stages),
        "behaviour": tables.behaviour_table(stages),
        "rise": panels.stage_panel(stages, _gains(report, stages)),
        "examples": overview.examples(report, stages),
        "card": overview.report_card(rewards) if rewards else [],
        "card_answer": answer_reward_model(rewards["pair_accuracy"], rewards["ceiling"])
        if rewards
        else "",
        "reward_panels": panels.reward_panels(rewards) if rewards else [],
        "no_rewards": _no_rewards(report),
        "fooled": [panel for panel in fooled if panel],
        "curves": panels.curve_panels(metrics),
        "recorded": panels.recorded(metrics),
        "doctor": _doctor(report, metrics),
        "groups": panels.groups_panel(report.get("by_group", []), stages),
        "costs": panels.costs_panel(report.get("costs", [])),
        "facts": _facts(report),
        "command": report.get("command", ""),
    }
    charts = ("rise", "reward_panels", "fooled", "curves", "groups", "costs")
    return page | {"has_charts": any(page[name] for name in charts)}


def _gains(report: Mapping[str, Any], stages: list[Stage]) -> str:
    """Whether the last stage helped, on each set that it shares with the one before."""
    measured = [stage for stage in stages if stage.held_out][-2:]
    if len(measured) < 2:
        return ""
    before, after = measured
    gaps = {
        key: dict(zip(("difference", "ci95", "n"), gap, strict=True))
        for key in after.held_out
        if (gap := overview.gain(report, before, after, key))
    }
    return answer_helped(gaps) if gaps else ""


def _no_rewards(report: Mapping[str, Any]) -> str:
    """Why there is no report card."""
    if report.get("judge") == "verifier":
        return "Answers were judged by the gold check itself, so no reward model was trained."
    return "This run trained no reward model."


def _doctor(report: Mapping[str, Any], metrics: Mapping[str, Series]) -> dict[str, Any]:
    """What the doctor found in the reinforced stages, or in how many steps it found nothing."""
    algorithm = report.get("algorithm", "ppo").upper()
    findings = [
        {"where": f"{finding.stage.replace('ppo_', f'{algorithm} ')}, step {finding.step}"}
        | vars(finding)
        for finding in examined(metrics)
    ]
    return {"findings": findings, "steps": count(sum(reinforced(metrics).values()))}


def _facts(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Versions, machine, seed: what a second run needs to be the same."""
    machine, model = report.get("machine", {}), report.get("model", {})
    shape = ", ".join(f"{key} {count(model[key])}" for key in model)
    facts = [
        ("Seed", str(report["seed"]) if "seed" in report else ""),
        ("Commit", report.get("commit", "")),
        ("Model", shape),
        ("Judge", report.get("judge", "").replace("_", " ")),
        ("Algorithm", report.get("algorithm", "").upper()),
        ("Processor", machine.get("processor", "")),
        ("Cores", str(machine.get("cores", ""))),
        (
            "Memory at peak",
            megabytes(report["peak_memory_bytes"]) if "peak_memory_bytes" in report else "",
        ),
        (
            "Versions",
            ", ".join(
                f"{key} {machine[key]}" for key in ("tutelage", "torch", "python") if key in machine
            ),
        ),
        ("Numbers", machine.get("dtype", "")),
    ]
    return [(name, value) for name, value in facts if value]


def _asset(name: str) -> str:
    """A file in this module's folder."""
    return (FOLDER / name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    """A script's name in a content security policy."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
