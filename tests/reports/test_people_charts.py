"""Charts of labelers: they show the numbers given, and nothing beyond them as if it were data."""

from __future__ import annotations

import math

import pytest

from tutelage.reports.figures import safe_json
from tutelage.reports.people_charts import accuracy_against_comparisons, labeler_accuracy

POINTS = [
    {"comparisons": n, "accuracy": a, "ci95": (a - 0.06, a + 0.06), "n": 400}
    for n, a in ((100, 0.6), (400, 0.68), (900, 0.7))
]


def curve(n):
    value = 0.75 - 1.5 * n**-0.5
    return value, (value - 0.02, value + 0.02)


def lines(figure, dash):
    return [trace for trace in figure.data if trace.mode == "lines" and trace.line.dash == dash]


def test_the_fit_is_dashed_where_the_data_ends():
    figure = accuracy_against_comparisons(POINTS, curve, None, None, reach=8)
    (solid,), (dashed,) = lines(figure, "solid"), lines(figure, "dash")
    assert (solid.x[0], solid.x[-1], dashed.x[0]) == (100, 900, 900)
    assert dashed.x[-1] == pytest.approx(7200)
    assert dashed.y[-1] == pytest.approx(75 - 150 / math.sqrt(7200))
    (points,) = [trace for trace in figure.data if trace.mode == "markers"]
    assert list(points.y) == pytest.approx([60, 68, 70])
    none = accuracy_against_comparisons([{**POINTS[0], "ci95": None}], None, None, None)
    assert "100 comparisons: 60.0 % (n = 400)" in none.data[0].text[0]
    assert "100 comparisons: 60.0 % ± 6.0 (n = 400)" in points.text[0]


def test_agreement_and_ceiling_stand_beside_the_curve():
    agreement = {"value": 0.726, "ci95": (0.71, 0.741)}
    figure = accuracy_against_comparisons(POINTS, curve, agreement, (0.726, 0.797, 0.836))
    texts = [annotation.text for annotation in figure.layout.annotations]
    assert [text.rsplit(" ", 1)[-1] for text in texts] == ["labelers", "model", "ceiling"]
    (ceiling,) = lines(figure, "dot")
    assert list(ceiling.y) == pytest.approx([79.7, 79.7])
    low, high = figure.layout.yaxis.range
    assert low < 55
    assert high > 83.6
    safe_json(figure)


def test_before_there_is_a_curve_or_anything_at_all():
    figure = accuracy_against_comparisons(POINTS[:2], None, None, None)
    assert not lines(figure, "dash")
    assert figure.layout.xaxis.range[1] == pytest.approx(math.log10(400))
    safe_json(accuracy_against_comparisons([], None, None, None))
    safe_json(labeler_accuracy([]))


def test_labelers_are_sorted_and_those_without_company_left_out():
    rows = [
        {"labeler": "ann", "with_consensus": 0.9, "tasks": 50},
        {"labeler": "<b>bob</b>", "with_consensus": 0.6, "tasks": 100},
        {"labeler": "new", "with_consensus": math.nan, "tasks": 0},
    ]
    figure = labeler_accuracy(rows)
    assert list(figure.layout.yaxis.ticktext) == ["&lt;b&gt;bob&lt;/b&gt;", "ann"]
    dots = figure.data[0]
    assert list(dots.x) == pytest.approx([60, 90])
    # Wilson's interval of 60 of 100.
    assert 60 - dots.error_x.arrayminus[0] == pytest.approx(50.2, abs=0.05)
    assert "mean 70.0 %" in figure.layout.annotations[0].text
