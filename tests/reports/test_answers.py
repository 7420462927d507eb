"""The sentences under the charts and the statistics in them, by hand, the bad cases too."""

import pytest

from tutelage.reports import answers
from tutelage.reports.charts import curve, groups
from tutelage.reports.figures import label, running_mean, safe_json
from tutelage.reports.panels import chained, thinned


def gap(value, low, high, n=800):
    return {"difference": value, "ci95": [low, high], "n": n}


@pytest.mark.parametrize(
    ("gaps", "answer"),
    [
        ({"new_names": gap(0.15, 0.12, 0.18)}, "Yes: +15.0 points ± 3.0 (n = 800) on new names."),
        (
            {"new_names": gap(-0.15, -0.18, -0.12)},
            "No: it made things worse, −15.0 points ± 3.0 (n = 800) on new names.",
        ),
        (
            {"new_names": gap(0.01, -0.02, 0.04)},
            "Not measurably: every interval holds 0 (+1.0 points ± 3.0 (n = 800) on new names).",
        ),
        (
            {
                "new_names": gap(0.15, 0.12, 0.18),
                "new_phrasings": gap(-0.10, -0.12, -0.08),
                "new_compositions": gap(0.01, -0.02, 0.04),
            },
            "In part: +15.0 points ± 3.0 (n = 800) on new names; but worse, −10.0 points ± 2.0 "
            "(n = 800) on new phrasings; no clear change, +1.0 points ± 3.0 (n = 800) on new "
            "compositions.",
        ),
    ],
)
def test_did_it_help(gaps, answer):
    assert answers.answer_helped(gaps) == answer


@pytest.mark.parametrize(
    ("accuracy", "ceiling", "word", "gap"),
    [
        (0.83, 0.85, "Yes", "2.0 points under"),
        (0.82, 0.85, "Yes", "3.0 points under"),  # 0.85 − 0.82 is a little above 0.03
        (0.81, 0.85, "Nearly", "4.0 points under"),
        (0.73, 0.85, "No", "12.0 points under"),
        (0.86, 0.85, "Yes", "1.0 points above"),
    ],
)
def test_is_the_reward_model_as_good_as_its_labels(accuracy, ceiling, word, gap):
    answer = answers.answer_reward_model(accuracy, ceiling)
    assert answer.startswith(f"{word}: ")
    assert gap in answer


def test_can_its_confidence_be_believed():
    bins = [
        {"confidence": 0.6, "accuracy": 0.5, "n": 10},
        {"confidence": 0.9, "accuracy": 0.8, "n": 30},
    ]
    assert answers.answer_calibrated(bins, 0.04) == (
        "Yes: on average its confidence is off by 4.0 points (n = 40)."
    )
    assert answers.answer_calibrated(bins, 0.1) == (
        "No: on average its confidence is off by 10.0 points (n = 40), "
        "and it is too sure of itself."
    )
    timid = [{"confidence": 0.6, "accuracy": 0.9, "n": 10}]
    assert answers.answer_calibrated(timid, 0.3).endswith("too unsure of itself.")


def test_is_it_right_whatever_the_length():
    even = [{"label": "0", "accuracy": 0.8, "n": 100}, {"label": "9", "accuracy": 0.84, "n": 100}]
    assert answers.answer_lengths(even) == (
        "Yes: from 80.0 % at 0 (n = 100) to 84.0 % at 9 (n = 100), none clearly below its mean of "
        "82.0 %."
    )
    uneven = [{"label": "0", "accuracy": 0.5, "n": 100}, {"label": "9", "accuracy": 0.9, "n": 100}]
    assert answers.answer_lengths(uneven) == (
        "No: only 50.0 % at 0 (n = 100), clearly below its mean of 70.0 %."
    )


def test_did_rounds_help():
    rows = [{"pair_accuracy": 0.79, "ceiling": 0.85}, {"pair_accuracy": 0.83, "ceiling": 0.85}]
    assert answers.answer_rounds(rows) == (
        "Yes: over 2 rounds its pair accuracy went from 79.0 % to 83.0 %, and the gap to the "
        "ceiling from 6.0 to 2.0 points."
    )
    assert answers.answer_rounds(rows[::-1]).startswith("No: over 2 rounds")


def audit(step, gold, score, round_=1, half=0.05):
    return {"round": round_, "step": step, "kl": step / 10, "score": score, "gold": gold,
            "ci95": [gold - half, gold + half], "n": 200}  # fmt: skip


def test_did_the_policy_fool_its_judge():
    fooled = [audit(0, 0.57, 0.0), audit(10, 0.60, 0.5), audit(40, 0.45, 2.0)]
    # The interval of the fall: −15 ± √(5² + 5²) = ± 7.07 points.
    assert answers.answer_fooled(fooled) == (
        "Yes: in round 1 the score rose from 0.50 to 2.00 after step 10, while gold success fell "
        "from 60.0 % to 45.0 %, −15.0 points ± 7.1."
    )
    honest = [audit(0, 0.57, 0.0), audit(10, 0.60, 0.5), audit(40, 0.59, 2.0)]
    assert answers.answer_fooled(honest) == (
        "No: in no round did gold success clearly fall while the score rose; gold success went "
        "from 57.0 % to 59.0 % ± 5.0 (n = 200), at a KL of 4.00 nats."
    )
    broken = [audit(0, 0.60, 1.0), audit(10, 0.30, 0.2)]  # the score fell as well: no fooling
    assert answers.answer_fooled(broken).startswith("No: ")
    second = [*honest, *(dict(row, round=2) for row in fooled)]
    assert answers.answer_fooled(second).startswith("Yes: in round 2")


