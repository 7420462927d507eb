"""How far people agree, what that means for the reward model, and what it cost."""

from __future__ import annotations

import dataclasses
import json
import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from fastapi import Request
from fastapi.responses import JSONResponse, Response

from tutelage.errors import BadInput
from tutelage.labelling.agreement import (
    Measured,
    agreement_of_each,
    alpha_interval,
    pairwise_agreement,
    value_counts,
)
from tutelage.labelling.learning_curve import (
    Ceiling,
    Forecast,
    LearningCurve,
    Pace,
    fit_curve,
    forecast,
    implied_ceiling,
    spent,
)
from tutelage.labelling.opinions import Opinions, read_opinions
from tutelage.labelling.overview import work_of_each
from tutelage.labelling.pairs import Ints, Pairs, pairs_of
from tutelage.labelling.settings import Settings, read_settings
from tutelage.labelling.skill import LabelerSkill, noisy_bradley_terry
from tutelage.reports.figures import safe_json
from tutelage.reports.panels import Panel
from tutelage.reports.people_charts import accuracy_against_comparisons, labeler_accuracy
from tutelage.web.render import fragment, page
from tutelage.web.security import Serving, Visiting
from tutelage.web.site import Site
from tutelage.wording import count, decimal, duration, percent, rate, signed

RATINGS = 7  # levels of the overall rating
MOST_RANKINGS = 5000  # the newest, of which agreement is counted
MOST_PAIRS = 2000  # of the newest rankings, of which skill is estimated: seconds, not minutes
DRAWS = 200  # of each bootstrap
_lock = threading.Lock()
_counted: dict[str, tuple[int, Counted]] = {}  # by database: what was counted up to which label
_skills: dict[str, tuple[int, Mapping[Any, LabelerSkill]]] = {}
_estimating: set[str] = set()  # databases whose skills are being estimated


@dataclass(frozen=True, kw_only=True)
class Card:
    """A number of the page: its name, its text, and a sentence under it."""

    name: str
    value: str
    note: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """One labeler in the table; cells are written as they are shown."""

    name: str
    labels: str
    agreement: str
    agreement_n: str
    skill: str
    position: str
    length: str
    active: str
    cost: str


@dataclass(frozen=True, kw_only=True)
class Counted:
    """Statistics of all labels up to one, cached because they take seconds."""

    opinions: Opinions
    pairs: Pairs
    between: Measured  # agreement of two labelers on a pair, ties left out
    alphas: Mapping[str, Measured]
    ceiling: Ceiling | None
    curve: LearningCurve | None
    why_none: str  # why there is no curve


def agreement_page(request: Request, visitor: Visiting, site: Serving) -> Response:
    counted = count_all(site)
    skills, waiting = skills_of(site.store.place, counted.opinions)
    chosen = read_settings(site.store)
    return page(
        request,
        "manage/agreement.html",
        cards=cards(counted, chosen),
        more=more_labels(counted, chosen, len(counted.opinions.by_labeler)),
        curves=panels(site, counted),
        rows=rows(site, counted, skills, chosen),
        waiting=waiting,
    )


def live(request: Request, visitor: Visiting, site: Serving) -> Response:
    """The page's charts, when they are others than those that it has."""
    counted = count_all(site)
    stamp = f'"{_state(counted.opinions)}"'
    if request.headers.get("if-none-match") == stamp:
        return Response(status_code=304, headers={"etag": stamp})
    charts = panels(site, counted)
    figures = {f"curve{at}": json.loads(panel.figure) for at, panel in enumerate(charts)}
    curves = fragment("curves.html", curves=charts)
    return JSONResponse({"figures": figures, "curves": curves}, headers={"etag": stamp})


def count_all(site: Site) -> Counted:
    """Counted once for all who look, until there is another label."""
    opinions = read_opinions(site.store)
    state = _state(opinions)
    with _lock:
        known = _counted.get(site.store.place)
        if known is None or known[0] != state:
            known = _counted[site.store.place] = (state, _count(opinions))
        return known[1]


def _state(opinions: Opinions) -> int:
    """Changes with every label, retraction and measurement."""
    return hash((opinions.last, len(opinions.active_s), tuple(opinions.measurements)))


def skills_of(place: str, opinions: Opinions) -> tuple[Mapping[Any, LabelerSkill], bool]:
    """Skills by labeler as they were last estimated, and whether newer ones are on their way: that
    takes too long for a page to wait."""
    with _lock:
        upto, skills = _skills.get(place, (0, {}))
        if upto == opinions.last:
            return skills, False
        if place not in _estimating:
            _estimating.add(place)
            # The server ends after it: a daemon thread that is ended in torch aborts the process.
            threading.Thread(target=_estimate, args=(place, opinions), daemon=False).start()
    return skills, True


