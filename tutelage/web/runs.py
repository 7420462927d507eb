"""The runs pages: which runs there are, how one goes and went, how two differ."""

from __future__ import annotations

import gzip
import json
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from plotly.offline import get_plotlyjs

from tutelage.labelling.counts import queue_state
from tutelage.reports.panels import Panel
from tutelage.reports.reading import (
    Series,
    begun_control,
    read_metrics,
    read_report,
    seed_metrics,
)
from tutelage.reports.report import control_values, report_page
from tutelage.runs import stages_of
from tutelage.taught import newest_taught
from tutelage.web.comparing import compare_runs
from tutelage.web.errors import Refused
from tutelage.web.models import colour, display_name
from tutelage.web.render import fragment, page
from tutelage.web.security import Serving, Visiting
from tutelage.web.site import Site
from tutelage.wording import duration, rate

MOST_RUNS = 200
FEW = 5  # examples that stand open in a page


def runs_page(request: Request, visitor: Visiting, site: Serving) -> Response:
    """The run that is served and its siblings, the latest first."""
    return page(
        request,
        "runs.html",
        runs=[_summary(folder) for folder in _runs(site)],
        served=site.run.name if site.run else "",
        state=_state(site),
    )


def run_page(request: Request, name: str, visitor: Visiting, site: Serving) -> Response:
    """One run: what was made, its curves while they grow, its samples and its report card."""
    folder = _run(site, name)
    values = _values(folder)
    return page(
        request,
        "control_run.html" if values["is_control"] else "run.html",
        name=folder.name,
        served=site.run is not None and folder.name == site.run.name,
        state=_state(site),
        few=FEW,
        **values,
    )


def live(request: Request, name: str, visitor: Visiting, site: Serving) -> Response:
    """The curves and figures of a run, when they are others than those that the page has."""
    folder = _run(site, name)
    stamp = _stamp(folder)
    if request.headers.get("if-none-match") == stamp:
        return Response(status_code=304, headers={"etag": stamp})
    values = _values(folder)
    figures = {key: json.loads(panel.figure) for key, panel in _figures(values).items()}
    curves = fragment("curves.html", curves=values["curves"])
    return JSONResponse({"figures": figures, "curves": curves}, headers={"etag": stamp})


def compare_page(
    request: Request, visitor: Visiting, site: Serving, a: str = "", b: str = ""
) -> Response:
    """Two runs side by side, each difference with its interval."""
    runs = [folder for folder in _runs(site) if _speaks(folder)]
    names = [folder.name for folder in runs]
    table = None
    if a and b:
        first, second = (_report(_run(site, name)) for name in (a, b))
        table = compare_runs(first, second)
    return page(request, "compare.html", names=names, a=a, b=b, table=table)


def plotly(request: Request) -> Response:
    """plotly.js as its own wheel carries it, compressed once."""
    headers = {"cache-control": f"public, max-age={7 * 86_400}", "vary": "accept-encoding"}
    script = get_plotlyjs().encode()
    if "gzip" in request.headers.get("accept-encoding", ""):
        script, headers["content-encoding"] = _packed(), "gzip"
    return Response(script, media_type="text/javascript", headers=headers)


@cache
def _packed() -> bytes:
    return gzip.compress(get_plotlyjs().encode(), 6)


def _runs(site: Site) -> list[Path]:
    """The served run and its siblings; a folder is a run by what is in it."""
    if site.run is None or not site.run.is_dir():
        return []
    folders = [path for path in site.run.parent.iterdir() if _is_run(path)]
    if site.run not in folders:
        folders.append(site.run)
    return sorted(folders, key=_changed_at, reverse=True)[:MOST_RUNS]


def _is_run(path: Path) -> bool:
    return not path.name.startswith(".") and any(file.exists() for file in _files(path))


def _files(folder: Path) -> list[Path]:
    """What a run writes as it goes on."""
    names = ("metrics.jsonl", "report.json", "checkpoints")
    return [*(folder / name for name in names), *seed_metrics(folder).values()]