def best(n, gold, half=0.02):
    return {"n": n, "gold": gold, "ci95": [gold - half, gold + half]}


def test_does_choosing_help():
    assert answers.answer_best_of_n([best(1, 0.6), best(4, 0.7), best(16, 0.71)]) == (
        "Yes: the best of 16 samples is right 71.0 % of the time, one sample 60.0 %, "
        "+11.0 points ± 2.8."
    )
    assert answers.answer_best_of_n([best(1, 0.6), best(4, 0.7), best(16, 0.6)]).endswith(
        "; beyond 4 it falls again, to 60.0 %."
    )
    flat = answers.answer_best_of_n([best(1, 0.6), best(4, 0.61)])
    assert flat.startswith("Not measurably: the best of 4 samples is right 61.0 %")
    assert answers.answer_best_of_n([best(1, 0.6), best(4, 0.4)]).startswith("Not measurably")


def test_where_did_it_help_most():
    rows = [
        {"group": "counting", "sft": 0.5, "ppo": 0.75, "n": 80},
        {"group": "loops", "sft": 0.5, "ppo": 0.4, "n": 60},
    ]
    assert answers.answer_groups(rows, "sft", "ppo") == (
        "Most in counting, +25.0 points (n = 80); 1 of 2 groups rose, least in loops, "
        "−10.0 points (n = 60)."
    )
    assert answers.answer_groups(rows, "ppo", "sft").startswith("Most in loops, +10.0 points")
    assert answers.answer_groups(rows[1:], "sft", "ppo") == (
        "Nowhere: the best group, loops, moved by −10.0 points (n = 60)."
    )


def test_where_did_the_time_go():
    rows = [{"stage": "sft", "seconds": 30}, {"stage": "ppo_1", "seconds": 90}]
    assert answers.answer_costs(rows) == "Ppo 1 took most: 1 min 30 s of 2 min 00 s, 75.0 %."
    assert answers.answer_costs([{"stage": "sft", "seconds": 0}]).endswith("0.0 %.")


def test_did_a_curve_move_the_right_way():
    fell = [(1, 4.0), (2, 2.0), (3, 1.0)]
    assert answers.answer_curve({"loss": [fell]}, places=1, up=False) == (
        "Yes: loss went from 4.0 to 1.0."
    )
    assert answers.answer_curve({"loss": [fell]}, places=1, up=True).startswith("No: ")
    rounds = [fell, [(1, 1.0), (2, 5.0)]]
    assert answers.answer_curve({"loss": rounds}, places=1, up=False) == (
        "In part: down in 1 of 2 rounds; in the last, loss went from 1.0 to 5.0."
    )
    assert answers.answer_change("lag", fell, places=2) == "Lag went from 4.00 to 1.00 (−3.00)."


def test_intervals_by_hand():
    # Wilson, 8 of 10: centre (0.8 + 0.19207) / 1.38415 = 0.71674, half-width 0.22659.
    assert answers.share_interval(0.8, 10) == pytest.approx((0.49016, 0.94332), abs=1e-4)
    assert answers.share_interval(0.5, 0) == (0.0, 1.0)
    # Newcombe: below it √(0.3² + 0.4²), above it √(1.2² + 0.5²).
    low, high = answers.gap_interval(0.3, (-0.2, 0.7), 0.5, (0.2, 1.7))
    assert (low, high) == pytest.approx((0.2 - 0.5, 0.2 + 1.3))


def test_rounds_are_put_end_to_end():
    metrics = {
        "ppo_10": {"reward/mean": [(1, 9.0)]},
        "ppo_2": {"reward/mean": [(1, 7.0), (3, 8.0)]},
        "ppo_1": {"reward/mean": [(2, 5.0), (4, 6.0)]},
        "sft": {"train/loss": [(1, 1.0)]},
    }
    joined, marks = chained(metrics, "policy")
    assert joined == {"reward/mean": [[(2, 5.0), (4, 6.0)], [(5, 7.0), (7, 8.0)], [(8, 9.0)]]}
    assert marks == {"round 1": 0, "round 2": 4, "round 10": 7}


def test_long_lines_are_thinned_and_smoothed_by_means():
    line = [(float(x), float(x)) for x in range(1, 1001)]
    thin = thinned(line)
    assert len(thin) == 334
    assert thin[0] == (3.0, 2.0)
    assert thinned(line[:400]) == line[:400]
    assert running_mean(line[:40])[10] == (11.0, 11.0)
    assert running_mean([(float(x), float(x % 2)) for x in range(40)])[10][1] == pytest.approx(0.4)


def test_labels_cannot_be_tags_and_json_cannot_end_its_element():
    assert label("<b>a\nb</b>") == "&lt;b&gt;a␊b&lt;/b&gt;"
    figure = curve({"</script>": [[(1.0, 2.0), (2.0, 3.0)]]}, ["#0072B2"], "</script>", {})
    text = safe_json(figure)
    assert not {"<", ">", "&"} & set(text)


def test_groups_are_ordered_by_gain():
    rows = [
        {"group": "a", "sft": 0.5, "ppo": 0.9, "n": 10},
        {"group": "b", "sft": 0.5, "ppo": 0.4, "n": 10},
    ]
    figure = groups(rows, ("sft", "SFT"), ("ppo", "PPO"), "new sums")
    assert figure.layout.xaxis.title.text == "right, new sums (%)"
    assert list(figure.layout.yaxis.ticktext) == ["b", "a"]  # from below
