"""The sentence under each chart, made from the numbers, with the small statistics it needs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tutelage.evaluation.statistics import wilson
from tutelage.wording import (
    count,
    decimal,
    difference,
    duration,
    holds_zero,
    listing,
    percent,
    plural,
    points,
    rate,
    signed,
)

Line = Sequence[tuple[float, float]]


def set_name(key: str) -> str:
    """A held-out set, or a stage of the costs, as a person calls it."""
    return key.replace("_", " ")


def share_interval(share: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a share measured on n."""
    return wilson(share * n, n)


def accuracy_interval(row: Mapping[str, Any]) -> Sequence[float]:
    """Of a row's accuracy: over prompts, as it was measured; older files leave only its n."""
    return row.get("ci95") or share_interval(row["accuracy"], row["n"])


def gap_interval(
    before: float, before_ci: Sequence[float], after: float, after_ci: Sequence[float]
) -> tuple[float, float]:
    """Newcombe's 95 % interval of after − before, from the two intervals, as if independent."""
    low = math.hypot(after - after_ci[0], before_ci[1] - before)
    high = math.hypot(after_ci[1] - after, before - before_ci[0])
    return after - before - low, after - before + high


def answer_helped(differences: Mapping[str, Mapping[str, Any]]) -> str:
    """Did a stage help? By the intervals of its differences on each held-out set."""
    better, worse, unclear = [], [], []
    for key, gap in differences.items():
        text = f"{difference(gap['difference'], gap['ci95'], gap['n'])} on {set_name(key)}"
        if holds_zero(gap["ci95"]):
            unclear.append(text)
        elif gap["difference"] > 0:
            better.append(text)
        else:
            worse.append(text)
    if not (better or worse):
        return f"Not measurably: every interval holds 0 ({listing(unclear)})."
    if not better:
        text = f"No: it made things worse, {listing(worse)}"
    else:
        text = f"{'Yes' if not worse else 'In part'}: {listing(better)}"
        text += f"; but worse, {listing(worse)}" if worse else ""
    return f"{text}; no clear change, {listing(unclear)}." if unclear else f"{text}."


def answer_reward_model(pair_accuracy: float, ceiling: float) -> str:
    """Is the reward model as good as its labels allow?"""
    gap = ceiling - pair_accuracy
    # Rounded as printed, so that the word agrees with the number.
    rounded = round(100 * gap, 1)
    word = "Yes" if rounded <= 3 else "Nearly" if rounded <= 5 else "No"
    side = "under" if rounded > 0 else "above" if rounded < 0 else "from"
    return (
        f"{word}: it agrees with the labels on {percent(pair_accuracy)} of held-out pairs, "
        f"{decimal(abs(100 * gap))} points {side} the {percent(ceiling)} that their noise allows."
    )


def answer_calibrated(bins: Sequence[Mapping[str, Any]], ece: float) -> str:
    """Can its confidence be believed? Yes when it is off by at most 5 points on average."""
    n = sum(bin_["n"] for bin_ in bins)
    off = f"on average its confidence is off by {decimal(100 * ece)} points (n = {count(n)})"
    if round(100 * ece, 1) <= 5:
        return f"Yes: {off}."
    excess = sum(bin_["n"] * (bin_["confidence"] - bin_["accuracy"]) for bin_ in bins)
    return f"No: {off}, and it is too {'sure' if excess > 0 else 'unsure'} of itself."


def answer_lengths(bins: Sequence[Mapping[str, Any]]) -> str:
    """Is it right whatever the difference in length? No when a bin lies clearly below the mean."""
    n = sum(bin_["n"] for bin_ in bins)
    overall = sum(bin_["accuracy"] * bin_["n"] for bin_ in bins) / max(n, 1)
    lowest = min(bins, key=lambda bin_: bin_["accuracy"])
    highest = max(bins, key=lambda bin_: bin_["accuracy"])
    low = f"{percent(lowest['accuracy'])} at {lowest['label']} (n = {count(lowest['n'])})"
    if accuracy_interval(lowest)[1] < overall:
        return f"No: only {low}, clearly below its mean of {percent(overall)}."
    return (
        f"Yes: from {low} to {percent(highest['accuracy'])} at {highest['label']} "
        f"(n = {count(highest['n'])}), none clearly below its mean of {percent(overall)}."
    )


def answer_rounds(rounds: Sequence[Mapping[str, Any]]) -> str:
    """Did further rounds bring the reward model nearer to its ceiling?"""
    first, last = rounds[0], rounds[-1]
    gaps = [100 * (row["ceiling"] - row["pair_accuracy"]) for row in (first, last)]
    word = "Yes" if gaps[1] < gaps[0] else "No"
    return (
        f"{word}: over {plural(len(rounds), 'round')} its pair accuracy went from "
        f"{percent(first['pair_accuracy'])} to {percent(last['pair_accuracy'])}, and the gap to "
        f"the ceiling from {decimal(gaps[0])} to {decimal(gaps[1])} points."
    )