def _run(site: Site, name: str) -> Path:
    """The run of this name, which must be one that the list shows: a name is never a path."""
    for folder in _runs(site):
        if folder.name == name:
            return folder
    raise Refused(404, "There is no such run here; the Runs page lists them.")


def _changed_at(folder: Path) -> float:
    return max((file.stat().st_mtime for file in _files(folder) if file.exists()), default=0.0)


def _stamp(folder: Path) -> str:
    """What changes when a run writes."""
    parts = []
    for path in _files(folder):
        if path.is_file():
            status = path.stat()
            parts.append(f"{status.st_mtime_ns}-{status.st_size}")
    return f'"{"_".join(parts)}"'


def _report(folder: Path) -> dict[str, Any]:
    """What report.json says; before there is one, what it could say: nothing."""
    path = folder / "report.json"
    return read_report(path) if path.exists() else begun_control(folder) or {"version": 1}


def _speaks(folder: Path) -> bool:
    path = folder / "report.json"
    return path.exists() and '"control"' not in path.read_text(encoding="utf-8")[:400]


def _values(folder: Path) -> dict[str, Any]:
    """Everything that a run's page shows; made once for all who look until the run writes."""
    return _made(folder, _stamp(folder))


@lru_cache(maxsize=8)
def _made(folder: Path, _: str) -> dict[str, Any]:
    report = _report(folder)
    if report.get("kind") == "control":
        return {**control_values(report, folder), "is_control": True}
    metrics = read_metrics(folder / "metrics.jsonl")
    values = report_page(report, metrics)
    return {
        **values,
        "is_control": False,
        "measured": bool(report.get("stages")),
        "training": _training(metrics),
    }


def _training(metrics: dict[str, Series]) -> list[dict[str, Any]]:
    """Each stage that has logged, with its last step."""
    return [
        {
            "name": display_name(stage),
            "colour": colour(stage),
            "step": int(max(line[-1][0] for line in series.values())),
        }
        for stage, series in metrics.items()
    ]


def _figures(values: dict[str, Any]) -> dict[str, Panel]:
    """Every chart of the page by the key that stands in its place."""
    figures = {f"curve{i}": panel for i, panel in enumerate(values["curves"])}
    for name in ("rise", "groups", "costs", "learned"):
        if isinstance(values.get(name), Panel):
            figures[name] = values[name]
    for name in ("reward_panels", "fooled"):
        figures |= {f"{name}{i}": panel for i, panel in enumerate(values.get(name, ()))}
    return figures


def _summary(folder: Path) -> dict[str, Any]:
    """A run in a line of the list; a report that cannot be read says so there."""
    summary: dict[str, Any] = {"name": folder.name, "changed_at": _changed_at(folder), "note": ""}
    summary["stages"] = [(display_name(name), colour(name)) for name in stages_of(folder)]
    try:
        report = _report(folder)
    except ValueError as error:
        return {**summary, "right": "", "took": "", "note": str(error)}
    if report.get("kind") == "control":
        note = f"{report['algorithm']} on {report['environment']}"
        note += "" if "mean" in report else ", not evaluated yet"
        return {**summary, "right": "", "took": "", "note": note}
    cells = [
        next(iter(stage["held_out"].values()))
        for stage in report.get("stages", {}).values()
        if stage.get("held_out")
    ]
    last = cells[-1] if cells else None
    right = rate(last["success"], last["ci95"], last["n"]) if last else ""
    took = duration(report["seconds"]) if "seconds" in report else ""
    return {**summary, "right": right, "took": took}


def _state(site: Site) -> dict[str, Any]:
    """Where the queue and the teacher stand."""
    taught = newest_taught(site.run) if site.run else None
    changed_at = taught.policy.stat().st_mtime if taught and taught.policy.exists() else None
    return {
        "queue": queue_state(site.store),
        "version": taught.version if taught else 0,
        "taught_s": site.store.clock() - changed_at if changed_at else None,
    }