def _estimate(place: str, opinions: Opinions) -> None:
    chosen, pairs = [], 0
    for ranking in reversed(opinions.rankings):
        pairs += math.comb(len(ranking.ranks), 2)
        if pairs > MOST_PAIRS:
            break
        chosen.append(ranking)
    skills: dict[Any, LabelerSkill] = {}
    try:
        if chosen:
            fit = noisy_bradley_terry(pairs_of(chosen[::-1]))
            skills = {one.labeler: one for one in fit.labelers}
    finally:  # what cannot be estimated is not tried again until there is another label
        with _lock:
            _skills[place] = opinions.last, skills
            _estimating.discard(place)


def _count(opinions: Opinions) -> Counted:
    pairs = pairs_of(opinions.rankings[-MOST_RANKINGS:])
    between = pairwise_agreement(pairs, decisive=True, draws=DRAWS)
    alphas = {}
    if len(pairs):
        answers = value_counts(pairs.questions(), _turned(pairs) + 1, 3)
        alphas["rankings"] = alpha_interval(answers, "ordinal", draws=DRAWS)
    if len(opinions.rated):
        units = np.unique(opinions.rated[:, 0], return_inverse=True)[1]
        answers = value_counts(units, opinions.rated[:, 2], RATINGS)
        alphas["ratings"] = alpha_interval(answers, "ordinal", draws=DRAWS)
    curve, why_none = None, ""
    measured = opinions.measurements
    try:
        curve = fit_curve(
            [m.comparisons for m in measured],
            [m.after for m in measured],
            [m.pairs for m in measured],
        )
    except BadInput as error:
        why_none = str(error)
    return Counted(
        opinions=opinions,
        pairs=pairs,
        between=between,
        alphas={name: alpha for name, alpha in alphas.items() if alpha.n},
        ceiling=implied_ceiling(between.value) if between.n else None,
        curve=curve,
        why_none=why_none,
    )


def _turned(pairs: Pairs) -> Ints:
    """(N,) preferences, half of the questions' the other way round: which reply is named first is
    nobody's opinion, and where the first were mostly better, alpha would take that for chance."""
    questions = pairs.questions()
    signs = np.random.default_rng(0).choice([-1, 1], size=len(pairs) + 1)
    return pairs.preferences * signs[questions]


def cards(counted: Counted, chosen: Settings) -> list[Card]:
    """The numbers that stand at the top."""
    all_cards = []
    between = counted.between
    if between.n:
        note = "how often two people prefer the same of two replies, ties left out"
        value = rate(between.value, between.ci95, between.n)
        all_cards.append(Card(name="Agreement", value=value, note=note))
    for name, alpha in counted.alphas.items():
        low, high = alpha.ci95
        value = f"{decimal(alpha.value, 2)} [{decimal(low, 2)} to {decimal(high, 2)}]"
        note = f"of {name}, n = {count(alpha.n)}; 1 is full agreement, 0 what chance makes"
        all_cards.append(Card(name="Krippendorff's alpha", value=value, note=note))
    if counted.ceiling:
        ceiling = counted.ceiling
        note = (
            f"a reward model can agree with one person at most so often; it lies between "
            f"{percent(ceiling.low)} and {percent(ceiling.high)}"
        )
        all_cards.append(Card(name="Implied ceiling", value=percent(ceiling.estimate), note=note))
    measured = counted.opinions.measurements
    if measured:
        last = measured[-1]
        value = rate(last.after, last.ci95, last.pairs)
        before = percent(measured[0].before)
        note = f"after {count(last.comparisons)} comparisons, {before} before the first label"
        all_cards.append(Card(name="Reward model's accuracy", value=value, note=note))
    if counted.opinions.active_s:
        gained = measured[-1].after - measured[0].before if measured else math.nan
        cost = spent(counted.opinions.active_s, chosen.cost_an_hour, gained)
        a_label = duration(3600 * cost.hours / cost.labels)
        note = f"{count(cost.labels)} labels, {a_label} each"
        if chosen.cost_an_hour:
            money = f"{chosen.currency}{cost.cost:,.2f}"
            note += f", {money} so far, {chosen.currency}{cost.cost_a_label:,.2f} a label"
            if math.isfinite(cost.gain_a_hundred):
                note += f", {signed(cost.gain_a_hundred)} points a {chosen.currency}100"
        all_cards.append(Card(name="Active time", value=duration(3600 * cost.hours), note=note))
    return all_cards


def more_labels(counted: Counted, chosen: Settings, people: int) -> str:
    """How many more comparisons one point more would take, as a sentence."""
    if counted.curve is None:
        return counted.why_none
    times = [s for s in counted.opinions.ranking_s if s > 0]
    pace = Pace(
        seconds_a_label=float(np.median(times)) if times else 30.0,
        people=max(1, people),
        cost_an_hour=chosen.cost_an_hour,
    )
    return _forecast_sentence(
        forecast(counted.curve, counted.opinions.measurements[-1].comparisons, pace), pace, chosen
    )