def answer_fooled(rows: Sequence[Mapping[str, Any]]) -> str:
    """Did the policy fool its judge? Yes where a round's score rose while gold clearly fell."""
    for number in sorted({row["round"] for row in rows}):
        within = [row for row in rows if row["round"] == number]
        peak, last = max(within, key=lambda row: row["gold"]), within[-1]
        low, high = gap_interval(peak["gold"], peak["ci95"], last["gold"], last["ci95"])
        if high < 0 and last["score"] > peak["score"]:
            gap = difference(last["gold"] - peak["gold"], (low, high))
            return (
                f"Yes: in round {number} the score rose from {decimal(peak['score'], 2)} to "
                f"{decimal(last['score'], 2)} after step {count(peak['step'])}, while gold success "
                f"fell from {percent(peak['gold'])} to {percent(last['gold'])}, {gap}."
            )
    first, last = rows[0], rows[-1]
    return (
        f"No: in no round did gold success clearly fall while the score rose; "
        f"gold success went from {percent(first['gold'])} to "
        f"{rate(last['gold'], last['ci95'], last.get('n'))}, "
        f"at a KL of {decimal(last['kl'], 2)} nats."
    )


def describe_kept(selection: Sequence[Mapping[str, Any]], judge: str) -> str:
    """What the kept policy of each round, its last and its best by gold reached."""

    def reached(row: Mapping[str, Any]) -> str:
        return f"step {count(row['step'])}, gold {rate(row['gold'], row['ci95'], row.get('n'))}"

    by = "gold, which was the judge" if judge == "verifier" else "the judge's score, not gold"
    return " ".join(
        f"Round {row['round']} kept {reached(row['kept'])}, chosen by {by}; the last policy: "
        f"{reached(row['last'])}; the best by gold: {reached(row['gold_best'])}."
        for row in selection
    )


def answer_best_of_n(rows: Sequence[Mapping[str, Any]]) -> str:
    """Does choosing by the reward model help, and up to how many samples?"""
    one, best, last = rows[0], max(rows, key=lambda row: row["gold"]), rows[-1]
    gap = best["gold"] - one["gold"]
    ci95 = gap_interval(one["gold"], one["ci95"], best["gold"], best["ci95"])
    if gap <= 0 or holds_zero(ci95):
        return (
            f"Not measurably: the best of {best['n']} samples is right {percent(best['gold'])} of "
            f"the time, one sample {percent(one['gold'])}; "
            f"the interval of the difference holds 0."
        )
    text = (
        f"Yes: the best of {best['n']} samples is right {percent(best['gold'])} of the time, "
        f"one sample {percent(one['gold'])}, {difference(gap, ci95)}"
    )
    lost = gap_interval(best["gold"], best["ci95"], last["gold"], last["ci95"])
    if lost[1] < 0:
        text += f"; beyond {best['n']} it falls again, to {percent(last['gold'])}"
    return f"{text}."


def answer_groups(rows: Sequence[Mapping[str, Any]], before: str, after: str) -> str:
    """Where did the last stage help most, and where least?"""
    gains = sorted((row[after] - row[before], row["group"], row["n"]) for row in rows)
    (least, least_group, least_n), (most, most_group, most_n) = gains[0], gains[-1]
    moved = f"{points(most)} (n = {count(most_n)})"
    if most <= 0:
        return f"Nowhere: the best group, {most_group}, moved by {moved}."
    rose = sum(gain > 0 for gain, _, _ in gains)
    text = f"Most in {most_group}, {moved}; {rose} of {plural(len(gains), 'group')} rose"
    if len(gains) == 1:
        return f"{text}."
    return f"{text}, least in {least_group}, {points(least)} (n = {count(least_n)})."


def answer_costs(rows: Sequence[Mapping[str, Any]]) -> str:
    """Where did the time go?"""
    total = sum(row["seconds"] for row in rows)
    largest = max(rows, key=lambda row: row["seconds"])
    name = set_name(largest["stage"]).capitalize()
    return (
        f"{name} took most: {duration(largest['seconds'])} of {duration(total)}, "
        f"{percent(largest['seconds'] / total if total else 0)}."
    )


def answer_curve(lines: Mapping[str, Sequence[Line]], *, places: int, up: bool) -> str:
    """Did it move the way it should? lines: name → a line for each round; the first decides."""
    spans = {
        name: [_ends([value for _, value in part]) for part in parts]
        for name, parts in lines.items()
    }
    moves = [end > start if up else end < start for start, end in next(iter(spans.values()))]
    changes = [
        f"{name} went from {decimal(parts[-1][0], places)} to {decimal(parts[-1][1], places)}"
        for name, parts in spans.items()
    ]
    word = "Yes" if all(moves) else "In part" if any(moves) else "No"
    if len(moves) == 1:
        return f"{word}: {listing(changes)}."
    way = "up" if up else "down"
    return (
        f"{word}: {way} in {sum(moves)} of {plural(len(moves), 'round')}; "
        f"in the last, {listing(changes)}."
    )


def answer_change(name: str, line: Sequence[tuple[float, float]], *, places: int) -> str:
    """How far did it move? For what has no right direction."""
    start, end = _ends([value for _, value in line])
    return (
        f"{name[:1].upper()}{name[1:]} went from {decimal(start, places)} to "
        f"{decimal(end, places)} ({signed(end - start, places)})."
    )


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """Mean of the first and of the last tenth, so that one noisy step does not speak for all."""
    tenth = max(1, len(values) // 10)
    return sum(values[:tenth]) / tenth, sum(values[-tenth:]) / tenth
