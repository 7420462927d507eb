"""Seeds averaged: Student's t, curves on the same steps, a film that is small enough."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from PIL import Image

from tutelage.evaluation.statistics import mean_interval, student_t
from tutelage.reports import film
from tutelage.reports.film import NoFilm, animation
from tutelage.reports.seed_curves import averaged, over_steps


def test_student_t_in_closed_form_and_from_tables():
    # one degree is Cauchy's distribution; for two, P(|T| < t) = t / √(2 + t²)
    assert student_t(1) == pytest.approx(math.tan(0.475 * math.pi), rel=1e-9)
    assert student_t(2) == pytest.approx(math.sqrt(2 * 0.95**2 / (1 - 0.95**2)), rel=1e-9)
    # a printed table (Fisher and Yates 1938, table III)
    for freedom, value in [(3, 3.182), (4, 2.776), (9, 2.262), (10, 2.228), (30, 2.042)]:
        assert round(student_t(freedom), 3) == value


def test_mean_interval_by_hand():
    # deviation of 1, 3, 5 is 2; 4.3027 · 2 / √3 = 4.968
    mean, (low, high) = mean_interval([1.0, 3.0, 5.0])
    assert mean == 3.0
    assert (low, high) == pytest.approx((3 - 4.968, 3 + 4.968), abs=1e-3)
    assert mean_interval([2.0]) == (2.0, None)


def test_curves_are_averaged_over_the_steps_that_all_reached():
    short = [(10.0, 1.0), (30.0, 3.0), (50.0, 5.0)]
    long = [(5.0, 9.0), (10.0, 0.0), (20.0, 2.0), (30.0, 4.0), (60.0, 8.0)]
    curves = averaged([short, long])
    # three points from step 10 to step 50, each the mean of the 20 steps before; at the first all
    # that came before counts, and where nothing came the last value stays
    assert curves.xs == [10.0, 30.0, 50.0]
    assert curves.seeds == [[1.0, 3.0, 5.0], [4.5, 3.0, 3.0]]
    assert curves.mean == [2.75, 3.0, 4.0]
    assert curves.intervals[1] == [3.0, 3.0]
    assert curves.intervals[2][1] == pytest.approx(
        4 + 12.7062 * math.sqrt(2) / math.sqrt(2), abs=1e-3
    )


def test_points_stand_at_the_steps_that_their_rows_tell():
    series = {"train/steps": [(1.0, 64.0), (2.0, 128.0)], "a": [(2.0, 0.5)], "b": [(3.0, 7.0)]}
    assert over_steps(series, "a") == [(128.0, 0.5)]
    assert over_steps(series, "b") == [(3.0, 7.0)]
    assert over_steps(series, "c") == []


def test_frames_are_left_out_until_the_film_is_small(monkeypatch):
    noise = np.random.default_rng(0)
    frames = [noise.integers(0, 256, (64, 64, 3), dtype=np.uint8) for _ in range(16)]
    whole = animation(frames, 50)
    assert Image.open(io.BytesIO(whole)).n_frames == 16
    monkeypatch.setattr(film, "MOST_BYTES", len(whole) // 3)
    part = animation(frames, 50)
    assert len(part) <= len(whole) // 3
    picture = Image.open(io.BytesIO(part))
    assert picture.n_frames == 4
    picture.load()
    assert picture.info["duration"] == 200  # as slow as it was: a quarter of the frames


def test_without_pillow_there_is_one_sentence(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(NoFilm, match=r'its picture needs pip install "tutelage\[control\]"'):
        film.film("CartPole-v1", {}, lambda environments, seed: [], 0)