def _forecast_sentence(ahead: Forecast, pace: Pace, chosen: Settings) -> str:
    if not math.isfinite(ahead.more.labels):
        return (
            f"On the curve through these points the accuracy stays below "
            f"{percent(ahead.accuracy_wanted)}, however many comparisons follow; "
            f"{percent(ahead.never)} of the curves that fit as well say so."
        )
    least = f"{count(round(ahead.at_least.labels))} at least"
    most = ahead.at_most.labels
    at_most = f"{count(round(most))} at most" if math.isfinite(most) else "no number at most"
    people = "one person" if pace.people == 1 else f"{count(pace.people)} people"
    days = f"{decimal(ahead.more.days)} days" if ahead.more.days >= 0.95 else "less than a day"
    money = f" and {chosen.currency}{ahead.more.cost:,.2f}" if chosen.cost_an_hour else ""
    return (
        f"One point more, {percent(ahead.accuracy_wanted)}, takes about "
        f"{count(round(ahead.more.labels))} more comparisons ({least}, {at_most}): "
        f"{duration(3600 * ahead.more.hours)} of work{money}, {days} "
        f"for {people} at {decimal(pace.hours_a_day, 0)} h a day."
    )


def panels(site: Site, counted: Counted) -> list[Panel]:
    """The charts, each with its answer and its numbers."""
    charts = []
    measured, between, ceiling = counted.opinions.measurements, counted.between, counted.ceiling
    if measured:
        points = [
            {"comparisons": m.comparisons, "accuracy": m.after, "ci95": m.ci95, "n": m.pairs}
            for m in measured
        ]
        figure = accuracy_against_comparisons(
            points,
            counted.curve.at if counted.curve else None,
            {"value": between.value, "ci95": between.ci95} if between.n else None,
            (ceiling.low, ceiling.estimate, ceiling.high) if ceiling else None,
        )
        last = measured[-1]
        answer = f"{percent(last.after)} after {count(last.comparisons)} comparisons"
        if ceiling:
            most = percent(ceiling.estimate)
            answer += f"; of rankings like these people's, at most {most} could be foretold"
        answer += "."
        cells = [[count(m.comparisons), rate(m.after, m.ci95, m.pairs)] for m in measured]
        headings = ("comparisons learned from", "agrees with held-out rankings")
        charts.append(Panel("How much do labels help?", answer, safe_json(figure), headings, cells))
    names: dict[Any, str] = {one.labeler_id: one.name for one in work_of_each(site.store)}
    people = [
        {**dataclasses.asdict(one), "labeler": names.get(one.labeler, "?")}
        for one in agreement_of_each(counted.pairs)
        if one.pairs
    ]
    if people:
        figure = labeler_accuracy(people)
        tasks = sum(one["tasks"] for one in people)
        mean = sum(one["with_consensus"] * one["tasks"] for one in people) / tasks
        answer = f"One person says what most of the others say {percent(mean)} of the time."
        cells = [
            [one["labeler"], percent(one["with_consensus"]), count(one["tasks"])] for one in people
        ]
        columns = ("person", "agrees with most of the others", "shared tasks")
        charts.append(
            Panel("Who agrees with the others?", answer, safe_json(figure), columns, cells)
        )
    return charts


def rows(
    site: Site, counted: Counted, skills: Mapping[Any, LabelerSkill], chosen: Settings
) -> list[Row]:
    """Everyone who has labelled."""
    agreements = {one.labeler: one for one in agreement_of_each(counted.pairs)}
    table = []
    for one in work_of_each(site.store):
        if not one.labels:
            continue
        peers, skill = agreements.get(one.labeler_id), skills.get(one.labeler_id)
        shared = peers is not None and peers.pairs > 0
        cost = one.active_s / 3600 * chosen.cost_an_hour / one.labels
        table.append(
            Row(
                name=one.name,
                labels=count(one.labels),
                agreement=percent(peers.with_others) if peers and shared else "—",
                agreement_n=f"n = {count(peers.pairs)}" if peers and shared else "",
                skill=_with_error(skill.skill, skill.skill_se) if skill else "—",
                position=_with_error(skill.position_bias, skill.position_se) if skill else "—",
                length=_with_error(skill.length_bias, skill.length_se) if skill else "—",
                active=duration(one.active_s),
                cost=f"{chosen.currency}{cost:,.2f}" if chosen.cost_an_hour else "—",
            )
        )
    return table


def _with_error(value: float, error: float) -> str:
    """An estimate with its 95 % interval."""
    return f"{decimal(value, 2)} ± {decimal(1.96 * error, 2)}"
